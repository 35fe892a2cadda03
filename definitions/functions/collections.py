"""Functions on lists and objects."""

from typing import cast

from pydantic import JsonValue

from definitions.errors import ExpressionError
from definitions.functions.registry import BOOLEAN, LIST, NUMBER, OBJECT, TEXT, Parameter, TypeSet, function
from definitions.operators import ITEM_LIMIT, is_number
from definitions.values import canonical_json, type_name, with_article

_SIZED: TypeSet = frozenset({"string", "list", "object"})
_ORDERED: TypeSet = frozenset({"number", "string"})


@function("len", Parameter("value", _SIZED), result=NUMBER, is_method=True, example="len([1, 2])", gives="2")
def length(value: str | list[JsonValue] | dict[str, JsonValue]) -> JsonValue:
    """How many characters a text, items a list or keys an object has."""
    return len(value)


@function("first", Parameter("items", LIST), result=frozenset(), is_method=True, example="first([1, 2])", gives="1")
def first(items: list[JsonValue]) -> JsonValue:
    """The first item; an empty list has none (see `default`)."""
    return _at(items, 0, "first")


@function("last", Parameter("items", LIST), result=frozenset(), is_method=True, example="last([1, 2])", gives="2")
def last(items: list[JsonValue]) -> JsonValue:
    """The last item; an empty list has none (see `default`)."""
    return _at(items, -1, "last")


def _at(items: list[JsonValue], index: int, name: str) -> JsonValue:
    if not items:
        raise ExpressionError("no-such-item", f"an empty list has no {name} item; use `default(…, …)`")
    return items[index]


@function(
    "keys",
    Parameter("object", OBJECT),
    result=LIST,
    items=TEXT,
    is_method=True,
    example='keys({"b": 1, "a": 2})',
    gives='["b", "a"]',
)
def keys(value: dict[str, JsonValue]) -> JsonValue:
    """The keys of an object, in their order."""
    return list(value)


@function("values", Parameter("object", OBJECT), result=LIST, is_method=True, example='values({"b": 1, "a": 2})',
          gives="[1, 2]")  # fmt: skip
def values(value: dict[str, JsonValue]) -> JsonValue:
    """The values of an object, in the order of its keys."""
    return list(value.values())


@function(
    "sort",
    Parameter("items", LIST, _ORDERED),
    result=LIST,
    items=_ORDERED,
    depth="whole",
    is_method=True,
    example="sort([3, 1, 2])",
    gives="[1, 2, 3]",
)
def sort(items: list[JsonValue]) -> JsonValue:
    """The items in order: all numbers, or all strings (by code point)."""
    require_alike(items, "sort")
    return cast("list[JsonValue]", sorted(cast("list[float]", items)))


def require_alike(items: list[JsonValue], name: str) -> None:
    """Raise unless the items are all numbers or all strings."""
    if all(is_number(item) for item in items) or all(isinstance(item, str) for item in items):
        return
    kind = type_name(items[0])
    odd = next((item for item in items if type_name(item) != kind), items[0])
    raise ExpressionError(
        "type-mismatch",
        f"`{name}` takes only numbers or only strings, and one item is {with_article(type_name(odd))}",
    )


@function("unique", Parameter("items", LIST), result=LIST, depth="whole", is_method=True,
          example="unique([1, 2, 1])", gives="[1, 2]")  # fmt: skip
def unique(items: list[JsonValue]) -> JsonValue:
    """The items without repetitions, in the order in which they first come."""
    first_ones: dict[object, JsonValue] = {}
    for item in items:
        is_scalar = not isinstance(item, dict | list)
        first_ones.setdefault((type(item), item) if is_scalar else canonical_json(item), item)
    return list(first_ones.values())


@function(
    "any", Parameter("items", LIST, BOOLEAN), result=BOOLEAN, depth="whole", example="any([false, true])", gives="true"
)
def any_of(items: list[JsonValue]) -> JsonValue:
    """Whether at least one of the booleans is true."""
    return any(_booleans(items, "any"))


@function(
    "all", Parameter("items", LIST, BOOLEAN), result=BOOLEAN, depth="whole", example="all([true, false])", gives="false"
)
def all_of(items: list[JsonValue]) -> JsonValue:
    """Whether all of the booleans are true."""
    return all(_booleans(items, "all"))


@function(
    "majority", Parameter("items", LIST), result=frozenset(), depth="whole", example="majority([1, 2, 2])", gives="2"
)
def majority(items: list[JsonValue]) -> JsonValue:
    """The item that is there most often, of equally many the first; null is none, and less than half may be null."""
    counts: dict[str, list[JsonValue]] = {}
    there = [item for item in items if item is not None]
    if 2 * len(there) <= len(items):
        message = f"`majority` needs more than half, and {len(there)} of {len(items)} are there"
        raise ExpressionError("bad-argument", message)
    for item in there:
        counts.setdefault(canonical_json(item), []).append(item)
    return max(counts.values(), key=len)[0]


def _booleans(items: list[JsonValue], name: str) -> list[bool]:
    for item in items:
        if not isinstance(item, bool):
            raise ExpressionError(
                "type-mismatch", f"`{name}` takes a list of booleans, and one item is {with_article(type_name(item))}"
            )
    return cast("list[bool]", items)


@function(
    "range",
    Parameter("start_or_end", NUMBER),
    Parameter("end", NUMBER, is_optional=True),
    Parameter("step", NUMBER, is_optional=True),
    result=LIST,
    items=NUMBER,
    example="range(3)",
    gives="[0, 1, 2]",
)
def bounded_range(*bounds: float) -> JsonValue:
    """The whole numbers from 0, or from the first argument, up to but not including the end (at most 10,000)."""
    whole = [bound for bound in bounds if isinstance(bound, int)]
    if len(whole) < len(bounds) or whole[2:] == [0]:
        raise ExpressionError("bad-argument", "`range` takes whole numbers, and a step that is not 0")
    numbers = range(*whole)
    if numbers[ITEM_LIMIT // 10 :]:  # `len` fails on what 64 bits cannot count
        raise ExpressionError("result-too-big", f"`range` gives at most {ITEM_LIMIT // 10} numbers")
    return list(numbers)
