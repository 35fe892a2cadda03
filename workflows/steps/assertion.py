"""`assert`: false is a failure of class `assertion`, with the author's message."""

from definitions.errors import ErrorClass, StepFailure
from definitions.records import StepResult
from definitions.steps import AssertStep
from workflows.interpreter import Interpreter
from workflows.places import Place


async def attempt(interpreter: Interpreter, step: AssertStep, place: Place) -> StepResult:
    """Evaluate the condition, by an activity only where it reads files."""
    if await interpreter.evaluator.condition(step.condition, place):
        return StepResult(outputs={"passed": True})
    message = await interpreter.evaluator.text(step.message, place)
    raise StepFailure(ErrorClass.ASSERTION, message, {"condition": step.condition.strip()[:500]})
