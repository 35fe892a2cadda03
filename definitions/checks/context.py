"""What a check is given: the definition, the tree that it came from, and every step with its place."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from definitions.diagnostics import Diagnostic, Note, Severity, Span
from definitions.models import Definition
from definitions.nodes import Node, Path, Scalar, find, head
from definitions.positions import span_in
from definitions.steps import Step, lists_of
from definitions.steps.control import Retry


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A step, where it stands, and the group around it."""

    step: Step
    path: Path
    parent: "Placed | None"
    index: int
    siblings: tuple[Step, ...]

    @property
    def around(self) -> "Iterator[Placed]":
        """Yield the groups around this step, the innermost first."""
        outer = self.parent
        while outer:
            yield outer
            outer = outer.parent

    @property
    def is_undoing(self) -> bool:
        """Whether it stands in the list of what undoes the step around it."""
        return self.path[-3:-1] == ("compensate", "steps")

    @property
    def item_names(self) -> frozenset[str]:
        """Return what the `for_each`s around this step, and its own, call their items."""
        return frozenset(one.step.for_each.name for one in (self, *self.around) if one.step.for_each is not None)


@dataclass(frozen=True, slots=True)
class Context:
    """One definition under check. `broken` paths were mended, so nothing is said about them again."""

    definition: Definition
    root: Node
    source: str
    file: str
    broken: frozenset[Path] = frozenset()
    library: Mapping[str, Definition] = field(default_factory=dict[str, Definition])
    """The definitions that `workflow` steps refer to, by reference as written; one that could not be read is absent."""
    placed: tuple[Placed, ...] = field(init=False)
    by_id: dict[str, Placed] = field(init=False)
    by_path: dict[Path, Placed] = field(init=False)
    lines: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        placed = tuple(_place(tuple(self.definition.steps), ("steps",), None))
        object.__setattr__(self, "placed", placed)
        object.__setattr__(self, "by_id", {one.step.id: one for one in reversed(placed)})
        object.__setattr__(self, "by_path", {one.path: one for one in placed})
        object.__setattr__(self, "lines", tuple(self.source.split("\n")))

    def is_broken(self, path: Path) -> bool:
        """Whether something at, or above, `path` has been replaced."""
        return any(path[:length] in self.broken for length in range(len(path) + 1))

    def is_mended_below(self, path: Path) -> bool:
        """Whether something at, above or inside `path` has been replaced; looks at every mend, so ask rarely."""
        return self.is_broken(path) or any(one[: len(path)] == path for one in self.broken)

    def span(self, path: Path) -> Span:
        """Return the smallest span of the value at `path`."""
        return head(find(self.root, path).node)

    def key_span(self, path: Path) -> Span:
        """Return the span of the key at `path`, or of the value where it has none."""
        located = find(self.root, path)
        return located.key.span if located.key else head(located.node)

    def span_within(self, path: Path, start: int, width: int) -> Span:
        """Return the span of a stretch of the text at `path`."""
        node = find(self.root, path).node
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            return head(node)
        return span_in(node, self.lines, start, width)

    def report(  # a finding has many facts
        self,
        code: str,
        message: str,
        span: Span,
        help_: str | None = None,
        notes: tuple[Note, ...] = (),
        severity: Severity = "error",
    ) -> Diagnostic:
        """Return a finding in this file."""
        return Diagnostic(code, severity, message, self.file, span, notes, help_)


def _place(steps: tuple[Step, ...], path: Path, parent: Placed | None) -> Iterator[Placed]:
    for index, step in enumerate(steps):
        placed = Placed(step, (*path, index), parent, index, steps)
        yield placed
        for keys, inner in lists_of(step):
            yield from _place(tuple(inner), (*path, index, *keys), placed)


def retry_places(placed: Placed) -> list[tuple[Path, Retry]]:
    """Return the rules of a step's retries, each with its place."""
    path = (*placed.path, "retry")
    rules = placed.step.retry_rules
    return [((*path, index) if isinstance(placed.step.retry, list) else path, one) for index, one in enumerate(rules)]
