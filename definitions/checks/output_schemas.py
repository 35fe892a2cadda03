"""`output_schema` of agent steps: a JSON Schema that can be applied, before anything is spent on an answer to it."""

from collections.abc import Iterator
from itertools import islice

from definitions.answer_schemas import MOST_FAULTS, Fault, doubts, faults
from definitions.checks.context import Context
from definitions.diagnostics import Diagnostic, Severity
from definitions.nodes import Path
from definitions.steps import AgentStep


def check(context: Context) -> Iterator[Diagnostic]:
    """Yield `bad-output-schema` and `doubtful-output-schema`."""
    for placed in context.placed:
        step, path = placed.step, (*placed.path, "output_schema")
        if not isinstance(step, AgentStep) or step.output_schema is None or context.is_broken(path):
            continue
        wrong = list(islice(faults(step.output_schema), MOST_FAULTS))
        for fault in wrong:
            yield _finding(context, path, fault, "bad-output-schema", "error")
        for fault in islice(doubts(step.output_schema), 0 if wrong else MOST_FAULTS):
            yield _finding(context, path, fault, "doubtful-output-schema", "warning")


def _finding(context: Context, path: Path, fault: Fault, code: str, severity: Severity) -> Diagnostic:
    where = (*path, *fault.path)
    span = context.key_span(where) if fault.at_key else context.span(where)
    return context.report(code, fault.message, span, fault.help, severity=severity)
