"""Where a further pass of a loop begins: at a step of its group, with what stands before it kept.

The decision and the kept results are in the ledger before the pass begins, so that it is made once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from definitions.records import StepRecord
from definitions.steps import GroupStep, Step
from definitions.steps.control import Loop
from workflows.frames import Frame
from workflows.places import Place

if TYPE_CHECKING:
    from workflows.interpreter import Interpreter

KEPT = "kept from the pass before"


async def prepare_next(interpreter: Interpreter, step: Step, loop: Loop, place: Place, number: int) -> None:
    """Decide where the pass after `number` begins, and hand on the results of the steps before that.

    Raises StepFailure (class `expression`).
    """
    if not isinstance(step, GroupStep):
        return
    ids = [child.id for child in step.steps]
    values = (await interpreter.evaluator.values({"start_at": list(loop.start_at)}, place))["start_at"]
    found = [value for value in (values if isinstance(values, list) else []) if value is not None]
    start = next((value for value in found if value in ids), None)
    book, before, after = interpreter.book, f"{place.path}#{number}", f"{place.path}#{number + 1}"
    unknown = [value for value in found[: found.index(start) if start in found else None] if value not in ids]
    if unknown:
        named = ", ".join(f"`{str(value)[:100]}`" for value in unknown)
        note = f"the next pass was to begin at {named}, which is no step of `{step.id}`"
        record = book.get(before) or StepRecord()
        book.update(before, notes=[*record.notes, note])
    if start is None or start == ids[0]:
        return
    for child in ids[: ids.index(str(start))]:
        path = book.latest(f"{before}/{child}")
        known = (None if path is None else book.ended(path)) or StepRecord(status="skipped")
        changes = {"tree": None, "order": None, "reason": KEPT, "visit": 1, "log": None, "usage": None}
        book.put(f"{after}/{child}", known.model_copy(update=changes))


def enter(interpreter: Interpreter, steps: Sequence[Step], frame: Frame) -> int:
    """Count what was kept from the pass before as visited; return the position at which the list begins."""
    kept = [
        index
        for index, step in enumerate(steps)
        if (record := interpreter.book.get(frame.prefix + step.id)) is not None and record.reason == KEPT
    ]
    for index in kept:
        frame.enter(steps[index].id)
    return kept[-1] + 1 if kept else 0
