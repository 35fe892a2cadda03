"""What `for_each` goes over: the items of a list or a mapping, and their keys.

A key is what the `key` template says, else the item's `id`, `entity_id` or `<as>_id`, else a mapping's own key, else
the index from 0. Keys name items in step paths and results, so they are unique; a collection is bounded.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from definitions.errors import ErrorClass, StepFailure
from definitions.templates import render_value
from definitions.values import type_name, with_article

MOST_ITEMS = 10_000
_SHOWN = 5


def itemise(
    value: JsonValue, name: str, key: str | None = None, scope: Mapping[str, JsonValue] | None = None
) -> tuple[list[str], list[JsonValue]]:
    """Return the keys and the values of a collection, in order.

    Args:
        value: The collection.
        name: What expressions call an item (`as`).
        key: The template of an item's key.
        scope: What that template sees beside the item.

    Raises:
        StepFailure: of class `collection`: it is none, too large, or its keys are not unique.
        ExpressionError: the key of an item cannot be evaluated.
    """
    entries = _entries(value)
    if len(entries) > MOST_ITEMS:
        raise _unfit(f"the collection has {len(entries)} items, and {MOST_ITEMS} is the most: split it")
    keys = [_key(own, item, name, key, scope or {}) for own, item in entries]
    _check_unique(keys)
    return keys, [item for _, item in entries]


def _entries(value: JsonValue) -> list[tuple[str, JsonValue]]:
    if isinstance(value, list):
        return [(str(index), item) for index, item in enumerate(value)]
    if isinstance(value, dict):
        return list(value.items())
    raise _unfit(f"`items` is {with_article(type_name(value))}; a list or an object is wanted")


def _key(own: str, item: JsonValue, name: str, key: str | None, scope: Mapping[str, JsonValue]) -> str:
    if key is not None:
        found = render_value(key, {**scope, name: item, "loop": {"key": own}})
    else:
        found = _own_id(item, name) if isinstance(item, dict) else None
    if found is None:
        return own
    if isinstance(found, str | int | float) and not isinstance(found, bool) and found != "":
        return str(found)
    raise _unfit(f"the key of item {own} is {with_article(type_name(found))}; a text or a number is wanted")


def _own_id(item: Mapping[str, JsonValue], name: str) -> JsonValue:
    return next((item[field] for field in ("id", "entity_id", f"{name}_id") if item.get(field) is not None), None)


def _check_unique(keys: Sequence[str]) -> None:
    counts = Counter(keys)
    twice = [key for key, count in counts.items() if count > 1]
    if twice:
        named = ", ".join(f"`{key}`" for key in twice[:_SHOWN])
        raise _unfit(f"several items have the key {named}; give each its own with `key`")


def _unfit(message: str) -> StepFailure:
    return StepFailure(ErrorClass.COLLECTION, message)
