"""`activity`: somebody's activity, called by name; what it returns is the output `result`."""

from typing import cast

from pydantic import JsonValue

from definitions.records import ActivityCall, StepResult
from definitions.steps import ActivityStep
from workflows.interpreter import Interpreter
from workflows.places import Place


async def attempt(interpreter: Interpreter, step: ActivityStep, place: Place) -> StepResult:
    """Render the arguments, call, and keep the result, in the store where it is big."""
    arguments = (await interpreter.evaluator.values({"arguments": list(step.arguments)}, place))["arguments"]
    record = interpreter.book.get(place.path)
    await interpreter.host.may_start()
    result = await interpreter.host.call_activity(
        ActivityCall(
            path=place.path,
            activity=step.activity,
            task_queue=step.task_queue,
            arguments=cast("list[JsonValue]", arguments),
            attempt=1 if record is None else record.attempt,
        ),
        step,
    )
    return StepResult(outputs={"result": await interpreter.evaluator.stored(result, place)})
