"""`wait`: an absolute deadline in the ledger, so that it ends when it should whatever dies meanwhile."""

from definitions.durations import parse_duration
from definitions.errors import ErrorClass, StepFailure
from definitions.records import StepResult
from definitions.steps import WaitStep
from workflows.interpreter import Interpreter, Place


async def attempt(interpreter: Interpreter, step: WaitStep, place: Place) -> StepResult:
    """Wait until the deadline, which is fixed when the step is first reached."""
    record = interpreter.book.get(place.path)
    moment = None if record is None else record.deadline
    if moment is None:
        text = (await interpreter.values({"duration": step.duration}, place))["duration"]
        try:
            moment = interpreter.host.now() + parse_duration(text)
        except ValueError as error:
            raise StepFailure(ErrorClass.EXPRESSION, str(error), {"duration": text}) from error
        interpreter.book.update(place.path, deadline=moment)
        interpreter.host.changed()
    await interpreter.host.sleep_until(moment, place.path)
    return StepResult(outputs={"until": moment.isoformat()})
