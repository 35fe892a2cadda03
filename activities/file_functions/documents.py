"""Files as values: JSON, YAML, TOML, text. What JSON cannot carry (dates, infinite numbers) is text or refused."""

import json
import math
import tomllib
from datetime import date, datetime, time
from typing import Any, NoReturn, cast

from pydantic import JsonValue

from definitions import yaml_guard
from definitions.errors import ExpressionError
from definitions.nodes import to_value

_AS_TEXT = frozenset({"ambiguous-scalar"})  # findings that matter in definitions, but not in a file that is only read


def read_json(content: bytes) -> JsonValue:
    """Return the value that a JSON file holds. Raises ExpressionError."""
    try:
        return json.loads(content, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise _unfit(f"not JSON: {error}") from error


def read_yaml(content: bytes) -> JsonValue:
    """Return the value that a YAML file holds, read by the guard of definitions. Raises ExpressionError."""
    document = yaml_guard.read(content, "")
    findings = [finding for finding in document.diagnostics if finding.code not in _AS_TEXT]
    if findings:
        place = f" (line {findings[0].span.line})" if findings[0].span else ""
        raise _unfit(f"not YAML that can be read: {findings[0].message}{place}")
    return None if document.root is None else to_value(document.root)


def read_toml(content: bytes) -> JsonValue:
    """Return the table that a TOML file holds; dates and times as text. Raises ExpressionError."""
    try:
        return _plain(tomllib.loads(content.decode()))
    except (ValueError, RecursionError) as error:
        raise _unfit(f"not TOML: {error}") from error


def read_text(content: bytes) -> JsonValue:
    """Return the text of a file. Raises ExpressionError."""
    try:
        return content.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise _unfit(f"not UTF-8 at byte {error.start}") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"`{name}` is not a JSON value")


def _plain(value: Any) -> JsonValue:
    match value:
        case dict():
            return {str(key): _plain(item) for key, item in cast("dict[str, Any]", value).items()}
        case list():
            return [_plain(item) for item in cast("list[Any]", value)]
        case datetime() | date() | time():
            return value.isoformat()
        case float() if not math.isfinite(value):
            raise ValueError(f"`{value}` is not a number that JSON can carry")
        case _:
            return value


def _unfit(message: str) -> ExpressionError:
    return ExpressionError("unfit-file", message)
