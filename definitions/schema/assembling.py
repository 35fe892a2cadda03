"""From models to a schema that editors read well.

pydantic says the truth, but not as an editor wants it: a field that may be null is `anyOf` of a reference and
null, each field has a title, null is a default. Here references are written out (but for steps, which hold
steps), unions whose members differ by type become one schema with a list of types, and each key gets the
text that stands under it in its model.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, cast, get_args

from pydantic import BaseModel, JsonValue

from definitions.descriptions import descriptions
from definitions.schema.hints import add_hints

Schema = dict[str, JsonValue]

STEP: Schema = {"$ref": "#/$defs/Step"}
FREE_KEYS: Schema = {"^x-": {}}

_OF_MAPS = ("properties", "patternProperties")
_OF_ONE = ("items", "additionalProperties")
_OF_LISTS = ("anyOf", "oneOf")
_UNHELPFUL: tuple[JsonValue, ...] = (None, {}, [], "")


def assembled(model: type[BaseModel]) -> tuple[Schema, dict[str, Schema]]:
    """Return the schema of a model, and those of the step types that it holds, by the models' names."""
    schema = cast("Schema", model.model_json_schema(by_alias=True))
    definitions = cast("dict[str, Schema]", schema.pop("$defs", {}))
    for found in models_of(model):
        _describe(found, schema if found is model else definitions.get(found.__name__, {}))
    for one in (schema, *definitions.values()):
        one.pop("title", None)
    held = {name: _plain(one, definitions) for name, one in definitions.items() if _is_step(one)}
    return _plain(schema, definitions), held


def models_of(model: type[BaseModel]) -> list[type[BaseModel]]:
    """Return a model and all that its fields hold, each once."""
    found, waiting = list[type[BaseModel]](), [model]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.append(one)
            waiting += [held for field in one.model_fields.values() for held in _held(field.annotation)]
    return found


def with_free_keys(schemas: list[Schema]) -> None:
    """Allow keys `x-…` wherever the language itself gives the keys or names what stands under them."""
    for schema in schemas:
        for one in everywhere(schema):
            if one.get("additionalProperties") not in (None, True, {}):
                one["patternProperties"] = dict(FREE_KEYS)


def everywhere(schema: JsonValue) -> Iterator[Schema]:
    """Yield a schema and every schema inside it, rules (`if`, `not`, `allOf`) aside."""
    if not isinstance(schema, dict):
        return
    yield schema
    for key in _OF_MAPS:
        for inner in cast("Schema", schema.get(key, {})).values():
            yield from everywhere(inner)
    for key in _OF_ONE:
        yield from everywhere(schema.get(key))
    for key in _OF_LISTS:
        for inner in cast("list[JsonValue]", schema.get(key, [])):
            yield from everywhere(inner)


def _held(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _held(argument)


def _is_step(schema: Schema) -> bool:
    return "type" in cast("Schema", schema.get("properties", {})) and "id" in cast("Schema", schema["properties"])


def _describe(model: type[BaseModel], schema: Schema) -> None:
    """Give each key the text that stands under it in its model, and what editors want beside it."""
    properties = cast("dict[str, Schema]", schema.get("properties", {}))
    for name, text in descriptions(model).items():
        key = model.model_fields[name].alias or name
        if key in properties:
            properties[key]["description"] = " ".join(text.split())
    for key, one in properties.items():
        one.pop("title", None)
        add_hints(model, key, one)


def _plain(schema: JsonValue, definitions: dict[str, Schema]) -> Any:
    """Return a schema with references written out, unions merged and defaults that say nothing left out."""
    if not isinstance(schema, dict):
        return schema
    if "discriminator" in schema:
        return dict(STEP)
    reference = schema.get("$ref")
    if isinstance(reference, str):
        target = definitions[reference.rpartition("/")[2]]
        return _plain({**target, **{key: value for key, value in schema.items() if key != "$ref"}}, definitions)
    found = _inside(schema, lambda inner: _plain(inner, definitions))
    if found.get("default", "") in _UNHELPFUL or isinstance(found.get("default"), dict):
        found.pop("default", None)
    return _merged(found)


def _inside(schema: Schema, change: Callable[[JsonValue], JsonValue]) -> Schema:
    found = dict(schema)
    for key in _OF_MAPS:
        if key in found:
            found[key] = {name: change(inner) for name, inner in cast("Schema", found[key]).items()}
    for key in _OF_ONE:
        if key in found:
            found[key] = change(found[key])
    for key in _OF_LISTS:
        if key in found:
            found[key] = [change(inner) for inner in cast("list[JsonValue]", found[key])]
    return found


def _merged(schema: Schema) -> Schema:
    """Return a union whose members differ by type as one schema: its keywords speak of one type each."""
    members = cast("list[Schema]", schema.get("anyOf", []))
    if not members or not all("type" in member for member in members):
        return schema
    types = [kind for member in members for kind in _types(member)]
    if len(set(types)) < len(types) or {"integer", "number"} <= set(types):
        return schema
    is_closed = all("enum" in member or "const" in member or member["type"] == "null" for member in members)
    found: Schema = {}
    for member in members:
        one = member if is_closed else _open(member)
        found |= {key: value for key, value in one.items() if key not in ("type", "description")}
    if is_closed:
        found["enum"] = [*_words(found), *([None] if "null" in types else [])]
        found.pop("const", None)
    kind: JsonValue = types[0] if len(types) == 1 else list[JsonValue](types)
    return {"type": kind, **found, **{key: value for key, value in schema.items() if key != "anyOf"}}


def _open(schema: Schema) -> Schema:
    """Return a closed set of words as a pattern: beside other types `enum` would speak of these too."""
    words = [str(word) for word in _words(schema)]
    if not words:
        return schema
    pattern = f"^({'|'.join(map(re.escape, words))})$"
    said = " or ".join(f"`{word}`" for word in words)
    return {
        "type": schema["type"],
        "pattern": pattern,
        "patternErrorMessage": f"{said}, or the longer form",
        "examples": list[JsonValue](words),
    }


def _words(schema: Schema) -> list[JsonValue]:
    return [schema["const"]] if "const" in schema else cast("list[JsonValue]", schema.get("enum", []))


def _types(schema: Schema) -> list[str]:
    kind = schema["type"]
    return [str(one) for one in kind] if isinstance(kind, list) else [str(kind)]
