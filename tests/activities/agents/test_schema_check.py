"""Output schemas, and answers held to them."""

from typing import Any

import pytest

from activities.agents.schema_check import MOST_FINDINGS, check_schema, findings
from definitions.errors import ErrorClass, StepFailure


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object", "properties": {"$ref": {"type": "string"}}},
        {"$ref": "#/$defs/a", "$defs": {"a": {"type": "string"}}},
        {"$ref": "#named", "$defs": {"a": {"$anchor": "named"}}},
        {"const": {"$ref": "http://example.com/not-a-reference"}},
    ],
)
def test_schema_is_taken_when_it_is_sound(schema: dict[str, Any]) -> None:
    check_schema(schema)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "objekt"}, "$.type"),
        ({"properties": {"a": 3}}, "$.properties.a"),
        ({"$ref": "#/$defs/missing"}, "names nothing"),
        ({"items": {"$ref": "https://example.com/schema.json"}}, "outside of it"),
        ({"$ref": "file:///etc/passwd"}, "outside of it"),
    ],
)
def test_schema_is_refused_when_it_cannot_be_applied(schema: dict[str, Any], expected: str) -> None:
    with pytest.raises(StepFailure, match="`output_schema` cannot be used") as raised:
        check_schema(schema)
    assert raised.value.error_class is ErrorClass.SCHEMA
    assert expected in raised.value.message


def test_schema_is_refused_when_it_is_too_deep() -> None:
    schema: dict[str, Any] = {}
    for _ in range(5000):
        schema = {"not": schema}
    with pytest.raises(StepFailure, match="nested too deeply"):
        check_schema(schema)


def test_places_are_named_when_an_answer_does_not_fit() -> None:
    schema: dict[str, Any] = {"properties": {"n": {"type": "integer"}}, "required": ["m"]}
    assert findings(schema, {"n": "three"}) == [
        "at `$.n`: 'three' is not of type 'integer'",
        "at `$`: 'm' is a required property",
    ]
    assert findings(schema, {"m": 1, "n": 2}) == []


def test_findings_are_bounded_when_nothing_fits() -> None:
    answer: Any = ["x" * 10_000] * 1000
    found = findings({"items": {"type": "integer"}}, answer)
    assert len(found) == MOST_FINDINGS
    assert all(len(line) < 400 for line in found)


def test_failure_is_clear_when_a_reference_never_ends() -> None:
    with pytest.raises(StepFailure, match="never ends"):
        findings({"$ref": "#"}, 1)
