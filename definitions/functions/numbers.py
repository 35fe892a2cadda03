"""Functions on numbers."""

import math
from typing import cast

from pydantic import JsonValue

from definitions.errors import ExpressionError
from definitions.functions.collections import require_alike
from definitions.functions.registry import LIST, NUMBER, Parameter, function
from definitions.operators import is_number
from definitions.values import bounded_number, type_name, with_article


@function("abs", Parameter("number", NUMBER), result=NUMBER, example="abs(-3)", gives="3")
def absolute(number: float) -> JsonValue:
    """The number without its sign."""
    return bounded_number(abs(number))


@function(
    "round",
    Parameter("number", NUMBER),
    Parameter("digits", NUMBER, is_optional=True),
    result=NUMBER,
    example="round(87.256, 1)",
    gives="87.3",
)
def rounded(number: float, digits: float = 0) -> JsonValue:
    """The number with that many digits after the point (0 to 15); without `digits`, a whole number.

    Halves go to the even neighbour.
    """
    if not isinstance(digits, int) or not 0 <= digits <= 15:
        raise ExpressionError("bad-argument", "`round` takes 0 to 15 digits")
    return bounded_number(round(number, digits) if digits else round(number))


@function("sum", Parameter("numbers", LIST, NUMBER), result=NUMBER, depth="whole", example="sum([1, 2, 3])", gives="6")
def total(numbers: list[JsonValue]) -> JsonValue:
    """The sum of the numbers; 0 for an empty list."""
    for item in numbers:
        if not is_number(item):
            raise ExpressionError(
                "type-mismatch", f"`sum` takes a list of numbers, and one item is {with_article(type_name(item))}"
            )
    plain = cast("list[float]", numbers)
    if all(isinstance(item, int) for item in plain):
        return bounded_number(sum(plain))
    try:
        return bounded_number(math.fsum(plain))
    except OverflowError:
        raise ExpressionError("number-out-of-range", "the sum is too big") from None


@function(
    "min",
    Parameter("items"),
    Parameter("more", is_optional=True, is_repeated=True),
    result=frozenset({"number", "string"}),
    depth="whole",
    example="min(3, 1, 2)",
    gives="1",
)
def least(*items: JsonValue) -> JsonValue:
    """The smallest of the arguments, or of the items of one list: all numbers, or all strings."""
    return min(_choices(items, "min"))


@function(
    "max",
    Parameter("items"),
    Parameter("more", is_optional=True, is_repeated=True),
    result=frozenset({"number", "string"}),
    depth="whole",
    example="max([3, 1, 2])",
    gives="3",
)
def greatest(*items: JsonValue) -> JsonValue:
    """The greatest of the arguments, or of the items of one list: all numbers, or all strings."""
    return max(_choices(items, "max"))


def _choices(items: tuple[JsonValue, ...], name: str) -> list[int | float]:
    only = items[0]
    choices = only if len(items) == 1 and isinstance(only, list) else list(items)
    if not choices:
        raise ExpressionError("no-such-item", f"an empty list has no `{name}`; use `default(…, …)`")
    require_alike(choices, name)
    return cast("list[int | float]", choices)
