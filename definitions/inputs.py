"""Values given to a run, against the inputs that its definition declares.

    check_inputs       a mapping of values -> typed values with defaults, and all that is wrong with them
    as_given           a value that a run has -> as it was given
    parse_assignment   `NAME=VALUE` of a command line -> name and typed value
    declaration_faults what is wrong with a declaration itself (its default, its pattern, its bounds)

Patterns are matched by pydantic's engine, which takes linear time whatever the pattern and the text.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from math import isfinite
from typing import Annotated

from pydantic import JsonValue, StringConstraints, TypeAdapter, ValidationError
from pydantic_core import SchemaError

from definitions.artifact_names import is_reference
from definitions.diagnostics import Diagnostic, Note
from definitions.durations import parse_duration
from definitions.errors import DefinitionInvalid
from definitions.models import Definition, Input
from definitions.nodes import Path
from definitions.stored_values import FILE_KEY, VALUE_KEY, is_file_reference
from definitions.suggestions import did_you_mean, listed
from definitions.values import INTEGER_LIMIT

FILE = "inputs"
"""The name under which findings about given values are shown."""

NAME_PATTERN = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
"""What an input may be called."""

_DEEPEST = 40
_SURROGATE = re.compile("[\ud800-\udfff]")
_WANTED = {
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "`true` or `false`",
    "object": "an object",
    "array": "a list",
    "file": "a path inside the workspace",
    "artifact": "an artifact (`NAME`, `NAME@VERSION` or `NAME@TAG`)",
    "duration": "a duration such as `90s`",
    "any": "a value",
}


def check_inputs(
    definition: Definition, given: Mapping[str, JsonValue]
) -> tuple[dict[str, JsonValue], list[Diagnostic]]:
    """Return the values that a run starts with, defaults filled in, and the findings; null is no value."""
    values: dict[str, JsonValue] = {}
    findings = [_unknown(definition, name) for name in given if name not in definition.inputs]
    for name, declared in definition.inputs.items():
        value = given.get(name)
        if value is None:
            if declared.is_required:
                findings.append(_missing(name, declared))
            values[name] = declared.default
            continue
        fault = fault_of(declared, value)
        if fault:
            findings.append(_finding("invalid-input", f"input `{name}` {fault}", declared.description))
        values[name] = value
    return values, findings


def as_given(value: JsonValue) -> JsonValue:
    """Return an input of a run as a person gave it: a file by its path."""
    return value[FILE_KEY] if is_file_reference(value) else value


def parse_assignment(definition: Definition, assignment: str) -> tuple[str, JsonValue]:
    """Return the name and the typed value of `NAME=VALUE`.

    Raises:
        DefinitionInvalid: it is no assignment, no such input exists, or the value is not of its type.
    """
    name, equals, text = assignment.partition("=")
    if not equals:
        message = f"`{_cut(assignment)}` is not an assignment"
        raise DefinitionInvalid([_finding("invalid-input", message, "write `NAME=VALUE`")])
    declared = definition.inputs.get(name)
    if declared is None:
        raise DefinitionInvalid([_unknown(definition, name)])
    value = _typed(declared, text)
    fault = fault_of(declared, value)
    if fault:
        raise DefinitionInvalid([_finding("invalid-input", f"input `{name}` {fault}", declared.description)])
    return name, value


def fault_of(declared: Input, value: JsonValue) -> str | None:
    """Return what is wrong with a value, as the end of a sentence about it; None where it fits."""
    if value is None and not declared.is_required:
        return None
    if _is_too_deep(value):
        return f"is nested more than {_DEEPEST} deep"
    fault = _carriage_fault(value)
    if fault:
        return fault
    if not _is_of_type(declared.type, value):
        return f"must be {_WANTED[declared.type]}, not {_shown(value)}"
    if declared.enum is not None and not any(_same(value, allowed) for allowed in declared.enum):
        return f"must be one of {listed(_json(allowed) for allowed in declared.enum[:20])}, not {_shown(value)}"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _bounds_fault(declared, value)
    if isinstance(value, str) and declared.pattern is not None and not _matches(declared.pattern, value):
        return f"must match `{_cut(declared.pattern)}`, and {_shown(value)} does not"
    return None


def declaration_faults(declared: Input) -> Iterator[tuple[Path, str]]:
    """Yield what is wrong with a declaration: the key, and a message."""
    if declared.pattern is not None and _matcher(declared.pattern) is None:
        yield ("pattern",), f"`{_cut(declared.pattern)}` is not a pattern that can be matched in linear time"
        return
    if declared.minimum is not None and declared.maximum is not None and declared.minimum > declared.maximum:
        yield ("minimum",), f"the minimum {_json(declared.minimum)} is above the maximum {_json(declared.maximum)}"
        return
    if declared.default is not None:
        fault = fault_of(declared, declared.default)
        if fault:
            yield ("default",), f"the default {fault}"


def is_inside_workspace(path: str) -> bool:
    """Whether a path stays below the folder that it is relative to."""
    if not path or "\0" in path or path.startswith(("/", "~")) or "\\" in path:
        return False
    depth = 0
    for part in path.split("/"):
        depth += {"..": -1, ".": 0, "": 0}.get(part, 1)
        if depth < 0:
            return False
    return True


def _typed(declared: Input, text: str) -> JsonValue:
    if declared.type in ("string", "file", "artifact", "duration"):
        return text
    try:
        value: JsonValue = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return text
    return value


def _refuse_constant(name: str) -> JsonValue:
    raise ValueError(f"`{name}` is not JSON")


def _is_of_type(kind: str, value: JsonValue) -> bool:  # one line a type
    match kind:
        case "string":
            return isinstance(value, str)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "object":
            return isinstance(value, dict)
        case "array":
            return isinstance(value, list)
        case "file":
            return isinstance(value, str) and is_inside_workspace(value)
        case "artifact":
            return isinstance(value, str) and is_reference(value)
        case "any":
            return True
        case _:
            return isinstance(value, str) and _is_duration(value)


def _is_duration(text: str) -> bool:
    try:
        parse_duration(text)
    except ValueError:
        return False
    return True


def _bounds_fault(declared: Input, value: float) -> str | None:
    if declared.minimum is not None and value < declared.minimum:
        return f"must be at least {_json(declared.minimum)}, not {_shown(value)}"
    if declared.maximum is not None and value > declared.maximum:
        return f"must be at most {_json(declared.maximum)}, not {_shown(value)}"
    return None


def _is_too_deep(value: JsonValue) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


def _carriage_fault(value: JsonValue) -> str | None:
    """Return what a run cannot carry: its history is JSON in UTF-8, and references are Perdure's own to make."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case dict() as mapping:
                if FILE_KEY in mapping or VALUE_KEY in mapping:
                    return f"has a key `{FILE_KEY if FILE_KEY in mapping else VALUE_KEY}`, which only Perdure sets"
                waiting += [*mapping, *mapping.values()]
            case list() as items:
                waiting += items
            case str() as text if _SURROGATE.search(text):
                return "holds half of a surrogate pair, which is no text"
            case float() as number if not isfinite(number):
                return f"holds `{_json(number)}`, which is not a number that JSON can carry"
            case int() as number if not -INTEGER_LIMIT <= number < INTEGER_LIMIT:
                return "holds a number that does not fit 64 bits"
            case _:
                pass
    return None


def _same(left: JsonValue, right: JsonValue) -> bool:
    return left == right and isinstance(left, bool) == isinstance(right, bool)


@lru_cache(maxsize=256)
def _matcher(pattern: str) -> TypeAdapter[str] | None:
    try:
        return TypeAdapter(Annotated[str, StringConstraints(pattern=rf"\A(?:{pattern})\z", strict=True)])
    except SchemaError:
        return None


def _matches(pattern: str, text: str) -> bool:
    matcher = _matcher(pattern)
    if matcher is None:
        return False
    try:
        matcher.validate_python(text)
    except ValidationError:
        return False
    return True


def _unknown(definition: Definition, name: str) -> Diagnostic:
    known = list(definition.inputs)
    help_ = did_you_mean(name, known) or (f"the inputs are {listed(known)}" if known else "it takes no inputs")
    return _finding("unknown-input", f"`{definition.id}` has no input `{_cut(name)}`", help_)


def _missing(name: str, declared: Input) -> Diagnostic:
    notes = (Note(declared.description),) if declared.description else ()
    return Diagnostic(
        "missing-input", "error", f"input `{name}` needs a value", FILE, None, notes, f"give it by `-i {name}=…`"
    )


def _finding(code: str, message: str, help_: str | None) -> Diagnostic:
    return Diagnostic(code, "error", message, FILE, help=help_)


def _shown(value: JsonValue) -> str:
    return f"`{_cut(_json(value))}`"


def _json(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False) if not isinstance(value, float) else f"{value:g}"


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}…"
