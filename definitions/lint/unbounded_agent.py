"""`unbounded-agent`: an agent that may run for any time, or cost any sum."""

from collections.abc import Iterator

from definitions.checks.context import Placed
from definitions.diagnostics import Diagnostic
from definitions.lint.survey import Survey
from definitions.steps import AgentStep

_UNPAID = ("scripted", "command")
"""Providers that report no cost."""


def check(survey: Survey) -> Iterator[Diagnostic]:
    """Yield a finding for each agent step that lacks a time limit or a bound on its cost."""
    for placed in survey.context.placed:
        if isinstance(placed.step, AgentStep) and placed.step.provider != "scripted":
            missing = tuple(_missing(placed, placed.step))
            if missing:
                nouns, helps = zip(*missing, strict=True)
                message = f"the agent of `{placed.step.id}` has {' and '.join(nouns)}"
                yield survey.report("unbounded-agent", message, survey.id_span(placed), f"add {' and '.join(helps)}")


def _missing(placed: Placed, step: AgentStep) -> Iterator[tuple[str, str]]:
    budget = step.budget
    limits = [budget.wall, *(one.step.timeout for one in (placed, *placed.around))]
    if all(limit is None for limit in limits):
        yield "no time limit", "`timeout: 30m`"
    if step.provider not in _UNPAID and budget.usd is None and budget.tokens is None and budget.turns is None:
        yield "no bound on its cost", "`budget: {usd: 2.50, turns: 60}`"
