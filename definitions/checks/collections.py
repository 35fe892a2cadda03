"""`for_each`: what it goes over is a collection, and no two of its items have one key; as far as that is written.

`definitions.checks.types` holds expressions to it; here are literal collections, and what a literal key comes to.
"""

from collections.abc import Iterator
from typing import cast

from pydantic import JsonValue

from definitions.checks.context import Context, Placed
from definitions.collections import MOST_ITEMS
from definitions.diagnostics import Diagnostic, Note
from definitions.errors import ExpressionError
from definitions.steps.control import ForEach
from definitions.templates import OPENING, parse_template
from definitions.values import type_name, with_article


def check(context: Context) -> Iterator[Diagnostic]:
    """Yield `invalid-value`, `duplicate-item-key` and `key-without-effect`."""
    for placed in context.placed:
        each, path = placed.step.for_each, (*placed.path, "for_each")
        if each is None or context.is_broken((*path, "items")):
            continue
        if isinstance(each.items, list | dict):
            yield from _literal(context, placed, each)
        elif not isinstance(each.items, str) or not _is_one_template(each.items):
            found = with_article(type_name(each.items))
            message = f"`items` is {found}, and a list or an object is wanted"
            help_ = None
            if isinstance(each.items, str):
                help_ = (
                    f'write `items: "{{{{ {each.items} }}}}"`'
                    if OPENING not in each.items
                    else "keep one `{{ }}` alone"
                )
            yield context.report("invalid-value", message, context.span((*path, "items")), help_)
        if each.key is not None and OPENING not in each.key and not context.is_broken((*path, "key")):
            message = f"every item has the key `{each.key}`"
            help_ = f'name a part of the item: `key: "{{{{ {each.name}.name }}}}"`'
            yield context.report("duplicate-item-key", message, context.span((*path, "key")), help_)


def _is_one_template(text: str) -> bool:
    """Whether a text is one `{{ }}`, or is not valid, which is told elsewhere."""
    try:
        return OPENING in text and parse_template(text).single is not None
    except ExpressionError:
        return True


def _literal(context: Context, placed: Placed, each: ForEach) -> Iterator[Diagnostic]:
    items = cast("list[JsonValue] | dict[str, JsonValue]", each.items)
    path = (*placed.path, "for_each", "items")
    if len(items) > MOST_ITEMS:
        message = f"there are {len(items)} items, and {MOST_ITEMS} is the most"
        yield context.report("invalid-value", message, context.span(path), "split the list")
        return
    if not items and not context.is_mended_below(path):
        message = f"`for_each` does nothing: step `{placed.step.id}` has no items"
        yield context.report("key-without-effect", message, context.span(path), None, severity="warning")
    if each.key is not None:
        return
    entries = list(enumerate(items)) if isinstance(items, list) else list(items.items())
    first: dict[str, int | str] = {}
    for where, item in entries:
        key = _key(where, item, each.name)
        if key is None or first.setdefault(key, where) == where:
            continue
        note = Note("the first one is here", context.span((*path, first[key])))
        message = f"two items have the key `{key}`"
        help_ = "an item's key is its `id`, `entity_id` or `<as>_id`; give each its own, or say another by `key`"
        yield context.report("duplicate-item-key", message, context.span((*path, where)), help_, (note,))


def _key(own: int | str, item: JsonValue, name: str) -> str | None:
    """Return an item's key, None where only a run tells it."""
    if not isinstance(item, dict):
        return str(own)
    found = next((item[field] for field in ("id", "entity_id", f"{name}_id") if item.get(field) is not None), own)
    if isinstance(found, str):
        return None if OPENING in found else found
    return str(found) if isinstance(found, int | float) and not isinstance(found, bool) else None
