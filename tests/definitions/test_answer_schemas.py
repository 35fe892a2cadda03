from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from definitions.answer_schemas import doubts, faults


def told(schema: Any) -> list[tuple[str, str, str | None]]:
    return [("/".join(map(str, fault.path)), fault.message, fault.help) for fault in faults(schema)]


def doubted(schema: Any) -> list[tuple[str, str, str | None]]:
    return [("/".join(map(str, fault.path)), fault.message, fault.help) for fault in doubts(schema)]


WRONG: dict[str, tuple[Any, str, str, str | None]] = {
    "schema as a text": ({"items": "string"}, "items", "a schema is a mapping", "write `{type: string}`"),
    "schema as a list": ({"not": []}, "not", "not an empty list", None),
    "unknown type": ({"type": "strng"}, "type", "no type is called `strng`", "did you mean `string`?"),
    "type of another language": ({"type": ["null", "int"]}, "type/1", "`int`", "did you mean `integer`?"),
    "type nowhere near": ({"type": "zebra"}, "type", "`zebra`", "the types are `string`"),
    "type as a number": ({"type": 5}, "type", "a text or a list of texts, not the number `5`", None),
    "no types": ({"type": []}, "type", "must not be an empty list", None),
    "type twice": ({"type": ["null", "null"]}, "type/1", "a second time", "keep one"),
    "required as a boolean": (
        {"properties": {"a": {"required": True}}}, "properties/a/required", "must be a list of names, not `true`",
        "list the names that are required, beside `properties`",
    ),
    "required as a text": ({"required": "a"}, "required", "not the text `a`", "write `[a]`"),
    "required of numbers": ({"required": ["a", 1]}, "required/1", "not of the number `1`", None),
    "required twice": ({"required": ["a", "a"]}, "required/1", "`a` stands here a second time", "keep one"),
    "required for a name": ({"dependentRequired": {"a": "b"}}, "dependentRequired/a", "list of names", "write `[b]`"),
    "required for nothing": ({"dependentRequired": []}, "dependentRequired", "mapping of names to lists", None),
    "items as a list": ({"items": [{}]}, "items", "must be one schema", "write `prefixItems`"),
    "no alternatives": ({"anyOf": []}, "anyOf", "must be a list of schemas, not an empty list", None),
    "wrong alternative": ({"anyOf": [{}, {"type": 1}]}, "anyOf/1/type", "not the number `1`", None),
    "properties as a list": ({"properties": ["a"]}, "properties", "must be a mapping of names to schemas", None),
    "negative count": ({"minItems": -1}, "minItems", "at least 0", None),
    "count with a fraction": ({"maxLength": 1.5}, "maxLength", "a whole number, not the number `1.5`", None),
    "count as a text": ({"maxLength": "1"}, "maxLength", "a whole number, not the text `1`", None),
    "bound as a text": ({"minimum": "1"}, "minimum", "must be a number", None),
    "bound of draft 4": ({"exclusiveMinimum": True}, "exclusiveMinimum", "not `true`", "since draft 6"),
    "multiple of nothing": ({"multipleOf": 0}, "multipleOf", "more than 0", None),
    "multiple of a text": ({"multipleOf": "2"}, "multipleOf", "must be a number", None),
    "flag as a text": ({"uniqueItems": "yes"}, "uniqueItems", "`true` or `false`, not the text `yes`", None),
    "title as nothing": ({"title": None}, "title", "must be a text, not nothing", None),
    "description as a mapping": ({"description": {"a": 1}}, "description", "not a mapping", None),
    "pattern": ({"pattern": "(a"}, "pattern", "is not a regular expression", None),
    "pattern as a number": ({"pattern": 1}, "pattern", "must be a text", None),
    "pattern as a name": ({"patternProperties": {"[": {}}}, "patternProperties/[", "is not a regular expression", None),
    "enum as a text": ({"enum": "a"}, "enum", "must be a list, not the text `a`", "write `[a]`"),
    "reference outside": ({"$ref": "https://example.org/s"}, "$ref", "outside of this schema", "put it under `$defs`"),
    "reference to a file": ({"$ref": "other.json#/a"}, "$ref", "outside of this schema", "put it under"),
    "reference to nothing": ({"$ref": "#/$defs/a"}, "$ref", "names nothing", None),
    "reference nearly right": (
        {"$ref": "#/$defs/persn", "$defs": {"person": {}}}, "$ref", "names nothing", "did you mean `#/$defs/person`?",
    ),
    "reference to no schema": ({"$ref": "#/type", "type": "object"}, "$ref", "names nothing", None),
    "reference to no item": ({"$ref": "#/anyOf/1", "anyOf": [{}]}, "$ref", "names nothing", None),
    "reference to no anchor": ({"$ref": "#a", "$defs": {"x": {"$anchor": "b"}}}, "$ref", "names nothing", None),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_fault_is_told_at_its_place_when_the_schema_cannot_be_applied(name: str):
    schema, path, message, help_ = WRONG[name]
    found = told(schema)
    assert [one[0] for one in found] == [path]
    assert message in found[0][1]
    assert (help_ or "") in (found[0][2] or "")
    assert help_ is not None or found[0][2] is None


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {},
        {"$ref": "#"},
        {"$ref": "#/$defs/a~1b", "$defs": {"a/b": {}}},
        {"$ref": "#/anyOf/0", "anyOf": [{}]},
        {"$ref": "#here", "$defs": {"x": {"$anchor": "here"}}},
        {"properties": {"type": {"type": "string"}, "required": {"type": "boolean"}, "$ref": {"type": "string"}}},
        {"const": {"$ref": "nowhere"}, "default": {"type": 5}, "enum": [{"$ref": "x"}], "examples": [{"items": 1}]},
        {"type": ["string", "null"], "minLength": 1.0, "pattern": "^a+$", "x-note": 1},
    ],
)
def test_nothing_is_told_when_the_schema_is_one(schema: Any):
    assert told(schema) == []
    assert doubted(schema) == []


def test_walk_ends_when_a_schema_is_nested_too_deep():
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(100):
        schema = {"not": schema}
    assert [message for _, message, _ in told(schema)] == ["the schema is nested too deep"]
    assert doubted(schema) == []


def test_doubt_is_told_when_a_word_does_nothing():
    assert doubted({"propertys": {}, "minimun": 1, "x-minimun": 1, "zebra": 1}) == [
        ("propertys", "`propertys` is no word of JSON Schema, so it does nothing", "did you mean `properties`?"),
        ("minimun", "`minimun` is no word of JSON Schema, so it does nothing", "did you mean `minimum`?"),
    ]
    inner = {"anyOf": [{"properties": {"a": {"typ": "string"}}}]}
    assert [path for path, _, _ in doubted(inner)] == ["anyOf/0/properties/a/typ"]


def test_doubt_is_told_when_a_required_name_does_not_exist():
    near = {"properties": {"verdict": {}}, "required": ["verdikt", "other", 5]}
    assert doubted(near) == [
        ("required/0", "the required `verdikt` is not under `properties`", "did you mean `verdict`?")
    ]
    closed = {"properties": {"a": {}}, "required": ["b"], "additionalProperties": False}
    assert doubted(closed) == [("required/0", "the required `b` is not under `properties`", "the properties are `a`")]
    empty = {"properties": {}, "required": ["b"], "additionalProperties": False}
    assert doubted(empty)[0][2] is None
    assert doubted({**closed, "patternProperties": {"b": {}}}) == []


def test_names_are_cut_when_they_are_long():
    assert "…" in told({"type": "x" * 200})[0][1]
    assert len(told({"type": "x" * 200})[0][1]) < 100


WORDS = st.sampled_from(
    ["type", "properties", "required", "items", "enum", "minimum", "minLength", "anyOf", "pattern", "title", "not",
     "additionalProperties", "multipleOf", "uniqueItems", "dependentRequired", "patternProperties", "$defs", "const",
     "prefixItems", "exclusiveMinimum", "propertyNames", "dependentSchemas", "examples", "default", "unknown"]
)  # fmt: skip
LEAVES = st.sampled_from(
    [None, True, False, 0, -1, 1, 1.0, 1.5, "string", "strng", "null", "a", "(", "^a$", [], {}, ["string"], ["a", "a"],
     ["string", "null"], [1], [{}], {"a": {}}, {"a": ["b"]}, {"(": {}}, [True]]
)  # fmt: skip
SCHEMAS = st.recursive(LEAVES, lambda inner: st.dictionaries(WORDS, inner | LEAVES, max_size=4), max_leaves=12)


@settings(max_examples=400)
@given(st.dictionaries(WORDS, SCHEMAS, max_size=4))
def test_faults_agree_with_jsonschema_when_any_schema_is_given(schema: dict[str, Any]):
    try:
        Draft202012Validator.check_schema(schema)
        is_schema = True
    except SchemaError:
        is_schema = False
    assert (told(schema) == []) == is_schema, told(schema)
