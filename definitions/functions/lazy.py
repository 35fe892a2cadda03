"""Functions that decide whether an expression is evaluated: the way past missing values and null."""

from collections.abc import Callable

from pydantic import JsonValue

from definitions.errors import ExpressionError
from definitions.functions.registry import ANY, BOOLEAN, Parameter, function

MISSING_CODES = frozenset({"no-such-field", "no-such-name", "no-such-item"})
"""Errors that mean: what the expression names is not there."""

Thunk = Callable[[], JsonValue]


@function(
    "default",
    Parameter("expression"),
    Parameter("value"),
    result=ANY,
    kind="lazy",
    example="default(null, 3)",
    gives="3",
)
def default(expression: Thunk, value: Thunk) -> JsonValue:
    """The value of the expression, or `value` where that is null or missing.

    Missing means: it names a field, an item or a step's result that is not there. Other errors stay errors. `value` is
    evaluated only when it is needed.
    """
    try:
        found = expression()
    except ExpressionError as error:
        if error.code not in MISSING_CODES:
            raise
        found = None
    return value() if found is None else found


@function("exists", Parameter("expression"), result=BOOLEAN, kind="lazy", example="exists(null)", gives="false")
def exists(expression: Thunk) -> JsonValue:
    """Whether the expression names something that is there and is not null."""
    try:
        return expression() is not None
    except ExpressionError as error:
        if error.code not in MISSING_CODES:
            raise
        return False


@function("always", result=BOOLEAN, only_in_when=True, example="always()", gives="true")
def always() -> JsonValue:
    """True; only in `when`: the step runs even where a step that it needs has failed or was skipped."""
    return True
