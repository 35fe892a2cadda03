"""`unchecked-agent`: what an agent changed is taken as it is."""

from collections.abc import Iterator

from definitions.checks.context import Placed
from definitions.diagnostics import Diagnostic
from definitions.lint.survey import Survey, is_gate
from definitions.steps import AgentStep, AssertStep, ShellStep


def check(survey: Survey) -> Iterator[Diagnostic]:
    """Yield a finding for each agent that may write and after which nothing looks."""
    with_effects = {found.step.path for found in survey.effects}
    checks = survey.marks(one for one in survey.context.placed if _checks(one) and one.path not in with_effects)
    for placed in survey.context.placed:
        step = placed.step
        if isinstance(step, AgentStep) and step.security_profile != "read-only" and not checks.any_after(placed):
            yield survey.report(
                "unchecked-agent",
                f"nothing checks what the agent of `{step.id}` did",
                survey.id_span(placed),
                "let an `assert`, a `shell` step that runs the tests, or an `approval` follow it",
            )


def _checks(placed: Placed) -> bool:
    """Whether a step looks at what is there: it tests, asserts or asks a person."""
    return is_gate(placed) or isinstance(placed.step, AssertStep | ShellStep)
