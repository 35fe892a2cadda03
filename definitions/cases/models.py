"""A test file, as its author writes it: cases, stubs, decisions, expectations.

    CaseFile ─ cases ─ Case ─ stubs       Stub          how a step answers instead of running
                            ─ decisions   CaseDecision  what people say at its gates, and when
                            ─ expect      Expectation   what must come of it

Every level (plan, simulated, real) plays the same models.
"""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, JsonValue

from definitions.cases.paths import declared_path
from definitions.durations import Duration
from definitions.errors import ErrorClass
from definitions.records import StepState
from definitions.statuses import RunState
from definitions.steps.base import Condition, Model

Level = Literal["plan", "simulated", "real"]
Verdict = Literal["approve", "reject"]


def _moment(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"`{text}` is not a moment; write one such as `2026-01-31T12:00:00Z`") from None
    if moment.tzinfo is None:
        raise ValueError(f"`{text}` has no time zone; add `Z`")
    return text


class Failure(Model):
    """How a stubbed step fails."""

    type: ErrorClass = ErrorClass.EXIT
    """The class of the failure: what `retry: {on: […]}` and `steps.x.error.type` name."""
    message: str = "the test says so"
    """The message of the error."""
    times: int | None = Field(default=None, ge=1)
    """So many attempts fail, those after them go well. Absent: each attempt that this stub answers."""


class Stub(Model):
    """How a step answers instead of running. Nothing given: it goes well, with outputs made from what it declares."""

    outputs: dict[str, JsonValue] = {}
    """Its outputs; what is left out is made from what the step declares. On an agent step: its answer."""
    files: dict[str, str | None] = {}
    """Files that it writes in the workspace, contents by path; null deletes."""
    delay: Duration = timedelta(0)
    """How long it takes."""
    fail: Failure | None = None
    """How it fails."""
    cached: bool = False
    """Whether it is found in the cache."""


class CaseDecision(Model):
    """What a person says at a gate."""

    verdict: Verdict
    """What is decided."""
    by: str = "tester"
    """Who decides."""
    groups: list[str] = []
    """Groups that this person belongs to."""
    after: Duration = timedelta(0)
    """How long after the gate opened."""
    comment: str | None = None
    """What is said with it."""
    form: dict[str, JsonValue] = {}
    """What is filled in."""


class CaseSignal(Model):
    """A signal that a `wait` step waits for."""

    payload: JsonValue = None
    """What it carries."""
    after: Duration = timedelta(0)
    """How long after the run started it comes."""


class CaseResumption(Model):
    """What a person says about a step that failed and paused the run."""

    action: Literal["retry", "skip", "fail"] = "retry"
    """What becomes of the step."""
    by: str = "tester"
    """Who says it."""
    after: Duration = timedelta(0)
    """How long after the run paused."""


class Clock(Model):
    """The time of a case. At the level *plan* and *simulated* nobody waits: time jumps to what happens next."""

    start: Annotated[str, AfterValidator(_moment)] | None = None
    """When the run starts, such as `2026-01-31T12:00:00Z` (levels *plan* and *simulated*)."""


class ErrorExpectation(Model):
    """What an error must be; what is left out may be anything."""

    step: str | None = None
    """The path of the step whose error it is."""
    type: ErrorClass | None = None
    """Its class."""
    message: str | None = None
    """A text that its message contains."""


class StepExpectation(Model):
    """What a step must come to; what is left out may be anything."""

    status: StepState | None = None
    """Its state at the end."""
    attempt: int | None = Field(default=None, ge=0)
    """The number of its last attempt."""
    cached: bool | None = None
    """Whether it was found in the cache."""
    outputs: dict[str, JsonValue] = {}
    """Outputs by name, equal to these; others may be there."""
    reason: str | None = None
    """A text that the reason for skipping it contains."""
    error: ErrorExpectation | None = None
    """Its error."""


class DurationExpectation(Model):
    """How long a run must take, by the clock of the case."""

    at_least: Duration | None = None
    """It takes this long or longer."""
    at_most: Duration | None = None
    """It takes no longer than this."""


class Expectation(Model):
    """What must come of a case. What is left out may be anything, except that a run must complete."""

    status: RunState | None = None
    """The run's state at the end. Absent: `completed`; with `error`: `failed` or `rejected`."""
    path: list[str] | None = None
    """Step paths in the order in which they ended, all of them; skipped and cancelled ones are left out."""
    never: list[str] = []
    """Steps that must not run."""
    skipped: list[str] = []
    """Steps that must be skipped."""
    outputs: dict[str, JsonValue] = {}
    """The run's outputs by name, equal to these; a file is equal to its path."""
    check: list[Condition] = []
    """Conditions over `outputs`, `steps`, `inputs`, `env`, `run`, `status` and `error`."""
    steps: dict[str, StepExpectation] = {}
    """What steps must come to, by path."""
    prompts: dict[str, list[str]] = {}
    """Texts that the prompt of an agent step contains, by path."""
    error: ErrorExpectation | None = None
    """The run's error."""
    handled: list[str] | None = None
    """The steps whose failure did not fail the run, all of them."""
    takes: DurationExpectation | None = None
    """How long the run takes."""

    @property
    def states(self) -> tuple[RunState, ...]:
        """The states that the run may end in."""
        if self.status is not None:
            return (self.status,)
        return ("completed",) if self.error is None else ("failed", "rejected")


class Case(Model):
    """One run of the definition under test, and what must come of it."""

    name: str = Field(min_length=1)
    """What is tested; unique in the file."""
    description: str | None = None
    """More about it, for people."""
    level: Level = "plan"
    """`plan`: without a server, in milliseconds; `simulated`: on the dev server, stubbed; `real`: with real steps."""
    inputs: dict[str, JsonValue] = {}
    """The run's inputs."""
    env: dict[str, str] = {}
    """Values of `env.X` for the names that the definition uses."""
    starter: str | None = None
    """Who started the run."""
    files: dict[str, str] = {}
    """The workspace at the start, contents by path."""
    files_from: str | None = None
    """A folder beside the test file that is the workspace at the start; `files` come on top."""
    stubs: dict[str, Stub | Annotated[list[Stub], Field(min_length=1)]] = {}
    """How steps answer, by step path; in a list one for each attempt, and the last answers all that follow."""
    decisions: dict[str, Verdict | CaseDecision | list[CaseDecision]] = {}
    """What people say at gates, by the gate's step path; by `PATH/accept` at the gate after a step."""
    signals: dict[str, CaseSignal] = {}
    """Signals that come, by name."""
    resumptions: dict[str, list[CaseResumption]] = {}
    """What people say about steps with `on_failure: pause`, by step path, one for each time."""
    clock: Clock = Clock()
    """The time of the case."""
    expect: Expectation = Expectation()
    """What must come of it."""

    def stubs_at(self, path: str) -> tuple[Stub, ...]:
        """Return the stubs of a step, one an attempt; those of `fix/test` answer for `fix#3/test` too."""
        found = self.stubs.get(path, self.stubs.get(declared_path(path)))
        if found is None:
            return ()
        return tuple(found) if isinstance(found, list) else (found,)

    def decisions_at(self, path: str) -> tuple[CaseDecision, ...]:
        """Return what people say at a gate, in written order."""
        found = self.decisions.get(path, self.decisions.get(declared_path(path), []))
        if isinstance(found, str):
            return (CaseDecision(verdict=found),)
        return tuple(found) if isinstance(found, list) else (found,)


class CaseFile(Model):
    """A test file: cases of one definition."""

    definition: str | None = None
    """The definition under test, relative to this file. Absent: this file's name without `.test`."""
    cases: list[Case] = Field(min_length=1)
    """The cases."""


def stub_at(stubs: tuple[Stub, ...], attempt: int) -> Stub:
    """Return what answers attempt number `attempt`, from 1: a failure whose `times` are over is a success."""
    if not stubs:
        return Stub()
    stub = stubs[min(attempt, len(stubs)) - 1]
    if stub.fail is None or stub.fail.times is None:
        return stub
    first = min(attempt, len(stubs))
    is_over = attempt - first >= stub.fail.times
    return stub.model_copy(update={"fail": None}) if is_over else stub
