"""Types tell the truth: what an evaluation gives is of the type that was inferred, and what is refused would fail.

Expressions are made at random over names whose types and values are made at random too, the values of their types.
"""

from random import Random
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from definitions.errors import ExpressionError
from definitions.expressions import evaluate, parse
from definitions.types import ANY, Inference, Type
from definitions.types.schemas import schema_type
from definitions.types.type import is_same
from definitions.values import type_name
from tests.support.random_expressions import (
    FIELDS,
    KINDS,
    LONG,
    Maker,
    cases,
    random_type,
    value_of_type,
    written,
)

NAMES = ("a", "b", "c", "d")
pytestmark = pytest.mark.timeout(900 if LONG else 180)

SCALARS = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "a", "low"])
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=2),
    max_leaves=3,
)


def admits(held: Type, value: Any) -> bool:
    """Whether `value` is of a type."""
    kind = type_name(value)
    if held.is_known and kind not in held.kinds:
        return False
    if held.literals is not None and not any(is_same(value, one) for one in held.literals):
        return False
    if kind == "list" and held.items is not None:
        return all(admits(held.items, item) for item in value)
    if kind != "object":
        return True
    known = all(admits(held.fields[name], item) for name, item in value.items() if name in held.fields)
    others = [item for name, item in value.items() if name not in held.fields]
    if held.others is not None:
        return known and all(admits(held.others, item) for item in others)
    return known and not (others and held.rest == "none")


class Names:
    """A scope of types."""

    def __init__(self, types: dict[str, Type]) -> None:
        self.types = types

    def named(self, name: str, owner: Any = None) -> Type:
        return self.types.get(name, ANY)

    def step(self, name: str, owner: Any = None) -> Type:
        return ANY


# --- expressions ------------------------------------------------------------------------------------

BLOCKS = 5
MAYBE_EMPTY = ("keys(", "values(", "split(", "lines(", "range(")
"""Calls whose lists may be empty: items that never fit are refused, though a list without any would pass."""


def judged(seed: int, *, is_lazy: bool, least: int) -> tuple[str, Inference, Type, list[Any]] | None:
    """Return the text, its types, and what it gave (a value in a list, or nothing); None where it is no expression."""
    random = Random(seed)
    held = {name: random_type(random, has_null=is_lazy) for name in NAMES}
    values = {name: value_of_type(random, one, least) for name, one in held.items()}
    names = {name: next(iter(sorted(one.kinds & {*KINDS})), "any") for name, one in held.items()}
    text = written(Maker(random, names, is_lazy=is_lazy).tree(random.choice([1, 2, 3])), random)
    try:
        expression = parse(text)
    except ExpressionError:
        return None
    inference = Inference(Names(held), text)
    found = inference.of(expression.tree)
    try:
        return text, inference, found, [evaluate(expression, values)]
    except ExpressionError:
        return text, inference, found, []


@pytest.mark.parametrize("block", range(BLOCKS))
def test_value_is_of_the_inferred_type_when_an_expression_works(block: int):
    for seed in cases(500):
        found = judged(seed * BLOCKS + block, is_lazy=True, least=0)
        assert not found or all(admits(found[2], value) for value in found[3]), (seed, found)


@pytest.mark.parametrize("block", range(BLOCKS))
def test_expression_fails_when_it_is_refused(block: int):
    refused = 0
    for seed in cases(500):
        found = judged(seed * BLOCKS + block, is_lazy=False, least=1)
        faults = [fault for fault in found[1].faults if fault.severity == "error"] if found else []
        refused += bool(faults)
        if found and any(call in found[0] for call in MAYBE_EMPTY):
            faults = [
                fault for fault in faults if "an item of" not in fault.message and "in` cannot" not in fault.message
            ]
        assert not found or not (faults and found[3]), (seed, found[0], faults)
    assert refused > 50


# --- schemas ----------------------------------------------------------------------------------------

SCHEMA_KINDS = ("null", "boolean", "number", "integer", "string", "array", "object")


def schemas() -> st.SearchStrategy[Any]:
    plain = (
        st.sampled_from([True, {}, {"description": "any"}, {"minimum": 0}])
        | st.sampled_from(SCHEMA_KINDS).map(lambda kind: {"type": kind})
        | st.lists(st.sampled_from(SCHEMA_KINDS), min_size=1, max_size=3, unique=True).map(
            lambda kinds: {"type": kinds}
        )
        | st.lists(SCALARS, min_size=1, max_size=3).map(lambda values: {"enum": values})
        | st.sampled_from(["low", 1, None]).map(lambda value: {"const": value})
        | st.sampled_from([{"$ref": "#/$defs/d"}, {"$ref": "#/$defs/nowhere"}, {"$ref": "#"}])
    )

    def holders(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        properties = st.dictionaries(st.sampled_from(FIELDS), inner, max_size=3)
        objects = st.fixed_dictionaries(
            {"properties": properties},
            optional={
                "type": st.just("object"),
                "additionalProperties": inner | st.booleans(),
                "required": st.just(["x"]),
                "patternProperties": st.just({"^z": True}),
            },
        )
        lists = st.fixed_dictionaries(
            {"items": inner}, optional={"type": st.just("array"), "prefixItems": inner.map(lambda one: [one])}
        )
        several = st.tuples(
            st.sampled_from(["anyOf", "oneOf", "allOf"]), st.lists(inner, min_size=1, max_size=2), objects | st.just({})
        ).map(lambda three: {**three[2], three[0]: three[1]})
        return objects | lists | several

    return st.recursive(plain, holders, max_leaves=6)


@settings(max_examples=5000 if LONG else 100)
@given(schema=schemas(), definition=schemas(), value=ANYTHING, shape=st.dictionaries(st.sampled_from(FIELDS), ANYTHING))
def test_answer_is_of_the_type_of_its_schema_when_it_fits(schema: Any, definition: Any, value: Any, shape: Any):
    root = {**schema, "$defs": {"d": definition}} if isinstance(schema, dict) else schema
    held = schema_type(root, ())
    for answer in (value, shape, [value], [shape]):
        try:
            fits = Draft202012Validator(root).is_valid(answer)
        except Exception:  # a reference that leads nowhere or round in circles: no answer fits
            fits = False
        assert not fits or admits(held, answer)
