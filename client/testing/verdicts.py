"""The seam between the levels: each plays a case and gives an `Outcome`; what it is worth is judged here.

Subject    what is tested: the definition and where it stands
Play       how a level plays one case (each level's module: `async with opened() as play`)
Outcome    what a case came to
judge      an outcome against the case's expectations, whatever the level (see `judging`)
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from pydantic import JsonValue

from definitions.cases.models import Case
from definitions.errors import PerdureError
from definitions.evaluation import FileReader
from definitions.models import Definition
from definitions.nodes import Path as NodePath
from definitions.statuses import Event, Status
from definitions.stored_values import VALUE_KEY, is_value_reference


@dataclass(frozen=True, slots=True)
class Subject:
    """What the cases of a file test."""

    definition: Definition
    source: str
    """The definition's text."""
    file: str
    """The definition's file, as findings name it."""
    folder: Path
    """Where the test file stands: `files_from` is relative to it."""
    library: Mapping[str, Definition] = field(default_factory=dict[str, Definition])
    """The definitions that its `workflow` steps run, as a run interprets them, by key."""
    texts: Mapping[str, str] = field(default_factory=dict[str, str])
    """The texts of these, by key."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a case came to."""

    status: Status
    """The status record of the run; it may still wait at a gate (`waiting_approval`)."""
    path: tuple[str, ...]
    """Step paths in the order in which they ended; skipped and cancelled ones are left out."""
    prompts: Mapping[str, str] = field(default_factory=dict[str, str])
    """The last prompt of each agent step that ran, rendered, by path."""
    duration: timedelta = timedelta(0)
    """From the run's start to its end, by the clock of the case."""
    files: FileReader | None = None
    """Reads file outputs and values that are in the store; None: neither can be judged."""


class NotPlayable(PerdureError):
    """A case cannot be played as it is written; this is no verdict on the definition."""

    def __init__(self, message: str, place: NodePath = ()) -> None:
        self.message = message
        self.place = place
        """Where in the case the reason stands."""
        super().__init__(message)


Play = Callable[[Case, Subject], Awaitable[Outcome]]
"""Plays one case. Raises `NotPlayable`."""


def ended_paths(events: Iterable[Event]) -> tuple[str, ...]:
    """Return the paths of an outcome from a run's events: what ended, in order, without skipped and cancelled steps."""
    return tuple(
        event.step
        for event in events
        if event.type in ("step_completed", "step_failed")
        and event.step is not None
        and event.data.get("status") != "cancelled"
    )


@dataclass(frozen=True, slots=True)
class Finding:
    """One expectation that was not met."""

    message: str
    """Lower case, without a full stop, the wrong thing first."""
    place: NodePath
    """Where the expectation stands in the case: `("expect", "outputs", "report")`."""
    expected: JsonValue = None
    actual: JsonValue = None


def resolved(value: JsonValue, outcome: Outcome) -> JsonValue:
    """Return a value with what is in the store read from there."""
    if is_value_reference(value) and outcome.files is not None:
        return outcome.files.value(str(value[VALUE_KEY]))
    return value


def judge(case: Case, outcome: Outcome) -> tuple[Finding, ...]:
    """Return the expectations of a case that its outcome does not meet."""
    from client.testing.judging import findings

    return tuple(findings(case, outcome))
