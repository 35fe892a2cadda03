"""`effect-before-gate`: the gate asks about something that is done already."""

from collections.abc import Iterator
from itertools import islice

from definitions.diagnostics import Diagnostic, Note
from definitions.lint.survey import FoundEffect, Survey, is_gate


def check(survey: Survey) -> Iterator[Diagnostic]:
    """Yield a finding for each effect that a gate follows and none precedes."""
    gates = survey.marks(survey.gates)
    for found in survey.effects:
        step = found.step
        is_gated = gates.any_before(step) or any(is_gate(one) for one in (step, *step.around))
        if not is_gated and gates.any_after(step):
            yield survey.report(
                "effect-before-gate",
                f"`{found.effect.command}` {found.effect.what} before anybody is asked",
                found.span,
                "move the step behind the gate, or the gate before it",
                _gate_after(survey, found),
            )


def _gate_after(survey: Survey, found: FoundEffect) -> tuple[Note, ...]:
    """Return the place of the first gate that follows."""
    after = (gate for gate in survey.gates if survey.order.relation(found.step, gate) == "ended")
    return tuple(Note(f"the gate `{gate.step.id}` asks only here", survey.id_span(gate)) for gate in islice(after, 1))
