"""A step's `inputs`, laid out for an agent: files where it can read them, values as they are."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import JsonValue

from activities.agents.prompting import Given
from activities.executors.interface import Execution
from definitions.stored_values import VALUE_KEY, is_file_reference, is_value_reference

BIG_VALUE = 4096
"""Characters of JSON from which a value becomes a file, so that the prompt stays readable."""


def lay_inputs(execution: Execution, inputs: Sequence[JsonValue] | Mapping[str, JsonValue]) -> Given:
    """Lay out files and big values; return what the prompt names. Raises `BlobMissing`."""
    files: list[tuple[str, Path]] = []
    values: list[tuple[str, JsonValue]] = []
    for number, (name, value) in enumerate(_named(inputs), 1):
        if is_file_reference(value):
            files.append((name or str(value["$file"]), execution.place_file(value)))
        elif is_value_reference(value):
            content = execution.store.read_blob(str(value[VALUE_KEY]))
            files.append((name or f"value {number}", _lay_value(execution, number, content)))
        elif len(written := json.dumps(value, ensure_ascii=False)) > BIG_VALUE:
            files.append((name or f"value {number}", _lay_value(execution, number, written.encode())))
        else:
            values.append((name, value))
    return Given(tuple(files), tuple(values))


def _named(inputs: Sequence[JsonValue] | Mapping[str, JsonValue]) -> Iterator[tuple[str, JsonValue]]:
    if isinstance(inputs, Mapping):
        yield from inputs.items()
        return
    for value in inputs:
        yield "", value


def _lay_value(execution: Execution, number: int, content: bytes) -> Path:
    folder = execution.scratch / "files" / "values"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"value-{number}.json"
    target.write_bytes(content)
    return target
