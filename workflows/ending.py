"""What a run comes to when its last list has ended: its state, its outputs, what its result carries."""

from dataclasses import dataclass

from pydantic import JsonValue

from definitions.errors import ErrorClass, StepFailure
from definitions.records import StepError
from definitions.statuses import RunState, Status
from definitions.stored_values import is_file_reference
from workflows.interpreter import Interpreter
from workflows.ledger import Book
from workflows.places import Place
from workflows.scope import references_in

RESULT_LIMIT = 256_000
"""Bytes of the result; above it the steps are left out, and the store's `run.json` has them."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended."""

    state: RunState
    error: StepError | None = None


def ending_of(error: StepError) -> Ending:
    """Return the ending that an unhandled failure means; a rejection is one of its own."""
    return Ending("rejected" if error.type == ErrorClass.REJECTED else "failed", error)


async def run_outputs(interpreter: Interpreter, place: Place) -> dict[str, JsonValue]:
    """Return the outputs of the interpreter's definition; one that needs a step that did not run is null."""
    outputs: dict[str, JsonValue] = {}
    for name, output in interpreter.definition.outputs.items():
        if output.value is None:
            outputs[name] = _by_name(interpreter.book, name, place.frame.prefix)
        else:
            outputs[name] = await _value(interpreter, output.value, place)
    return outputs


async def _value(interpreter: Interpreter, template: JsonValue, place: Place) -> JsonValue:
    """Return an output's value; null where it needs a step that did not run (`default` is the way past that)."""
    try:
        return (await interpreter.evaluator.values({"value": template}, place))["value"]
    except StepFailure:
        if interpreter.scopes.has_ended(references_in(template), place.frame):
            raise
        return None


def _by_name(book: Book, name: str, prefix: str) -> JsonValue:
    """Return the one step output or artifact of that name below `prefix`, else null."""
    found: list[JsonValue] = []
    for path, record in book.records.items():
        if not path.startswith(prefix):
            continue
        found += [values[name] for values in (record.artifacts, record.outputs or {}) if name in values][:1]
    return found[0] if len(found) == 1 else None


def output_artifacts(outputs: dict[str, JsonValue]) -> list[dict[str, JsonValue]]:
    """Return the run's outputs that are files, as artifacts."""
    return [{"name": name, "step": None, "file": value} for name, value in outputs.items() if is_file_reference(value)]


def result_of(status: Status) -> dict[str, JsonValue]:
    """Return a run's result: the status record, within `RESULT_LIMIT`."""
    whole = status.model_dump(mode="json", exclude_defaults=True)
    if len(status.model_dump_json(exclude_defaults=True)) <= RESULT_LIMIT:
        return whole
    return status.model_copy(update={"steps": {}, "approvals": [], "artifacts": []}).model_dump(
        mode="json", exclude_defaults=True
    )
