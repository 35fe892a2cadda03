"""JSON values as the language sees them: their types, bounds, canonical form and text.

A boolean is not a number here. A file reference (`{"$file": …}`) is a type of its own, `file`, whose text is
its path. A value reference (`{"$value": …}`) stands for a big value in the store; whoever wants to look into
it asks `definitions.evaluation` to resolve it first.
"""

import hashlib
import json
import math
from typing import Literal, cast

from pydantic import JsonValue

from definitions.errors import ExpressionError
from definitions.stored_values import FILE_KEY, VALUE_KEY, is_file_reference, is_value_reference

RESULT_LIMIT = 256 * 1024
"""Characters of JSON text that a result may have, about."""
INTEGER_LIMIT = 2**63
"""Integers are in [-2**63, 2**63)."""

TypeName = Literal["null", "boolean", "number", "string", "list", "object", "file", "stored value"]
_ARTICLES = {"object": "an object", "null": "null"}


def type_name(value: object) -> TypeName:
    """Return the name that messages and the function table use for the type of `value`.

    Raises:
        ExpressionError: it is no JSON value.
    """
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list() | tuple():
            return "list"
        case _ if is_file_reference(value):
            return "file"
        case _ if is_value_reference(value):
            return "stored value"
        case dict():
            return "object"
        case _:
            raise ExpressionError("not-json", f"a value of type `{type(value).__name__}` is not a JSON value")


def with_article(name: str) -> str:
    """Return a type's name as it stands in a sentence."""
    return _ARTICLES.get(name, f"a {name}")


def bounded_number(value: float) -> int | float:
    """Return a number that fits: 64-bit integers, finite floats.

    Raises:
        ExpressionError: it does not.
    """
    if isinstance(value, int):
        if -INTEGER_LIMIT <= value < INTEGER_LIMIT:
            return value
        raise ExpressionError("number-out-of-range", "the number does not fit 64 bits")
    if math.isfinite(value):
        return value
    raise ExpressionError("number-out-of-range", "the number is infinite or not a number")


def bounded_result(value: JsonValue) -> JsonValue:
    """Return `value` if it is small enough to be a result.

    Raises:
        ExpressionError: it is not.
    """
    if size_within(value, RESULT_LIMIT) is None:
        raise ExpressionError(
            "result-too-big", f"the result is over {RESULT_LIMIT // 1024} KiB; write it to a file and pass the file on"
        )
    return value


def size_within(value: JsonValue, limit: int) -> int | None:
    """Return about how many characters the JSON text of `value` has, or None above `limit`."""
    size = 0
    pending: list[JsonValue] = [value]
    while pending:
        current = pending.pop()
        if isinstance(current, str):
            size += len(current) + 2
        elif isinstance(current, dict):
            size += 2 + sum(len(key) + 4 for key in current)
            pending.extend(current.values())
        elif isinstance(current, list):
            size += 2 + len(current)
            pending.extend(current)
        else:
            size += 4
        if size > limit:
            return None
    return size


def canonical_json(value: JsonValue) -> str:
    """Return the one JSON text of `value`: sorted keys, no spaces, plain Unicode."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: JsonValue) -> str:
    """Return the sha256 of a value's canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode("utf-8", "surrogatepass")).hexdigest()


def to_text(value: JsonValue) -> str:
    """Return `value` as it stands inside text: strings as they are, files as paths, the rest as compact JSON.

    Raises:
        ExpressionError: it is null, or stands for a stored value that was not resolved.
    """
    if isinstance(value, str):
        return value
    if value is None:
        raise ExpressionError("null-in-text", "null cannot stand inside text; give a value with `default(…, …)`")
    if is_file_reference(value):
        return str(value[FILE_KEY])
    return compact_json(value)


def compact_json(value: JsonValue) -> str:
    """Return JSON text with keys in their order, and each file as its path."""
    return json.dumps(_with_paths(value), separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _with_paths(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        if FILE_KEY in value:
            return value[FILE_KEY]
        if VALUE_KEY in value:
            raise ExpressionError("stored-value-in-text", "a value in the store must be read before it can be text")
        return {key: _with_paths(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_paths(item) for item in value]
    return value


def as_list(value: JsonValue) -> list[JsonValue]:
    """Return `value` as the list that its caller knows it to be."""
    return cast("list[JsonValue]", value)
