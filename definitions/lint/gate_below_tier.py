"""`gate-below-tier`: what a gate lets through is grave, and whoever started the run may let it through."""

from collections.abc import Iterator

from definitions.checks.context import Placed
from definitions.diagnostics import Diagnostic, Note
from definitions.lint.survey import FoundEffect, Survey
from definitions.nodes import Path
from definitions.steps import ApprovalStep

GRAVE = 3
_MOST_NOTES = 5


def check(survey: Survey) -> Iterator[Diagnostic]:
    """Yield a finding for each gate that asks for too little, with what it protects."""
    weak = {gate.path for gate in survey.gates if _weakness(gate)}
    strong = survey.marks(gate for gate in survey.gates if gate.path not in weak)
    protected: dict[Path, list[FoundEffect]] = {}
    for found in survey.effects:
        if found.effect.tier >= GRAVE and not strong.any_before(found.step):
            gate = _nearest(survey, found)
            if gate:
                protected.setdefault(gate.path, []).append(found)
    for path, effects in protected.items():
        gate = survey.context.by_path[path]
        yield survey.report(
            "gate-below-tier",
            f"{_weakness(gate)}, and what follows is of tier {GRAVE}",
            survey.id_span(gate),
            _help(gate),
            tuple(_note(found) for found in effects[:_MOST_NOTES]),
        )


def _nearest(survey: Survey, found: FoundEffect) -> Placed | None:
    """Return the last gate that is surely over when the effect's step starts."""
    for gate in reversed(survey.gates):
        if survey.order.relation(gate, found.step) == "ended":
            return gate
    return None


def _weakness(gate: Placed) -> str | None:
    """Return what makes a gate no hindrance."""
    step = gate.step
    if not isinstance(step, ApprovalStep):
        return None
    if step.on_timeout == "approve":
        return f"time alone approves `{step.id}`"
    is_open = step.approvers == "any" and step.allow_self
    return f"anybody may approve `{step.id}`, even who started the run" if is_open else None


def _help(gate: Placed) -> str:
    if isinstance(gate.step, ApprovalStep) and gate.step.on_timeout == "approve":
        return "write `on_timeout: reject`"
    return "name `approvers`, or write `allow_self: false`"


def _note(found: FoundEffect) -> Note:
    return Note(f"`{found.effect.command}` {found.effect.what} (tier {found.effect.tier})", found.span)
