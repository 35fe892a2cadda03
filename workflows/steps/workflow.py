"""`workflow`: another definition, interpreted in the same run under the step's path, or started as a run of its own."""

from datetime import datetime
from hashlib import sha256

from pydantic import JsonValue

from definitions.errors import ErrorClass, StepFailure
from definitions.inputs import check_inputs
from definitions.models import Definition, Input
from definitions.records import StartRunCall, StepResult
from definitions.steps import WorkflowStep
from definitions.stored_values import FILE_KEY, is_file_reference, is_value_reference
from definitions.values import type_name, with_article
from workflows.ending import run_outputs
from workflows.failures import step_failure
from workflows.frames import Frame
from workflows.interpreter import Interpreter
from workflows.lists import run_list
from workflows.places import Place, RunFailed
from workflows.scope import Scopes

LONGEST_ID = 200
"""Characters of the id of a run that a step starts; commands take no longer ones."""
_KINDS = {
    "number": ("number",),
    "integer": ("number",),
    "boolean": ("boolean",),
    "object": ("object",),
    "array": ("list",),
    "artifact": ("file",),
}
"""What a declared output may be; `string` is what an output is where nothing is said, so it is held to nothing."""


async def attempt(interpreter: Interpreter, step: WorkflowStep, place: Place) -> StepResult:
    """Run the definition to its end; its outputs are the step's. Past its time it is cancelled, and the step fails."""
    if step.detach:
        return await _detached(interpreter, step, place)
    inner, frame = await enter(interpreter, step, place)
    has_files = inner.definition.workspace.source != "none"
    try:
        async with interpreter.host.time_limit(_deadline(interpreter, step, inner.definition, place)):
            tree = await run_list(inner, inner.definition.steps, frame, place.tree if has_files else None)
            outputs = await run_outputs(inner, Place(f"{place.path}/outputs", tree, frame))
    except RunFailed as failure:  # `fail` ends the definition that says so, which is this step
        raise step_failure(failure.error) from failure
    except TimeoutError as error:
        message = f"`{inner.definition.id}` at `{place.path}` took longer than its time"
        raise StepFailure(ErrorClass.TIMEOUT, message) from error
    _hold_to_types(inner.definition, outputs)
    return StepResult(outputs=outputs, tree=tree if has_files else place.tree)


async def enter(interpreter: Interpreter, step: WorkflowStep, place: Place) -> tuple[Interpreter, Frame]:
    """Return the interpreter of the step's definition, and the frame of its list."""
    definition = interpreter.library.get(step.definition)
    if definition is None:
        raise StepFailure(ErrorClass.INTERNAL, f"the definition `{step.definition}` was not frozen with the run")
    given = await interpreter.evaluator.values(dict(step.inputs), place)
    inputs = _inputs(definition, given)
    if place.tree is not None and definition.workspace.source != "none":
        inputs = {**inputs, **await interpreter.evaluator.files(_paths(definition, inputs), place)}
    outer = interpreter.scopes
    scopes = Scopes(definition, inputs, outer.environment, outer.facts, interpreter.book, base=place.path)
    return interpreter.inside(definition, scopes), Frame(prefix=f"{place.path}/", here=place.path)


def detached_id(execution_id: str, path: str) -> str:
    """Return the id of the run that a step starts: `RUN/PATH`, and where that is long, a shorter one of its own."""
    whole = f"{execution_id}/{path}"
    if len(whole) <= LONGEST_ID:
        return whole
    return f"{whole[: LONGEST_ID - 13]}-{sha256(whole.encode()).hexdigest()[:12]}"


async def _detached(interpreter: Interpreter, step: WorkflowStep, place: Place) -> StepResult:
    given = await interpreter.evaluator.values(dict(step.inputs), place)
    run = interpreter.journal.run
    execution_id = detached_id(run.execution_id, place.path)
    await interpreter.host.may_start()
    await interpreter.host.start_run(
        StartRunCall(
            run=run,
            path=place.path,
            execution_id=execution_id,
            definition=step.definition,
            inputs=given,
            tree=place.tree,
        )
    )
    return StepResult(outputs={"execution_id": execution_id}, tree=place.tree)


def _deadline(interpreter: Interpreter, step: WorkflowStep, definition: Definition, place: Place) -> datetime | None:
    """Return the end of the step's time: its own (of a loop, the loop has that), and the definition's."""
    limits = [limit for limit in (definition.timeout, None if step.loop else step.timeout) if limit is not None]
    record = interpreter.book.get(place.path)
    if not limits or record is None:
        return None
    if record.deadline is None:
        record = interpreter.book.update(place.path, deadline=interpreter.host.now() + min(limits))
    return record.deadline


def _inputs(definition: Definition, given: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the inputs, typed and with defaults. Raises StepFailure (class `expression`) where they do not fit.

    What stands for a file or a big value is made by the run itself; its kind is looked at, and its content is not.
    """
    shown = {name: _stand_in(value, definition.inputs.get(name)) for name, value in given.items()}
    inputs, findings = check_inputs(definition, shown)
    wrong = [finding for finding in findings if finding.severity == "error"]
    if wrong:
        raise StepFailure(
            ErrorClass.EXPRESSION,
            f"the inputs do not fit `{definition.id}`: " + "; ".join(finding.message for finding in wrong[:5]),
            {"code": wrong[0].code},
        )
    return {**inputs, **{name: value for name, value in given.items() if value is not None}}


def _stand_in(value: JsonValue, declared: Input | None) -> JsonValue:
    """Return a value to be held to a declaration: a file's path, for a big one an empty one of a fitting type."""
    if is_file_reference(value):
        return str(value[FILE_KEY]) if declared is None or declared.type == "file" else {}
    if is_value_reference(value):
        kind = "object" if declared is None else declared.type
        empty: dict[str, JsonValue] = {"array": [], "object": {}}
        return empty.get(kind, declared.enum[0] if declared and declared.enum else "")
    if isinstance(value, list):
        return [_stand_in(one, None) for one in value]
    if isinstance(value, dict):
        return {key: _stand_in(one, None) for key, one in value.items()}
    return value


def _paths(definition: Definition, inputs: dict[str, JsonValue]) -> dict[str, str]:
    """Return the inputs that are paths of files, by name."""
    found: dict[str, str] = {}
    for name, declared in definition.inputs.items():
        value = inputs.get(name)
        if declared.type == "file" and isinstance(value, str):
            found[name] = value
    return found


def _hold_to_types(definition: Definition, outputs: dict[str, JsonValue]) -> None:
    """Raise StepFailure (class `output`) where an output is not what the definition declares; null is allowed."""
    for name, output in definition.outputs.items():
        value = outputs.get(name)
        if value is None or output.type not in _KINDS or is_value_reference(value):
            continue
        kind = type_name(value)
        if kind not in _KINDS[output.type] or (output.type == "integer" and not _is_whole(value)):
            message = (
                f"the output `{name}` of `{definition.id}` is declared as {output.type}, and is {with_article(kind)}"
            )
            raise StepFailure(ErrorClass.OUTPUT, message, {"output": name})


def _is_whole(value: JsonValue) -> bool:
    return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
