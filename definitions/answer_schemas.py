"""Whether an `output_schema` is a JSON Schema (draft 2020-12), and where it is not: at load, before anything is spent.

`faults` walks the schema by a table of the words that schemas have. It says what jsonschema's own check of schemas
says (a property test holds the two together), at the smallest wrong value and in our words, and it costs no import.
`doubts` says what is a schema and cannot be meant: a word that is nearly one, a required name that does not exist.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeGuard

from pydantic import JsonValue

from definitions.nodes import Path
from definitions.suggestions import closest, did_you_mean, listed

MOST_FAULTS = 20
_DEEPEST = 40
TYPES = ("string", "number", "integer", "boolean", "object", "array", "null")


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong in a schema. `at_key`: the key is what is wrong, not its value."""

    path: Path
    message: str
    help: str | None = None
    at_key: bool = False


Check = Callable[[JsonValue, Path], Iterator[Fault]]


def faults(schema: JsonValue) -> Iterator[Fault]:
    """Yield what makes this no JSON Schema that can be applied."""
    yield from _schema(schema, ())
    for path, reference in _references(schema, ()):
        if not reference.startswith("#"):
            message = f"`{_cut(reference)}` is outside of this schema, and nothing is fetched"
            yield Fault(path, message, "put it under `$defs` and write `#/$defs/NAME`")
        elif not _leads_somewhere(schema, reference):
            yield Fault(path, f"`{_cut(reference)}` names nothing in this schema", _near_definition(schema, reference))


def doubts(schema: JsonValue) -> Iterator[Fault]:
    """Yield what is allowed and does nothing, or can never be fulfilled."""
    for path, inner in _schemas(schema, ()):
        for key in inner:
            close = closest(key, _CHECKS) if key not in _CHECKS else None
            if close and not key.startswith("x-"):
                message = f"`{_cut(key)}` is no word of JSON Schema, so it does nothing"
                yield Fault((*path, key), message, f"did you mean `{close}`?", at_key=True)
        properties, required = inner.get("properties"), inner.get("required")
        if not isinstance(properties, dict) or not isinstance(required, list):
            continue
        is_closed = inner.get("additionalProperties") is False and "patternProperties" not in inner
        for index, name in enumerate(required):
            if isinstance(name, str) and name not in properties and (is_closed or closest(name, properties)):
                help_ = did_you_mean(name, properties) or (_listed(properties) if properties else None)
                yield Fault((*path, "required", index), f"the required `{_cut(name)}` is not under `properties`", help_)


# --- what each word takes ---------------------------------------------------------------------------


def _schema(value: JsonValue, path: Path) -> Iterator[Fault]:
    if isinstance(value, bool):
        return
    if not isinstance(value, dict):
        yield Fault(path, f"a schema is a mapping, or `true` or `false`, not {_kind(value)}", _schema_help(value))
        return
    if len(path) > _DEEPEST:
        yield Fault(path, "the schema is nested too deep")
        return
    for key, item in value.items():
        check = _CHECKS.get(key)
        if check:
            yield from check(item, (*path, key))


def _schema_help(value: JsonValue) -> str | None:
    return f"write `{{type: {value}}}`" if isinstance(value, str) and value in TYPES else None


def _schema_list(value: JsonValue, path: Path) -> Iterator[Fault]:
    if not isinstance(value, list) or not value:
        yield Fault(path, f"`{path[-1]}` must be a list of schemas, not {_kind(value)}")
        return
    for index, item in enumerate(value):
        yield from _schema(item, (*path, index))


def _schema_map(value: JsonValue, path: Path) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield Fault(path, f"`{path[-1]}` must be a mapping of names to schemas, not {_kind(value)}")
        return
    for name, item in value.items():
        if path[-1] == "patternProperties":
            yield from _pattern(name, (*path, name), at_key=True)
        yield from _schema(item, (*path, name))


def _items(value: JsonValue, path: Path) -> Iterator[Fault]:
    if isinstance(value, list):
        help_ = "write `prefixItems` for one schema an item, or one schema for all of them"
        yield Fault(path, "`items` must be one schema, not a list", help_)
        return
    yield from _schema(value, path)


def _type(value: JsonValue, path: Path) -> Iterator[Fault]:
    for place, name in _names(value, path):
        if not isinstance(name, str):
            yield Fault(place, f"`type` must be a text or a list of texts, not {_kind(name)}")
        elif name not in TYPES:
            help_ = _OTHER_TYPES.get(name.lower()) or did_you_mean(name, TYPES) or f"the types are {listed(TYPES)}"
            yield Fault(place, f"no type is called `{_cut(name)}`", help_)
    yield from _distinct(value, path)
    if value == []:
        yield Fault(path, "`type` must not be an empty list")


_OTHER_TYPES = {
    word: f"did you mean `{name}`?"
    for name, words in {
        "string": ("str", "text"),
        "integer": ("int", "long"),
        "number": ("float", "double", "decimal"),
        "boolean": ("bool",),
        "array": ("list", "tuple"),
        "object": ("dict", "map", "mapping"),
        "null": ("none", "nil"),
    }.items()
    for word in words
}


def _names(value: JsonValue, path: Path) -> Iterator[tuple[Path, JsonValue]]:
    if isinstance(value, list):
        yield from (((*path, index), name) for index, name in enumerate(value))
    else:
        yield path, value


def _required(value: JsonValue, path: Path) -> Iterator[Fault]:
    if not isinstance(value, list):
        help_ = None
        if isinstance(value, bool):
            help_ = "list the names that are required, beside `properties`"
        elif isinstance(value, str):
            help_ = f"write `[{_cut(value)}]`"
        yield Fault(path, f"`{path[-1]}` must be a list of names, not {_kind(value)}", help_)
        return
    for index, name in enumerate(value):
        if not isinstance(name, str):
            yield Fault((*path, index), f"`{path[-1]}` must be a list of names, not of {_kind(name)}")
    yield from _distinct(value, path)


def _distinct(value: JsonValue, path: Path) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, name in enumerate(value if isinstance(value, list) else []):
        if isinstance(name, str) and name in seen:
            yield Fault((*path, index), f"`{_cut(name)}` stands here a second time", "keep one of them")
        elif isinstance(name, str):
            seen.add(name)


def _dependent_required(value: JsonValue, path: Path) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield Fault(path, f"`{path[-1]}` must be a mapping of names to lists of names, not {_kind(value)}")
        return
    for name, item in value.items():
        yield from _required(item, (*path, name))


def _count(value: JsonValue, path: Path) -> Iterator[Fault]:
    if not _is_number(value) or value != int(value):
        yield Fault(path, f"`{path[-1]}` must be a whole number, not {_kind(value)}")
    elif value < 0:
        yield Fault(path, f"`{path[-1]}` must be at least 0")


def _number(value: JsonValue, path: Path) -> Iterator[Fault]:
    if _is_number(value):
        return
    key = str(path[-1])
    help_ = None
    if key.startswith("exclusive") and isinstance(value, bool):
        help_ = f"since draft 6 the bound itself stands here: `{key}: 0`"
    yield Fault(path, f"`{key}` must be a number, not {_kind(value)}", help_)


def _positive(value: JsonValue, path: Path) -> Iterator[Fault]:
    if _is_number(value) and value <= 0:
        yield Fault(path, f"`{path[-1]}` must be more than 0")
    else:
        yield from _number(value, path)


def _is_number(value: JsonValue) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _boolean(value: JsonValue, path: Path) -> Iterator[Fault]:
    if not isinstance(value, bool):
        yield Fault(path, f"`{path[-1]}` must be `true` or `false`, not {_kind(value)}")


def _text(value: JsonValue, path: Path) -> Iterator[Fault]:
    if not isinstance(value, str):
        yield Fault(path, f"`{path[-1]}` must be a text, not {_kind(value)}")


def _pattern(value: JsonValue, path: Path, *, at_key: bool = False) -> Iterator[Fault]:
    if not isinstance(value, str):
        yield from _text(value, path)
        return
    try:
        re.compile(value)
    except (re.error, RecursionError, OverflowError) as error:
        yield Fault(path, f"`{_cut(value)}` is not a regular expression: {error}", at_key=at_key)


def _list(value: JsonValue, path: Path) -> Iterator[Fault]:
    if not isinstance(value, list):
        help_ = f"write `[{_cut(value)}]`" if isinstance(value, str) else None
        yield Fault(path, f"`{path[-1]}` must be a list, not {_kind(value)}", help_)


def _anything(value: JsonValue, path: Path) -> Iterator[Fault]:
    del value, path
    yield from ()


_CHECKS: dict[str, Check] = {
    "type": _type,
    "required": _required,
    "dependentRequired": _dependent_required,
    "items": _items,
    "pattern": _pattern,
    "enum": _list,
    "examples": _list,
    "multipleOf": _positive,
    **dict.fromkeys(("const", "default"), _anything),
    **dict.fromkeys(
        (
            "additionalProperties",
            "propertyNames",
            "contains",
            "not",
            "if",
            "then",
            "else",
            "unevaluatedItems",
            "unevaluatedProperties",
            "contentSchema",
        ),
        _schema,
    ),
    **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), _schema_list),
    **dict.fromkeys(("properties", "patternProperties", "dependentSchemas", "$defs", "definitions"), _schema_map),
    **dict.fromkeys(
        (
            "minLength",
            "maxLength",
            "minItems",
            "maxItems",
            "minProperties",
            "maxProperties",
            "minContains",
            "maxContains",
        ),
        _count,
    ),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _number),
    **dict.fromkeys(("uniqueItems", "deprecated", "readOnly", "writeOnly"), _boolean),
    **dict.fromkeys(
        (
            "title",
            "description",
            "format",
            "contentEncoding",
            "contentMediaType",
            "$comment",
            "$id",
            "$schema",
            "$anchor",
            "$dynamicAnchor",
            "$ref",
            "$dynamicRef",
        ),
        _text,
    ),
}
"""Every word of draft 2020-12 that schemas of answers have use for, and what may stand after it."""


# --- schemas inside a schema ------------------------------------------------------------------------


def _schemas(value: JsonValue, path: Path) -> Iterator[tuple[Path, dict[str, JsonValue]]]:
    """Yield the schema and every schema inside it."""
    if not isinstance(value, dict) or len(path) > _DEEPEST:
        return
    yield path, value
    for key, item in value.items():
        check = _CHECKS.get(key)
        if check in (_schema, _items):
            yield from _schemas(item, (*path, key))
        elif check is _schema_list and isinstance(item, list):
            for index, inner in enumerate(item):
                yield from _schemas(inner, (*path, key, index))
        elif check is _schema_map and isinstance(item, dict):
            for name, inner in item.items():
                yield from _schemas(inner, (*path, key, name))


def _references(value: JsonValue, path: Path) -> Iterator[tuple[Path, str]]:
    for place, inner in _schemas(value, path):
        reference = inner.get("$ref")
        if isinstance(reference, str):
            yield (*place, "$ref"), reference


def _leads_somewhere(schema: JsonValue, reference: str) -> bool:
    """Whether a reference within the schema, by pointer or anchor, names a part of it."""
    if reference in ("#", "#/"):
        return True
    if not reference.startswith("#/"):
        return any(
            reference[1:] in (inner.get("$anchor"), inner.get("$dynamicAnchor")) for _, inner in _schemas(schema, ())
        )
    part = schema
    for piece in reference[2:].split("/"):
        name = piece.replace("~1", "/").replace("~0", "~").replace("%25", "%")
        if isinstance(part, dict) and name in part:
            part = part[name]
        elif isinstance(part, list) and name.isdecimal() and int(name) < len(part):
            part = part[int(name)]
        else:
            return False
    return isinstance(part, dict | bool)


def _near_definition(schema: JsonValue, reference: str) -> str | None:
    definitions = schema.get("$defs") if isinstance(schema, dict) else None
    if not isinstance(definitions, dict):
        return None
    found = closest(reference, [f"#/$defs/{name}" for name in definitions])
    return f"did you mean `{found}`?" if found else None


def _listed(properties: dict[str, JsonValue]) -> str | None:
    return f"the properties are {listed(properties)}" if len(properties) <= 8 else None


def _kind(value: JsonValue) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return f"`{str(value).lower()}`"
        case int() | float():
            return f"the number `{value}`"
        case str():
            return f"the text `{_cut(value)}`"
        case list():
            return "a list" if value else "an empty list"
        case _:
            return "a mapping"


def _cut(text: str) -> str:
    shown = text.split("\n")[0]
    return shown if len(shown) <= 60 and shown == text else f"{shown[:60]}…"
