"""The instances that the scripted agent answers with."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.agents.schema_check import findings
from activities.agents.schema_example import example_of
from definitions.errors import StepFailure

NODE: dict[str, Any] = {
    "type": "object",
    "required": ["name", "next", "left"],
    "properties": {
        "name": {"type": "string"},
        "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
        "left": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
    },
}

SCHEMAS: list[dict[str, Any]] = [
    {},
    {"type": "object"},
    {"const": {"a": 1}},
    {"enum": ["b", 2]},
    {"type": "string", "default": "given"},
    {"type": "string", "examples": ["shown"]},
    {"type": "string", "minLength": 25, "maxLength": 30},
    {"type": "string", "maxLength": 2},
    {"type": "string", "pattern": r"^[A-Z]{3}-\d+$"},
    {"type": "string", "pattern": r"^(feat|fix)(\([a-z]+\))?: .+[^.]$", "minLength": 20},
    {"type": "string", "pattern": r"^\w\W\s\S\D[^a-z]$"},
    {"type": "string", "format": "date-time"},
    {"type": "string", "format": "unknown"},
    {"type": "integer", "minimum": 3},
    {"type": "integer", "maximum": -3},
    {"type": "integer", "exclusiveMinimum": 2, "exclusiveMaximum": 4},
    {"type": "integer", "minimum": 100, "multipleOf": 7},
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    {"type": "number", "exclusiveMaximum": 0},
    {"type": "number", "multipleOf": 0.5, "minimum": 0.75},
    {"minimum": 5},
    {"type": ["null", "string"]},
    {"type": "boolean", "not": {"const": True}},
    {"type": "array", "minItems": 3, "items": {"type": "string"}},
    {"type": "array", "minItems": 3, "uniqueItems": True, "items": {"enum": ["a", "b", "c"]}},
    {"type": "array", "minItems": 3, "uniqueItems": True, "items": {"type": "integer"}},
    {"type": "array", "minItems": 1, "prefixItems": [{"const": 1}, {"type": "string"}]},
    {"type": "array", "contains": {"const": 5}, "minItems": 2},
    {"type": "array", "contains": {"const": 5}, "minContains": 2},
    {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}, "b": {}}},
    {"type": "object", "required": ["a"], "additionalProperties": {"type": "boolean"}},
    {"type": "object", "required": ["x_a"], "patternProperties": {"^x_": {"type": "null"}}},
    {"type": "object", "minProperties": 2, "properties": {"a": {"type": "string"}}},
    {"type": "object", "required": ["a"], "dependentRequired": {"a": ["b"]}, "properties": {"b": {"const": 2}}},
    {"allOf": [{"required": ["a"]}, {"required": ["b"], "properties": {"b": {"type": "string"}}}], "type": "object"},
    {"allOf": [{"type": "number", "minimum": 2}, {"type": "integer", "minimum": 5, "maximum": 9}, {"maximum": 6}]},
    {"allOf": [{"properties": {"a": {"minimum": 3}}}, {"properties": {"a": {"type": "integer"}}}], "required": ["a"]},
    {"allOf": [{"enum": [1, 2]}, {"enum": [2, 3]}]},
    {"allOf": [{"items": {"type": "integer"}}, {"items": {"minimum": 4}}], "type": "array", "minItems": 1},
    {"anyOf": [False, {"type": "string"}]},
    {"oneOf": [{"type": "integer"}, {"type": "number"}]},
    {"oneOf": [{"required": ["a"]}, {"required": ["b"]}], "type": "object"},
    {"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": {"required": ["c"]}, "type": "object"},
    {"$ref": "#/$defs/n", "$defs": {"n": {"type": "integer", "minimum": 1}}},
    {"$ref": "#/$defs/node", "$defs": {"node": NODE}},
    {
        "type": "object",
        "properties": {
            "verdict": {"enum": ["approve", "reject"]},
            "findings": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["file", "line"],
                    "additionalProperties": False,
                    "properties": {"file": {"type": "string", "minLength": 1}, "line": {"type": "integer"}},
                },
            },
        },
        "required": ["verdict", "findings"],
        "additionalProperties": False,
    },
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_example_fits_when_the_schema_is_a_common_one(schema: dict[str, Any]) -> None:
    assert findings(schema, example_of(schema)) == []


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "pattern": "(?=x)y"},
        {"type": "string", "pattern": r"(a)\1\1\1b"},
        {"type": "integer", "minimum": 5, "maximum": 4},
        {"not": {}},
        {"type": "object", "required": ["self"], "properties": {"self": {"$ref": "#"}}},
        {"type": "array", "minItems": 1, "items": False},
    ],
    ids=str,
)
def test_script_is_asked_for_when_no_example_is_found(schema: dict[str, Any]) -> None:
    with pytest.raises(StepFailure, match="--script FILE"):
        example_of(schema)


def test_example_is_shallow_when_the_schema_is_recursive() -> None:
    assert example_of({"$ref": "#/$defs/node", "$defs": {"node": NODE}}) == {"name": "text", "next": None, "left": None}


def test_time_is_bounded_when_the_schema_branches_without_end() -> None:
    names = [f"p{number}" for number in range(8)]
    endless: dict[str, Any] = {
        "type": "object",
        "required": names,
        "properties": {name: {"anyOf": [{"$ref": "#"}, {"type": "array", "items": {"$ref": "#"}}]} for name in names},
    }
    began = time.monotonic()
    assert findings(endless, example_of(endless)) == []
    assert time.monotonic() - began < 5


_LEAVES = st.one_of(
    st.builds(lambda low: {"type": "integer", "minimum": low}, st.integers(-5, 5)),
    st.builds(lambda low: {"type": "string", "minLength": low, "maxLength": low + 2}, st.integers(0, 9)),
    st.just({"type": "boolean"}),
    st.builds(lambda values: {"enum": values}, st.lists(st.integers() | st.text(), min_size=1)),
)
_SCHEMAS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda items, few: {"type": "array", "items": items, "minItems": few}, inner, st.integers(0, 3)),
        st.builds(
            lambda fields: {"type": "object", "properties": fields, "required": list(fields)},
            st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
        ),
        st.builds(lambda choices: {"anyOf": choices}, st.lists(inner, min_size=1, max_size=3)),
    ),
    max_leaves=8,
)


@given(schema=_SCHEMAS)
def test_example_fits_when_the_schema_is_put_together_at_random(schema: dict[str, Any]) -> None:
    assert findings(schema, example_of(schema)) == []
