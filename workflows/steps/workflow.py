"""`workflow`: another definition, interpreted in the same run under the step's path, or started as a run of its own."""

from datetime import datetime

from pydantic import JsonValue

from definitions.errors import ErrorClass, StepFailure
from definitions.inputs import check_inputs
from definitions.models import Definition
from definitions.records import StartRunCall, StepResult
from definitions.steps import WorkflowStep
from workflows.ending import run_outputs
from workflows.failures import step_failure
from workflows.frames import Frame
from workflows.interpreter import Interpreter
from workflows.lists import run_list
from workflows.places import Place, RunFailed
from workflows.scope import Scopes


async def attempt(interpreter: Interpreter, step: WorkflowStep, place: Place) -> StepResult:
    """Run the definition to its end; its outputs are the step's."""
    if step.detach:
        return await _detached(interpreter, step, place)
    inner, frame = await enter(interpreter, step, place)
    deadline = _deadline(interpreter, step, inner.definition, place)
    try:
        async with interpreter.host.time_limit(deadline):
            tree = await run_list(inner, inner.definition.steps, frame, place.tree)
    except TimeoutError as error:
        message = f"the definition of `{place.path}` took longer than its time"
        raise StepFailure(ErrorClass.TIMEOUT, message) from error
    except RunFailed as failure:  # `fail` ends the definition that says so, which is this step
        raise step_failure(failure.error) from failure
    outputs = await run_outputs(inner, Place(f"{place.path}/outputs", tree, frame))
    return StepResult(outputs=outputs, tree=tree)


def _deadline(interpreter: Interpreter, step: WorkflowStep, definition: Definition, place: Place) -> datetime | None:
    """Return the end of the time of the attempt: the step's or the definition's, whichever is shorter."""
    spans = [definition.timeout, None if step.loop is not None else step.timeout]
    given = [span for span in spans if span is not None]
    record = interpreter.book.get(place.path)
    if not given or record is None:
        return None
    if record.deadline is None:
        record = interpreter.book.update(place.path, deadline=interpreter.host.now() + min(given))
    return record.deadline


async def enter(interpreter: Interpreter, step: WorkflowStep, place: Place) -> tuple[Interpreter, Frame]:
    """Return the interpreter of the step's definition, and the frame of its list."""
    definition = interpreter.library.get(step.definition)
    if definition is None:
        raise StepFailure(ErrorClass.INTERNAL, f"the definition `{step.definition}` was not frozen with the run")
    given = await interpreter.evaluator.values(dict(step.inputs), place)
    outer = interpreter.scopes
    scopes = Scopes(
        definition, _inputs(definition, given), outer.environment, outer.facts, interpreter.book, base=place.path
    )
    return interpreter.inside(definition, scopes), Frame(prefix=f"{place.path}/", here=place.path)


async def _detached(interpreter: Interpreter, step: WorkflowStep, place: Place) -> StepResult:
    given = await interpreter.evaluator.values(dict(step.inputs), place)
    run = interpreter.journal.run
    execution_id = f"{run.execution_id}/{place.path}"
    await interpreter.host.may_start()
    await interpreter.host.start_run(
        StartRunCall(run=run, path=place.path, execution_id=execution_id, definition=step.definition, inputs=given)
    )
    return StepResult(outputs={"execution_id": execution_id}, tree=place.tree)


def _inputs(definition: Definition, given: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the inputs, typed and with defaults. Raises StepFailure (class `expression`) where they do not fit."""
    inputs, findings = check_inputs(definition, given)
    wrong = [finding for finding in findings if finding.severity == "error"]
    if wrong:
        raise StepFailure(
            ErrorClass.EXPRESSION,
            f"the inputs do not fit `{definition.id}`: " + "; ".join(finding.message for finding in wrong[:5]),
            {"code": wrong[0].code},
        )
    return inputs
