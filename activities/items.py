"""Collections of `for_each` that are too big to travel: frozen in the store once, then read in windows."""

import asyncio
from typing import cast

from pydantic import JsonValue

from activities.file_functions.reader import StoreFileReader
from activities.outputs import spilled
from activities.store.canonical_json import canonical_json
from activities.store.interface import Store
from definitions.collections import itemise
from definitions.errors import ErrorClass, ExpressionError, StepFailure
from definitions.records import Items, ItemsCall
from definitions.stored_values import is_value_reference, json_size

WINDOW = 1000
"""How many items travel at once, at most."""
WINDOW_BYTES = 200_000
"""How many bytes of items travel at once: big items are references, so 200 of them always fit."""


async def items(store: Store, call: ItemsCall) -> Items:
    """Return the first window of a collection, which is frozen by this, or a later window of a frozen one.

    Raises:
        StepFailure: it is no collection, too large, or its keys are not unique; or the store failed.
    """
    return await asyncio.to_thread(items_now, store, call)


def items_now(store: Store, call: ItemsCall) -> Items:
    """Do what `items` does, in this thread. Raises StepFailure as it does."""
    reader = StoreFileReader(store, None)
    if call.digest is not None:
        values = cast("list[JsonValue]", reader.value(call.digest))
        return Items(digest=call.digest, start=call.start, values=_window(values, call.start))
    collection = call.items
    if is_value_reference(collection):
        collection = reader.value(str(collection["$value"]))
    try:
        keys, values = itemise(collection, call.name, call.key, call.values)
    except ExpressionError as error:
        raise StepFailure(ErrorClass.EXPRESSION, error.message, {"code": error.code}) from error
    small = [spilled(store, value) for value in values]
    digest = store.write_blob(canonical_json(small))
    return Items(digest=digest, keys=keys, values=_window(small, 0))


def _window(values: list[JsonValue], start: int) -> list[JsonValue]:
    """Return the items from `start` on that travel at once, at least one."""
    room, end = WINDOW_BYTES, start
    while end < min(len(values), start + WINDOW) and (room := room - json_size(values[end])) > 0:
        end += 1
    return values[start : max(end, start + 1)]
