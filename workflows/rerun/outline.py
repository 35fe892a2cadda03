"""Where the records of a ledger stand: in which list, item or pass, and how the steps of that list follow each other.

The *owner* of a record is what it is a part of: of a pass `fix#3` the loop `fix`, of an item `epics[E-1]` the step
`epics`, of a step in a list the group, item or pass around that list. A *declared* path has ids only: `epics/build`.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from definitions.models import Definition
from definitions.steps import GroupStep, Step, WorkflowStep

UNDOING = "compensate"


class Kind(StrEnum):
    """What a record is, or how the steps of a list follow each other."""

    SEQUENCE = "sequence"
    NEEDS = "needs"
    BRANCHES = "branches"
    RACE = "race"


def owner_of(path: str) -> str:
    """Return the path of what a record is a part of; the empty path is the run."""
    if path.endswith("]"):
        return path[: path.rindex("[")]
    head, _, last = path.rpartition("/")
    if "#" in last:
        return path[: path.rindex("#")]
    return head


def is_item(path: str) -> bool:
    """Whether a path is that of an item of a `for_each`."""
    return path.endswith("]")


def is_pass(path: str) -> bool:
    """Whether a path is that of a pass of a loop."""
    return "#" in path.rpartition("/")[2] and not is_item(path)


def number_of_pass(path: str) -> int:
    """Return which pass of its loop a pass is."""
    number = path.rpartition("#")[2]
    return int(number) if number.isdigit() else 1


def step_id(path: str) -> str:
    """Return the id of the step that a record is of."""
    last = path.rpartition("/")[2]
    for mark in "[#@":
        last = last.partition(mark)[0]
    return last


def visit_of(path: str) -> str:
    """Return the path of the visit that an item or a pass belongs to; a visit's own path as it is."""
    head, slash, last = path.rpartition("/")
    return head + slash + last.partition("[")[0].partition("#")[0]


def first_visit(path: str) -> str:
    """Return the path of the first visit of the step that a record is of."""
    return visit_of(path).rpartition("@")[0] if "@" in path.rpartition("/")[2] else visit_of(path)


def declared(path: str) -> str:
    """Return a path with nothing but ids."""
    return "/".join(step_id(part) for part in path.split("/"))


def is_undoing(path: str) -> bool:
    """Whether a record is of a step that undid another."""
    return UNDOING in path.split("/")


class Outline:
    """The lists of a definition, and of those that its `workflow` steps run, by declared path."""

    def __init__(self, definition: Definition, library: Mapping[str, Definition]) -> None:
        self._definition = definition
        self._library = library
        self._lists: dict[str, Sequence[Step]] = {"": definition.steps}
        self._steps: dict[str, Step | None] = {}

    def steps_in(self, place: str) -> Sequence[Step]:
        """Return the steps of the list at a declared path; the empty path is the run's own list."""
        if place not in self._lists:
            self._lists[place] = self.inside(self.step(place))
        return self._lists[place]

    def inside(self, step: Step | None) -> Sequence[Step]:
        """Return the steps inside a step."""
        if isinstance(step, GroupStep):
            return step.steps
        definition = self.definition_of(step)
        return () if definition is None else definition.steps

    def definition_of(self, step: Step | None) -> Definition | None:
        """Return the definition that a step runs in its place."""
        if not isinstance(step, WorkflowStep) or step.detach:
            return None
        return self._library.get(step.definition)

    def step(self, place: str) -> Step | None:
        """Return the step at a declared path."""
        if place not in self._steps:
            around, _, wanted = place.rpartition("/")
            self._steps[place] = next((step for step in self.steps_in(around) if step.id == wanted), None)
        return self._steps[place]

    def kind(self, place: str) -> Kind:
        """Return how the steps of the list at a declared path follow each other."""
        step = self.step(place) if place else None
        if isinstance(step, GroupStep) and step.mode != "sequential":
            return Kind.RACE if step.mode == "race" else Kind.BRANCHES
        return Kind.NEEDS if any(inner.needs is not None for inner in self.steps_in(place)) else Kind.SEQUENCE
