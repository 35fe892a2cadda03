"""`group`: a list under one id, in order, side by side or as a race, with a time of its own."""

from datetime import datetime

from pydantic import JsonValue

from definitions.errors import ErrorClass, StepFailure
from definitions.records import StepResult
from definitions.steps import GroupStep
from workflows.frames import Frame
from workflows.interpreter import Interpreter
from workflows.joins import join
from workflows.lists import run_branches, run_list, run_race
from workflows.places import Place


async def attempt(interpreter: Interpreter, step: GroupStep, place: Place) -> StepResult:
    """Run the steps inside; past `timeout` they are cancelled and the group fails."""
    deadline = _deadline(interpreter, step, place)
    frame = place.frame.list_of(step.id, place.path)
    try:
        async with interpreter.host.time_limit(deadline):
            tree = await _inside(interpreter, step, place, frame)
    except TimeoutError as error:
        message = f"group `{place.path}` took longer than its time"
        raise StepFailure(ErrorClass.TIMEOUT, message, {"timeout": str(step.timeout)}) from error
    return StepResult(outputs=_outputs(interpreter, step, place, frame), tree=tree)


def _deadline(interpreter: Interpreter, step: GroupStep, place: Place) -> datetime | None:
    record = interpreter.book.get(place.path)
    if step.timeout is None or record is None or step.loop is not None:
        return None
    if record.deadline is None:
        record = interpreter.book.update(place.path, deadline=interpreter.host.now() + step.timeout)
    return record.deadline


async def _inside(interpreter: Interpreter, step: GroupStep, place: Place, frame: Frame) -> str | None:
    if step.mode == "sequential":
        return await run_list(interpreter, step.steps, frame, place.tree)
    if step.mode == "race":
        return await run_race(interpreter, step.steps, frame, place.tree, place.path)
    trees = await run_branches(interpreter, step.steps, frame, place.tree)
    if step.merge == "outputs":
        return place.tree
    return await join(interpreter, place.path, place.tree, trees, texts=step.merge == "texts")


def _outputs(interpreter: Interpreter, step: GroupStep, place: Place, frame: Frame) -> dict[str, JsonValue]:
    """Return the outputs of the steps inside, by id, in declared order; of a race, also who won."""
    outputs: dict[str, JsonValue] = {}
    for child in step.steps:
        path = interpreter.book.latest(frame.prefix + child.id)
        record = None if path is None else interpreter.book.get(path)
        outputs[child.id] = None if record is None else record.outputs
    if step.mode == "race":
        record = interpreter.book.get(place.path)
        outputs["winner"] = None if record is None else record.winner
    return outputs
