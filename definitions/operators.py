"""Operators on JSON values: strict, so that a mistake fails and does not quietly compare unlike things.

Errors name types only; the compiler puts the operands' own texts and positions in front of them.
"""

from typing import cast

from pydantic import JsonValue

from definitions.errors import ExpressionError
from definitions.evaluation import Evaluation
from definitions.values import RESULT_LIMIT, as_list, bounded_number, type_name, with_article

ITEM_LIMIT = 100_000
COMPARING = 4
"""What comparing an item costs, where going past one costs 1."""


class Mismatch(Exception):
    """The operator does not take these types; the compiler makes an `ExpressionError` of it."""

    def __init__(self, advice: str = "") -> None:
        self.advice = advice
        super().__init__(advice)


def is_equal(evaluation: Evaluation, left: JsonValue, right: JsonValue) -> bool:
    """Whether two values are equal; null differs from anything else.

    Raises:
        Mismatch: their types differ and neither is null.
    """
    if left is None or right is None:
        return left is right
    if type_name(left) != type_name(right):
        raise Mismatch
    return _same(evaluation, left, right)


def _same(evaluation: Evaluation, left: JsonValue, right: JsonValue) -> bool:
    """Deep equality in which `true` is not `1`; inside lists and objects unlike types are merely unequal."""
    if type(left) is type(right) and not isinstance(left, dict | list):
        return left == right
    left, right = evaluation.resolve(left), evaluation.resolve(right)
    if isinstance(left, dict):
        if not isinstance(right, dict) or len(left) != len(right):
            return False
        evaluation.charge(COMPARING * len(left))
        return all(key in right and _same(evaluation, item, right[key]) for key, item in left.items())
    if isinstance(left, list):
        if not isinstance(right, list) or len(left) != len(right):
            return False
        evaluation.charge(COMPARING * len(left))
        return all(_same(evaluation, one, other) for one, other in zip(left, right, strict=True))
    return isinstance(left, bool) == isinstance(right, bool) and left == right


def is_before(left: JsonValue, right: JsonValue) -> bool:
    """Whether `left < right`: of numbers, or of strings by code point.

    Raises:
        Mismatch: they are anything else.
    """
    require_order(left, right)
    return cast("float", left) < cast("float", right)


def is_at_most(left: JsonValue, right: JsonValue) -> bool:
    """Whether `left <= right`, as `is_before`."""
    require_order(left, right)
    return cast("float", left) <= cast("float", right)


def require_order(left: JsonValue, right: JsonValue) -> None:
    """Raise `Mismatch` unless both are numbers, or both are strings."""
    if isinstance(left, str) and isinstance(right, str):
        return
    if is_number(left) and is_number(right):
        return
    raise Mismatch("only numbers with numbers, and strings with strings, have an order")


def is_number(value: JsonValue) -> bool:
    """Whether `value` is a number (a boolean is none)."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_in(evaluation: Evaluation, part: JsonValue, whole: JsonValue) -> bool:
    """Whether `part in whole`: a string's part, a list's item, an object's key.

    Raises:
        Mismatch: `whole` is none of these, or nothing in it could ever be equal to `part`.
    """
    if isinstance(whole, str) and isinstance(part, str):
        evaluation.charge(len(whole) // 64)
        return part in whole
    if isinstance(whole, dict) and isinstance(part, str) and type_name(whole) == "object":
        return part in whole
    if isinstance(whole, list):
        return _is_item(evaluation, part, whole)
    raise Mismatch


def _is_item(evaluation: Evaluation, part: JsonValue, whole: list[JsonValue]) -> bool:
    evaluation.charge(COMPARING * len(whole))
    if any(_same(evaluation, part, item) for item in whole):
        return True
    kinds = {type_name(item) for item in whole} - {"null", "stored value"}
    if part is not None and kinds and type_name(part) not in kinds:
        raise Mismatch(f"no item of the list is {with_article(type_name(part))}")
    return False


def add(left: JsonValue, right: JsonValue) -> JsonValue:
    """Return the sum of numbers, or strings or lists one after the other.

    Raises:
        Mismatch: they are anything else.
    """
    if isinstance(left, str) and isinstance(right, str):
        if len(left) + len(right) > RESULT_LIMIT:
            raise ExpressionError("result-too-big", f"the text would be over {RESULT_LIMIT // 1024} KiB")
        return left + right
    if isinstance(left, list) and isinstance(right, list):
        if len(left) + len(right) > ITEM_LIMIT:
            raise ExpressionError("result-too-big", f"the list would have more than {ITEM_LIMIT} items")
        return [*left, *as_list(right)]
    if isinstance(left, str) or isinstance(right, str):
        raise Mismatch("make both strings with `str(…)`")
    return calculate("+", left, right)


def calculate(sign: str, left: JsonValue, right: JsonValue) -> JsonValue:
    """Return the result of `+ - * / // %` on two numbers, bounded.

    Raises:
        Mismatch: one is no number.
    """
    if not is_number(left) or not is_number(right):
        raise Mismatch("both must be numbers")
    one, other = cast("float", left), cast("float", right)
    if sign in ("/", "//", "%") and other == 0:
        raise ExpressionError("division-by-zero", "division by zero")
    try:
        return bounded_number(_result(sign, one, other))
    except OverflowError:
        raise ExpressionError("number-out-of-range", "the number is too big") from None


def _result(sign: str, one: float, other: float) -> int | float:
    match sign:
        case "+":
            return one + other
        case "-":
            return one - other
        case "*":
            return one * other
        case "/":
            return one / other
        case "//":
            return one // other
        case _:
            return one % other
