"""Generated definitions, outcomes and kills: the interpreter comes to what the reference interpreter says."""

import ast
import os
import tokenize
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.support import reference_interpreter, reference_notes
from tests.support.definition_strategies import Drawn, runs
from tests.support.outcome_script import START, micro
from tests.support.reference_interpreter import Reference
from tests.support.reference_notes import Event
from tests.support.scripted_world import Played, play
from workflows.frames import Frame

LONG = os.environ.get("PERDURE_LONG_TESTS") == "1"
EXAMPLES = 10_000 if LONG else 300
MOST_LINES = 400
"""Of the reference interpreter, so that it stays plainer than what it judges."""
STATES = ("completed", "failed", "skipped", "cancelled")
Line = tuple[int, str, str]


@pytest.mark.timeout(3600 if LONG else 180)
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(runs())
def test_interpreter_agrees_with_the_reference_when_definitions_are_generated(drawn: Drawn):
    compare(drawn)


def test_reference_is_at_most_400_lines_of_code():
    files = [reference_interpreter.__file__, reference_notes.__file__]
    assert 0 < sum(lines_of_code(Path(file).read_text()) for file in files) <= MOST_LINES


def test_lines_of_code_are_counted_without_blank_lines_comments_and_docstrings():
    head = '"""One.\n\nTwo."""\n\n# three\nx = """a\n\nb"""  # four\n'
    body = 'def f():\n    """Five."""\n    # six\n    return (\n\n        1\n    )\n'
    assert (lines_of_code(head), lines_of_code(head + body)) == (2, 2 + 4)


def lines_of_code(text: str) -> int:
    """Count the lines that have a token and are no docstring; a text over several lines counts with those not blank."""
    strings = [node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Expr)]
    texts = [node for node in strings if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    documented = {line for node in texts for line in range(node.lineno, (node.end_lineno or 0) + 1)}
    tokens = tokenize.generate_tokens(StringIO(text).readline)
    code = [token for token in tokens if token.string.strip() and token.type != tokenize.COMMENT]
    used = {line for token in code for line in range(token.start[0], token.end[0] + 1)} - documented
    return sum(1 for number, line in enumerate(text.splitlines(), 1) if number in used and line.strip())


def compare(drawn: Drawn) -> None:
    """Run both, and compare all that is determined."""
    judged = Reference(drawn.definition, drawn.script, drawn.library).judge()
    played = play(drawn.definition, drawn.script, drawn.library, drawn.kills)
    assert trace_of_run(played) == trace_of_judge(judged)
    assert records_of_run(played) == records_of_judge(judged)
    error = played.ending.error
    assert (played.ending.state, None if error is None else (error.type, error.step)) == (judged.state, judged.error)
    assert played.outputs == judged.outputs
    assert played.tree == judged.tree
    seen = played.interpreter.scopes.scope(frozenset({("docs",)}), Frame())
    assert seen["docs"] == judged.documents((("", ""),))


def is_determined(event: Event) -> bool:
    """Whether a step ended, and was not cancelled at the moment at which it began: whether it did begin is chance."""
    return event.kind in STATES and (event.kind != "cancelled" or event.at != event.begin)


def trace_of_run(played: Played) -> list[Line]:
    ended = {"step_completed": "completed", "step_skipped": "skipped"}
    begun: dict[str | None, datetime] = {}
    lines: list[Line] = []
    for event in played.world.events:
        if event.type == "step_started":
            begun[event.step] = event.timestamp
        elif event.type in ("step_completed", "step_skipped", "step_failed"):
            status = ended.get(event.type) or str(event.data["status"])
            if status != "cancelled" or event.timestamp != begun[event.step]:
                lines.append((micro(event.timestamp - START), event.step or "", status))
    return sorted(lines)


def trace_of_judge(judged: Reference) -> list[Line]:
    return sorted((event.at, event.path, event.kind) for event in judged.events if is_determined(event))


def records_of_run(played: Played) -> dict[str, Any]:
    return {
        path: (
            record.status,
            record.outputs,
            record.error and (record.error.type, record.error.step),
            record.handled,
            record.compensated,
            0 if record.status == "skipped" else record.attempt,
        )
        for path, record in sorted(played.book.records.items())
        if record.status != "cancelled" or record.started_at != record.completed_at
    }


def records_of_judge(judged: Reference) -> dict[str, Any]:
    return {
        path: (
            event.kind,
            event.outputs,
            event.error,
            event.handled,
            path in judged.undone,
            0 if event.kind == "skipped" else event.attempt,
        )
        for path, event in sorted(judged.records.items())
        if is_determined(event)
    }
