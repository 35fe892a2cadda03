"""Generated definitions, outcomes and kills: the interpreter comes to what the reference interpreter says."""

import os
from datetime import datetime
from typing import Any

from hypothesis import HealthCheck, given, settings

from tests.support.definition_strategies import Drawn, runs
from tests.support.outcome_script import START, micro
from tests.support.reference_interpreter import Reference
from tests.support.reference_notes import Note
from tests.support.scripted_world import Played, play
from workflows.frames import Frame

EXAMPLES = 10_000 if os.environ.get("PERDURE_LONG_TESTS") == "1" else 300
Line = tuple[int, str, str]


@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(runs())
def test_interpreter_agrees_with_the_reference_when_definitions_are_generated(drawn: Drawn):
    compare(drawn)


def compare(drawn: Drawn) -> None:
    """Run both, and compare all that is determined."""
    judged = Reference(drawn.definition, drawn.script, drawn.library).judge()
    played = play(drawn.definition, drawn.script, drawn.library, drawn.kills)
    steps = [note for note in judged.notes if note.kind == "step" and not is_stillborn(note)]
    assert trace_of_run(played) == trace_of_notes(steps)
    assert records_of_run(played) == records_of_notes(steps)
    error = played.ending.error
    assert (played.ending.state, None if error is None else (error.type, error.step)) == (judged.state, judged.error)
    assert played.outputs == judged.outputs
    assert played.tree == judged.tree
    seen = played.interpreter.scopes.scope(frozenset({("docs",)}), Frame())
    assert seen["docs"] == judged.documents("", (), 10**18)


def is_stillborn(note: Note) -> bool:
    """Whether a step was cancelled at the moment at which it began: whether it did begin is not determined."""
    return note.status == "cancelled" and note.begin == note.end


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


def trace_of_notes(notes: list[Note]) -> list[Line]:
    return sorted((note.end, note.path, note.status) for note in notes)


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


def records_of_notes(notes: list[Note]) -> dict[str, Any]:
    latest = {note.path: note for note in sorted(notes, key=lambda note: note.end) if note.forgotten is None}
    return {
        path: (
            note.status,
            note.outputs,
            note.error,
            note.handled,
            note.is_undone,
            0 if note.status == "skipped" else note.attempt,
        )
        for path, note in sorted(latest.items())
    }
