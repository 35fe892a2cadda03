"""Where a text stands while it is evaluated: the list that is being walked, and the lists around it.

A frame is one walk of one list: of the run, a group, a pass, an item. It knows where the paths of its steps
begin, how often each was visited, and what its texts see beside the run's own values: the item's name, `loop`.
`steps.ID` is looked for in the nearest frame whose list holds the step, or holds what the step is in.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pydantic import JsonValue

from definitions.records import StepRecord
from definitions.steps import GroupStep, Step, lists_of
from workflows.ledger import Book, path_of_visit


@dataclass(slots=True)
class Frame:
    """One walk of one list."""

    owner: str | None = None
    """The id of the step whose list it is; None for the run's own."""
    prefix: str = ""
    """What the paths of its steps begin with."""
    outer: "Frame | None" = None
    values: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """What its texts see by name."""
    results: Mapping[str, StepRecord] = field(default_factory=dict[str, StepRecord])
    """Steps whose result is there before it is in the ledger: a step's own, while its `store` is evaluated."""
    here: str = ""
    """The path that decides which documents are seen: of the group, the pass or the item."""
    earlier: str | None = None
    """The prefix of the pass before, whose results are seen until this pass has its own."""
    is_list: bool = True
    """Whether it is the walk of a list; otherwise it only adds values."""
    visits: dict[str, int] = field(default_factory=dict[str, int])
    """How often each step was visited."""

    def enter(self, step_id: str) -> int:
        """Count a visit, and return which it is."""
        number = self.visits.get(step_id, 0) + 1
        self.visits[step_id] = number
        return number

    def path(self, step_id: str, visit: int) -> str:
        """Return the path of a visit of one of its steps."""
        return path_of_visit(self.prefix + step_id, visit)

    def list_of(self, owner: str, path: str) -> "Frame":
        """Return a frame for the list inside a step of this one that is visited at `path`."""
        return Frame(owner, f"{path}/", self, here=path, earlier=self._earlier(path))

    def item(
        self, path: str, values: Mapping[str, JsonValue], results: Mapping[str, StepRecord] | None = None
    ) -> "Frame":
        """Return a frame that adds the values of an item or a pass to this one; and results, of the pass before."""
        return replace(self, outer=self, values=values, results=results or {}, here=path, is_list=False)

    def with_result(self, step_id: str, record: StepRecord, inside: str | None = None) -> "Frame":
        """Return a frame in which a step's own result is there already, also as `result`.

        `inside` is the path of what has just been done, the item or the pass, whose steps are seen too.
        """
        values = {"result": record.outputs}
        outer = self if inside is None else Frame(step_id, f"{inside}/", self, here=self.here)
        return replace(self, outer=outer, values=values, results={step_id: record}, is_list=False)

    def owning(self, step_id: str) -> "Frame | None":
        """Return the frame that has a step's result: where this text stands in it or belongs to it."""
        frame: Frame | None = self
        while frame is not None and step_id not in frame.results:
            frame = frame.outer
        return frame

    def visit_before(self, step_id: str) -> str | None:
        """Return the path of the visit before the present one of a step; None in its first."""
        number = self.visits.get(step_id, 1)
        return None if number == 1 else self.path(step_id, number - 1)

    def visible(self) -> dict[str, JsonValue]:
        """Return the values that the frames add, inner ones before outer ones."""
        if self.outer is None:
            return dict(self.values)
        return {**self.outer.visible(), **self.values}

    def lists(self) -> "Iterable[Frame]":
        """Yield the lists around a text, the innermost first."""
        frame: Frame | None = self
        while frame is not None:
            if frame.is_list:
                yield frame
            frame = frame.outer

    def _earlier(self, path: str) -> str | None:
        base, _, number = path.rpartition("#")
        if base and number.isdigit():
            return f"{base}#{int(number) - 1}/" if int(number) > 1 else None
        if self.earlier is None or not path.startswith(self.prefix):
            return None
        return f"{self.earlier}{path[len(self.prefix) :]}/"


class Paths:
    """Finds the record that `steps.ID` means, for the steps of one definition."""

    def __init__(self, steps: Sequence[Step], book: Book) -> None:
        self._book = book
        self._steps: dict[str, Step] = {}
        self._owners: dict[str, str | None] = {}
        self._own(steps, None)

    def __contains__(self, step_id: str) -> bool:
        return step_id in self._steps

    def __iter__(self) -> Iterator[str]:
        return iter(self._steps)

    def step(self, step_id: str) -> Step:
        """Return a step by its id."""
        return self._steps[step_id]

    def find(self, step_id: str, frame: Frame) -> str | None:
        """Return the path of the record that a text in `frame` means, None where there is no result yet."""
        chain = [step_id]
        while (owner := self._owners[chain[-1]]) is not None:
            chain.append(owner)
        owners: list[str | None] = [*chain[1:], None]
        for near in frame.lists():
            if near.owner in owners:
                inner = chain[: owners.index(near.owner) + 1]
                found = self._descend(near.prefix, inner)
                before = self._in_latest_visits(near.earlier) if found is None and near.earlier is not None else None
                return found if before is None else self._descend(before, inner)
        return None

    def _descend(self, prefix: str, chain: list[str]) -> str | None:
        """Follow ids from a list down to a step; `chain` has the step first and what stands in the list last."""
        for step_id in reversed(chain):
            path = self._book.latest(prefix + step_id)
            if path is None:
                return None
            if step_id == chain[0]:
                return self._with_result(path)
            inside = self._inside(path, self._steps[step_id], chain[chain.index(step_id) - 1])
            if inside is None:
                return None
            prefix = inside
        return None

    def _in_latest_visits(self, earlier: str) -> str | None:
        """Return where a list began in the pass before: in the latest visits there, whichever this pass is in."""
        base, _, inside = earlier.rpartition("#")
        number, *segments = inside.removesuffix("/").split("/")
        prefix = f"{base}#{number}/"
        for segment in segments:
            step, bracket, item = segment.partition("[")
            path = self._book.latest(prefix + step.partition("@")[0])
            if path is None:
                return None
            prefix = f"{path}{bracket}{item}/"
        return prefix

    def _with_result(self, path: str) -> str | None:
        """Return the path, or that of the last pass while the loop still goes on."""
        if self._book.ended(path) is not None:
            return path
        record = self._book.get(path)
        iteration = None if record is None else record.iteration
        for number in [] if iteration is None else [iteration, iteration - 1]:
            if self._book.ended(f"{path}#{number}") is not None:
                return f"{path}#{number}"
        return None

    def _inside(self, path: str, step: Step, child: str) -> str | None:
        """Return where the paths inside a step begin: in the last pass of a loop, nowhere certain in a `for_each`."""
        if step.for_each is not None:
            return None
        record = self._book.get(path)
        if step.loop is not None and record is not None:
            path = f"{path}#{record.iteration}"
        is_child = isinstance(step, GroupStep) and any(inner.id == child for inner in step.steps)
        return f"{path}/" if is_child else f"{path}/compensate/"

    def _own(self, steps: Sequence[Step], owner: str | None) -> None:
        for step in steps:
            self._steps[step.id] = step
            self._owners[step.id] = owner
            for _, inner in lists_of(step):
                self._own(inner, step.id)
