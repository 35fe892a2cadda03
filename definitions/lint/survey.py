"""What the rules look at: one definition with its order, its texts, its gates and what its steps do to the world.

`Marks` answers "is there such a step before, or after, this one?" by the bits of `definitions.checks.order`, so that
a rule costs next to nothing on a thousand steps.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from definitions.checks.context import Context, Placed
from definitions.checks.order import Order
from definitions.checks.texts import Parsed, parsed_texts
from definitions.diagnostics import Diagnostic, Note, Span
from definitions.lint.effects import Effect, effects_in
from definitions.steps import ApprovalStep, ShellStep


@dataclass(frozen=True, slots=True)
class FoundEffect:
    """An effect with its step and its place."""

    effect: Effect
    step: Placed
    span: Span


@dataclass(frozen=True, slots=True)
class Survey:
    """One definition without errors, and what all rules ask of it."""

    context: Context
    order: Order
    texts: tuple[Parsed, ...]
    gates: tuple[Placed, ...]
    effects: tuple[FoundEffect, ...]

    def report(
        self, code: str, message: str, span: Span, help_: str | None = None, notes: tuple[Note, ...] = ()
    ) -> Diagnostic:
        """Return a finding of severity `lint`."""
        return self.context.report(code, message, span, help_, notes, "lint")

    def id_span(self, step: Placed) -> Span:
        """Return the place of a step's id, which stands for the step as a whole."""
        return self.context.span((*step.path, "id"))

    def marks(self, steps: Iterable[Placed]) -> "Marks":
        """Return the answers about steps of one kind."""
        return Marks(self.order, steps)


def survey(context: Context) -> Survey:
    """Return what the rules look at."""
    gates = tuple(one for one in context.placed if is_gate(one))
    effects = tuple(found for one in context.placed for found in _effects(context, one))
    return Survey(context, Order(context), tuple(parsed_texts(context)), gates, effects)


def is_gate(step: Placed) -> bool:
    """Whether a person decides at, before or after a step."""
    return isinstance(step.step, ApprovalStep) or step.step.approval is not None or step.step.accept is not None


def is_ended_from_outside(context: Context, step: Placed) -> bool:
    """Whether a group around a step, or the run, has a time limit."""
    return context.definition.timeout is not None or any(one.step.timeout is not None for one in step.around)


@dataclass(slots=True)
class Marks:
    """The steps of one kind, with the groups that hold them, as bits of their lists."""

    order: Order
    steps: Iterable[Placed]
    _bits: dict[tuple[str | int, ...], int] = field(default_factory=dict)
    _before: dict[tuple[str | int, ...], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for step in self.steps:
            for one in (step, *step.around):
                path = one.path[:-1]
                self._bits[path] = self._bits.get(path, 0) | 1 << one.index
                self._before[path] = self._before.get(path, 0) | self.order.list_of(one).ancestors[one.index]

    def any_before(self, step: Placed) -> bool:
        """Whether one of them has surely been reached and left when `step` starts."""
        return any(
            self.order.list_of(one).ancestors[one.index] & self._bits.get(one.path[:-1], 0)
            for one in (step, *step.around)
        )

    def any_after(self, step: Placed) -> bool:
        """Whether one of them starts only when `step` is over."""
        return any(self._before.get(one.path[:-1], 0) >> one.index & 1 for one in (step, *step.around))


def _effects(context: Context, step: Placed) -> Iterable[FoundEffect]:
    """Yield what a step does to the world; only scripts tell it today."""
    if not isinstance(step.step, ShellStep) or step.step.shell not in ("bash", "sh"):
        return
    for effect in effects_in(step.step.command, step.step.shell):
        span = context.span_within((*step.path, "command"), effect.start, effect.end - effect.start)
        yield FoundEffect(effect, step, span)
