"""The course of a run, from its first step to its outputs; and undoing, where it does not end well."""

from dataclasses import dataclass, field

from pydantic import JsonValue

from definitions.errors import ErrorClass, StepFailure
from definitions.records import StepError
from workflows.compensation import compensate
from workflows.ending import Ending, ending_of, run_outputs
from workflows.failures import error_of
from workflows.frames import Frame
from workflows.interpreter import Interpreter
from workflows.lists import run_list
from workflows.places import Place, RunFailed


@dataclass(frozen=True, slots=True)
class Course:
    """How a run went."""

    ending: Ending
    tree: str | None = None
    """The files at its end; None where it did not end well."""
    outputs: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])


async def run_course(interpreter: Interpreter, tree: str | None) -> Course:
    """Run a definition to its end, within the run's time. A cancel goes through: `compensate` is then the caller's."""
    if interpreter.book.failure is not None:  # it was undoing when it went on in another history
        await compensate(interpreter)
        return Course(ending_of(interpreter.book.failure))
    frame = Frame()
    try:
        async with interpreter.host.time_limit(interpreter.book.deadline):
            after = await run_list(interpreter, interpreter.definition.steps, frame, tree)
            outputs = await run_outputs(interpreter, Place("outputs", after, frame))
    except TimeoutError:
        message = f"the run took longer than its time, {interpreter.definition.timeout}"
        error = StepError(type=ErrorClass.TIMEOUT, message=message, step="")
    except (StepFailure, RunFailed) as failure:
        error = failure.error if isinstance(failure, RunFailed) else error_of(failure, "outputs")
    else:
        return Course(Ending("completed"), after, outputs)
    interpreter.book.failure = error
    await compensate(interpreter)
    return Course(ending_of(error))
