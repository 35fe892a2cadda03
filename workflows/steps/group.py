"""`group`: a list under one id, in order or side by side, with a time of its own."""

from definitions.errors import ErrorClass, StepFailure
from definitions.records import StepResult
from definitions.steps import GroupStep
from workflows.interpreter import Interpreter, Place
from workflows.ledger import group_outputs
from workflows.lists import join, run_branches, run_list


async def attempt(interpreter: Interpreter, step: GroupStep, place: Place) -> StepResult:
    """Run the steps inside; past `timeout` they are cancelled and the group fails."""
    deadline = _deadline(interpreter, step, place)
    try:
        async with interpreter.host.time_limit(deadline):
            tree = await _inside(interpreter, step, place)
    except TimeoutError as error:
        message = f"group `{place.path}` took longer than its time"
        raise StepFailure(ErrorClass.TIMEOUT, message, {"timeout": str(step.timeout)}) from error
    outputs = group_outputs(interpreter.book, place.path, [child.id for child in step.steps])
    return StepResult(outputs=outputs, tree=tree)


def _deadline(interpreter: Interpreter, step: GroupStep, place: Place):
    record = interpreter.book.get(place.path)
    if step.timeout is None or record is None:
        return None
    if record.deadline is None:
        record = interpreter.book.update(place.path, deadline=interpreter.host.now() + step.timeout)
    return record.deadline


async def _inside(interpreter: Interpreter, step: GroupStep, place: Place) -> str | None:
    prefix = f"{place.path}/"
    if step.mode == "sequential":
        return await run_list(interpreter, step.steps, prefix, place.tree)
    trees = await run_branches(interpreter, step.steps, prefix, place.tree)
    if step.merge == "outputs":
        return place.tree
    return await join(interpreter, place.path, place.tree, trees)
