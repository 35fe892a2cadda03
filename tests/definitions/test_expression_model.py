"""The language against a plain model of it (`tests/support/plain_model.py`): same values, same errors."""

from random import Random
from typing import Any

import pytest

from definitions.errors import ExpressionError
from definitions.expressions import Expression, evaluate, parse
from tests.support import plain_model
from tests.support.random_expressions import LONG, Maker, cases, random_scope, written

BLOCKS = 10
pytestmark = pytest.mark.timeout(900 if LONG else 180)


@pytest.mark.parametrize("block", range(BLOCKS))
def test_value_or_error_is_that_of_the_model_when_trees_are_random(block: int):
    for seed in cases(400):
        _compare(seed * BLOCKS + block)


def _compare(seed: int) -> None:
    random = Random(seed)  # a case is its seed, so that it can be played again
    scope, kinds = random_scope(random)
    tree = Maker(random, kinds).tree(random.choice([1, 2, 3, 4]))
    text = written(tree, random)
    expression, fault = _parsed(text)
    if expression is None:  # what can never work is refused, also where it would never be evaluated
        assert fault in ("type-mismatch", "number-out-of-range", "expression-too-long"), (seed, text)
        return
    expected, ours = _model(tree, scope), _product(expression, scope)
    assert ours == expected, (seed, text, scope)
    assert repr(ours) == repr(expected), (seed, text, scope)


def _parsed(text: str) -> tuple[Expression | None, str]:
    try:
        return parse(text), ""
    except ExpressionError as error:
        return None, error.code


def _model(tree: Any, scope: dict[str, Any]) -> tuple[str, Any]:
    try:
        return "", plain_model.play(tree, scope)
    except plain_model.Refused as refused:
        return refused.code, None


def _product(expression: Expression, scope: dict[str, Any]) -> tuple[str, Any]:
    try:
        return "", evaluate(expression, scope)
    except ExpressionError as error:
        has_place = error.position is not None and 0 <= error.position <= (error.end or 0) <= len(expression.text)
        return error.code if has_place else f"{error.code} without a place", None
