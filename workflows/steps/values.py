"""`set`: the values are the outputs; no event in history unless one reads a file."""

from definitions.records import StepResult
from definitions.steps import SetStep
from workflows.interpreter import Interpreter
from workflows.places import Place


async def attempt(interpreter: Interpreter, step: SetStep, place: Place) -> StepResult:
    """Evaluate the values."""
    return StepResult(outputs=await interpreter.evaluator.values(dict(step.values), place))
