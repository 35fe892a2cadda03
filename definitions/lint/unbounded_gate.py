"""`unbounded-gate`: a gate that waits for ever when nobody comes."""

from collections.abc import Iterator

from definitions.diagnostics import Diagnostic
from definitions.lint.survey import Survey, is_ended_from_outside
from definitions.steps import ApprovalStep, Step


def check(survey: Survey) -> Iterator[Diagnostic]:
    """Yield a finding for each gate without a time limit of its own, around it, or of the run."""
    for placed in survey.gates:
        if _is_unbounded(placed.step) and not is_ended_from_outside(survey.context, placed):
            yield survey.report(
                "unbounded-gate",
                f"the gate `{placed.step.id}` waits for ever when nobody decides",
                survey.id_span(placed),
                "give it a `timeout: 3d`; `on_timeout` says what its end means",
            )


def _is_unbounded(step: Step) -> bool:
    around = [gate for gate in (step.approval, step.accept) if gate is not None]
    if any(gate.timeout is None for gate in around):
        return True
    return isinstance(step, ApprovalStep) and step.timeout is None
