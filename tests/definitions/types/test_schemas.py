"""What is known of an answer from its JSON Schema: fields, rests, references, and nothing that is not said."""

from typing import Any

import pytest

from definitions.types.schemas import schema_type
from definitions.types.type import ANY, NUMBER, STRING, Type, one_of

TEXT = {"type": "string"}
A, B = {"properties": {"a": TEXT}}, {"properties": {"b": TEXT}}


@pytest.mark.parametrize(
    ("schema", "kinds"),
    [
        (True, set()),
        (False, set()),
        ([1], set()),
        ({}, set()),
        ({"type": "integer"}, {"number"}),
        ({"type": "array"}, {"list"}),
        ({"type": ["object", "null"]}, {"object", "null"}),
        ({"type": "thing"}, set()),
        ({"type": 3}, set()),
        ({"enum": ["a", 1, None]}, {"string", "number", "null"}),
        ({"enum": []}, set()),
        ({"enum": "a"}, set()),
        ({"const": True}, {"boolean"}),
        ({"const": None}, {"null"}),
        ({"anyOf": [TEXT, {"type": "null"}]}, {"string", "null"}),
        ({"oneOf": [TEXT, {}]}, set()),
        ({"anyOf": []}, set()),
        ({"anyOf": "x"}, set()),
        ({"allOf": [TEXT, {"minLength": 1}]}, {"string"}),
        ({"$ref": "#/$defs/t", "$defs": {"t": TEXT}}, {"string"}),
        ({"$ref": "#/allOf/0", "allOf": [TEXT]}, {"string"}),
        ({"$ref": "#/$defs/a~1b%20c", "$defs": {"a/b c": TEXT}}, {"string"}),
        ({"$ref": "#/$defs/nothing"}, set()),
        ({"$ref": "#/allOf/7", "allOf": [{}]}, set()),
        ({"$ref": "#name"}, set()),
        ({"$ref": "https://example.com/schema"}, set()),
        ({"$ref": "#"}, set()),
        ({"not": TEXT}, set()),
        ({"type": "object", "nullable": True}, {"object"}),
    ],
)
def test_kinds_are_known_when_a_schema_says_them(schema: Any, kinds: set[str]):
    assert schema_type(schema, ()).kinds == kinds


@pytest.mark.parametrize(
    ("schema", "fields", "rest"),
    [
        (A, {"a"}, "undeclared"),
        ({**A, "additionalProperties": False}, {"a"}, "none"),
        ({**A, "additionalProperties": True}, {"a"}, "unknown"),
        ({**A, "additionalProperties": TEXT}, {"a"}, "unknown"),
        ({**A, "patternProperties": {"^b": TEXT}}, {"a"}, "unknown"),
        ({**A, "if": A, "then": B}, {"a"}, "unknown"),
        ({"type": "object"}, set(), "unknown"),
        ({"properties": {}}, set(), "unknown"),
        ({"properties": {}, "additionalProperties": False}, set(), "none"),
        ({"properties": "x"}, set(), "unknown"),
        ({"allOf": [A, B]}, {"a", "b"}, "undeclared"),
        ({**A, "allOf": [B]}, {"a", "b"}, "undeclared"),
        ({**A, "allOf": [{"required": ["a"]}]}, {"a"}, "unknown"),
        ({**A, "unevaluatedProperties": False, "allOf": [B]}, {"a", "b"}, "undeclared"),
        ({"anyOf": [A, B]}, {"a", "b"}, "undeclared"),
        ({"anyOf": [A, {}]}, set(), "unknown"),
        ({**A, "anyOf": [B, {}]}, {"a"}, "unknown"),
        ({**A, "additionalProperties": False, "anyOf": [{"required": ["a"]}]}, {"a"}, "none"),
        ({**A, "$ref": "#/nowhere"}, {"a"}, "unknown"),
        ({"$ref": "#/$defs/a", "$defs": {"a": A}}, {"a"}, "undeclared"),
        ({"type": "object", "$ref": "#/$defs/a", "$defs": {"a": A}}, {"a"}, "undeclared"),
        ({**A, "$ref": "#/$defs/b", "$defs": {"b": {"type": "object"}}}, {"a"}, "undeclared"),
    ],
)
def test_fields_are_known_when_a_schema_names_them(schema: Any, fields: set[str], rest: str):
    found = schema_type(schema, ())
    assert (set(found.fields), found.rest) == (fields, rest)


def test_parts_are_followed_when_they_are_nested():
    schema = {
        "properties": {
            "rows": {"type": "array", "items": {"properties": {"risk": {"enum": ["low", "high"]}}}},
            "pair": {"type": "array", "prefixItems": [TEXT], "items": {"type": "number"}},
            "sizes": {"type": "object", "additionalProperties": {"type": "number"}},
        }
    }
    found = schema_type(schema, ("steps", 0, "output_schema"))
    items = found.fields["rows"].items or ANY
    assert items.fields["risk"] == one_of(["low", "high"])
    assert items.fields["risk"].origin == (
        "steps", 0, "output_schema", "properties", "rows", "items", "properties", "risk",
    )  # fmt: skip
    assert found.fields["pair"].items is None
    assert found.fields["sizes"].others == NUMBER


def test_recursion_ends_when_a_schema_refers_to_itself():
    tree = {"properties": {"name": TEXT, "children": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}}
    found = schema_type({"$ref": "#/$defs/tree", "$defs": {"tree": tree}}, ())
    assert found.fields["name"] == STRING
    assert found.fields["children"].items == ANY
    assert schema_type({"allOf": [{"$ref": "#"}], **A}, ()).fields == {"a": STRING}


def test_inner_schema_with_a_base_of_its_own_tells_nothing():
    inner = {"$id": "https://example.com/inner", **A}
    assert schema_type({"properties": {"x": inner}}, ()).fields["x"] == ANY
    assert schema_type({"$id": "https://example.com/outer", **A}, ()).fields == {"a": STRING}


def test_reading_ends_when_a_schema_is_deep_or_long():
    deep: dict[str, Any] = TEXT
    for _ in range(100):
        deep = {"properties": {"x": deep}}
    found: Type = schema_type(deep, ())
    for _ in range(39):
        found = found.fields["x"]
    assert found.fields["x"].fields["x"] == ANY
    long = {"$defs": {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 50} for n in range(600)}}
    assert schema_type({**long, "$ref": "#/$defs/d0"}, ()) == ANY
