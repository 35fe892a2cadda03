"""`wait`: an absolute deadline in the ledger, so that it ends when it should whatever dies meanwhile."""

from datetime import UTC, datetime

from pydantic import JsonValue

from definitions.durations import parse_duration
from definitions.errors import ErrorClass, StepFailure
from definitions.records import StepResult
from definitions.steps import WaitStep
from workflows.interpreter import Interpreter
from workflows.places import Place


async def attempt(interpreter: Interpreter, step: WaitStep, place: Place) -> StepResult:
    """Wait for a duration, a moment or a signal; the deadline is fixed when the step is first reached."""
    if step.signal is not None:
        return await _for_signal(interpreter, step, step.signal, place)
    moment = _known(interpreter, place)
    if moment is None:
        moment = _keep(interpreter, place, await _moment(interpreter, step, place))
    await interpreter.host.sleep_until(moment, place.path)
    return StepResult(outputs={"until": moment.isoformat()})


async def _for_signal(interpreter: Interpreter, step: WaitStep, name: str, place: Place) -> StepResult:
    deadline = _known(interpreter, place)
    if deadline is None and step.timeout is not None:
        deadline = _keep(interpreter, place, interpreter.host.now() + step.timeout)
    signal = await interpreter.host.signal(name, deadline, place.path)
    if signal is None:
        raise StepFailure(
            ErrorClass.TIMEOUT, f"the signal `{name}` did not come within {step.timeout}", {"signal": name}
        )
    outputs: dict[str, JsonValue] = {"payload": signal.payload, "received_at": signal.received_at.isoformat()}
    return StepResult(outputs=outputs)


def _known(interpreter: Interpreter, place: Place) -> datetime | None:
    record = interpreter.book.get(place.path)
    return None if record is None else record.deadline


def _keep(interpreter: Interpreter, place: Place, moment: datetime) -> datetime:
    interpreter.book.update(place.path, deadline=moment)
    interpreter.host.changed()
    return moment


async def _moment(interpreter: Interpreter, step: WaitStep, place: Place) -> datetime:
    field = "until" if step.until is not None else "duration"
    template = step.until if step.until is not None else step.duration
    value = (await interpreter.evaluator.values({field: template}, place))[field]
    try:
        return _parse(value) if field == "until" else interpreter.host.now() + parse_duration(value)
    except ValueError as error:
        raise StepFailure(ErrorClass.EXPRESSION, str(error), {field: value}) from error


def _parse(value: JsonValue) -> datetime:
    try:
        moment = datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError(f"`{value}` is no moment; write it like `2026-12-24T18:00:00Z`") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
