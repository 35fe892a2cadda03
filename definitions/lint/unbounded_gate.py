"""`unbounded-gate`: a gate that waits for ever when nobody comes."""

from collections.abc import Iterator

from definitions.diagnostics import Diagnostic
from definitions.lint.survey import Survey, is_ended_from_outside
from definitions.steps import ApprovalStep


def check(survey: Survey) -> Iterator[Diagnostic]:
    """Yield a finding for each gate without a time limit of its own, around it, or of the run."""
    for placed in survey.gates:
        is_unbounded = isinstance(placed.step, ApprovalStep) and placed.step.timeout is None
        if is_unbounded and not is_ended_from_outside(survey.context, placed):
            yield survey.report(
                "unbounded-gate",
                f"the gate `{placed.step.id}` waits for ever when nobody decides",
                survey.id_span(placed),
                "give it a `timeout: 3d`; `on_timeout` says what its end means",
            )
