"""What people and tools send to a run: the start input, controls, decisions, queries.

Names and shapes are a contract: `temporal workflow start|signal|update|query` and the Web UI use them as
they stand. Each control is an update (with a typed refusal) and a signal of the same name and shape.
"""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from definitions.locks import ClaimedGroup
from definitions.records import Ledger, Record, RunHandle
from definitions.statuses import Event, Status
from definitions.steps.agent import FoundNames
from definitions.trust import TRUST_PATTERN

WORKFLOW_TYPE = "perdure.run"
DEFAULT_TASK_QUEUE = "perdure"
AGENT_QUEUE_SUFFIX = ".agent"

WAITING = "waiting"
"""Key of an attempt's heartbeat details: what holds its worker up (the store does not answer), in words."""
DEFINITIONS_MEMO = "definitions"
"""Memo of a run: the ids of the definitions that it has as parts."""

SEARCH_ATTRIBUTES = {
    "PerdureDefinition": "Keyword",
    "PerdureStatus": "Keyword",
    "PerdureOpenGates": "Int",
    "PerdureApprovers": "KeywordList",
}
"""Names and types; `prepare` records which of them the namespace has, others are never set."""


class Message(BaseModel):
    """Base of what comes from outside: tolerant of keys that it does not know."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class InlineDefinition(Message):
    """A definition given with the start input."""

    text: str
    """YAML or JSON text."""
    file: str = "definition.yaml"
    """The name that diagnostics show."""
    library: dict[str, str] = {}
    """The texts of the definitions that it, or one of these, refers to as files, by path relative to its folder."""


class FrozenDefinition(Message):
    """A definition as another run was frozen with it: what a `workflow` step with `detach` starts.

    It was taken by a worker when that run began, so no policy is asked again.
    """

    of_run: str
    """The run's execution id."""
    key: str
    """Which of its definitions."""


class GitInput(Message):
    """A repository to start with; which ones are taken is the worker's setting (`PERDURE_GIT`)."""

    url: str
    ref: str = "HEAD"


class WorkspaceInput(Message):
    """The files to start with: a snapshot's digest, a repository, or a folder (embedded default only)."""

    tree: str | None = None
    path: str | None = None
    git: GitInput | None = None
    root: str | None = None
    """The folder that `tree` was taken from, for `workspace.link` (embedded default only)."""


class RerunOf(Message):
    """Which run is taken up, and what of it is done again.

    Example: `{"id": "release-20260131-a1b2c3", "failed": true}`
    """

    id: str = Field(min_length=1, max_length=1000)
    """Its execution id."""
    failed: bool = False
    """What failed or did not end is done again, and all that depends on it; the rest is kept."""
    start: str | None = Field(default=None, alias="from")
    """A step's path: it, and all that depends on it, is done again. With neither, everything is."""


class RunInput(Message):
    """The input of `perdure.run`.

    Example: `{"definition": "raise-coverage", "inputs": {"module": "src/prices.py"}}`
    """

    definition: str | InlineDefinition | FrozenDefinition | dict[str, JsonValue] = Field(
        default="", union_mode="left_to_right"
    )
    """A catalog name, a text, or the definition itself as an object. Left out only with `rerun_of`."""
    inputs: dict[str, JsonValue] = {}
    env: dict[str, str] = {}
    """Values of `env.X` for the names that the definition uses."""
    workspace: WorkspaceInput = WorkspaceInput()
    starter: str | None = None
    """Who started it, as far as known."""
    provider: str | None = None
    script: dict[str, JsonValue] | None = None
    names: FoundNames = FoundNames()
    """The agents and skills that the definition calls by name, as found where the run is started."""
    caller_environment: dict[str, str] | None = None
    """PATH, HOME, LANG, VIRTUAL_ENV of the caller; the embedded default's steps use them."""
    trust: str | None = Field(default=None, pattern=TRUST_PATTERN)
    """`untrusted/SCOPE` keeps what it caches apart from trusted runs; it can lower what the worker says only."""
    rerun_of: RerunOf | None = None
    """Take up an earlier run: its definition, inputs, variables and files count, unless given anew here."""
    carried: "Carried | None" = None
    """Set by continue-as-new only."""

    @model_validator(mode="after")
    def _says_what_to_run(self) -> "RunInput":
        if "definition" not in self.model_fields_set and self.rerun_of is None:
            raise PydanticCustomError("missing", "`definition`: field required")
        return self


class Prepared(Record):
    """The output of the activity `prepare`: the run, frozen."""

    definition: dict[str, JsonValue]
    """Normalised."""
    definition_digest: str
    library: dict[str, dict[str, JsonValue]] = {}
    """The definitions that `workflow` steps run, normalised, by the name that the steps have for them."""
    inputs: dict[str, JsonValue]
    """Typed, with defaults."""
    env: dict[str, JsonValue] = {}
    run: RunHandle
    tree: str | None = None
    commit: str | None = None
    """The commit that the files are of, where they came from a repository."""
    search_attributes: list[str] = []
    """Which of ours the namespace has."""
    ledger: Ledger | None = None
    """What fast-forward found in the cache, after what a rerun keeps."""
    rerun_of: str | None = None
    """The run that this one took up."""
    concurrency: ClaimedGroup | None = None
    """Its group of runs that go one at a time."""


class Carried(Record):
    """What continue-as-new hands on."""

    prepared: Prepared
    ledger: Ledger
    created_at: datetime
    started_at: datetime
    is_waiting: bool = False
    """Whether the run waits for its turn in a concurrency group, and has begun nothing."""


class PrepareCall(Record):
    """The input of `prepare`."""

    execution_id: str
    request: RunInput
    started_at: datetime


class FinishCall(Record):
    """The input of `finish`: the activity asks the run itself for its `report`, so that history holds no copy."""

    run: RunHandle


class Report(Record):
    """The answer of the query `report`: all that is written to the store of a run."""

    status: Status
    ledger: Ledger
    events: list[Event] = []
    """Those since the run last continued as new."""
    prepared: Prepared | None = None
    """What it was frozen with; None before it has begun."""


class Pause(Message):
    """Example: `{"reason": "deploy", "by": "ana"}`."""

    reason: str | None = None
    by: str = "unknown"


class Resume(Message):
    """Example: `{"by": "ana", "steps": {"deploy": "retry"}, "inputs": {"version": "1.3"}}`."""

    by: str = "unknown"
    steps: dict[str, Literal["retry", "skip", "fail"]] = {}
    """What becomes of steps that failed and paused the run (`on_failure: pause`), by path. Absent: `retry`."""
    inputs: dict[str, JsonValue] = {}
    """Inputs given anew; what has run is not run again for that."""


class Cancel(Message):
    """Example: `{"reason": "wrong branch", "by": "ana"}`."""

    reason: str | None = None
    by: str = "unknown"


class Decide(Message):
    """Example: `{"gate": "plan_ok", "verdict": "approve", "by": "ana", "comment": "fine"}`."""

    gate: str | None = None
    """The step's path; may be left out when one gate is open."""
    verdict: Literal["approve", "reject"]
    by: str = "unknown"
    comment: str | None = None
    form: dict[str, JsonValue] = {}
    decision_id: str | None = None
    """The same id twice is one decision; absent: made from the other fields."""
    digest: str | None = None
    """Digest of what was shown; refused when the gate shows something else now."""
    groups: list[str] = Field(default=[])
    """Groups of the person, as the sender claims (unverified)."""


class Answer(Record):
    """What an update answers."""

    accepted: bool = True
    status: str
    """The run's state afterwards, or the verdict."""
    message: str | None = None


class CancelCall(Record):
    """The input of the activity that requests Temporal's own cancellation of a run."""

    execution_id: str
    reason: str | None = None


class PartQuery(Message):
    """Example: `{"start": 1000}`: records from the 1001st on."""

    start: int = 0
    limit: int = 1000
    size: int | None = None
    """How many bytes, in place of how many records."""


class EventsQuery(Message):
    """Example: `{"after": 12}`: events with a sequence above 12."""

    after: int = 0
    limit: int = 500
    size: int | None = None
    """How many bytes, in place of how many events."""
