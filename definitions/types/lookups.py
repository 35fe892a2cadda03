"""Look-ups: what `holder.key`, `holder[0]` and `holder[key]` are, and which of them can never be there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from definitions.expressions.tree import Entry, Indexed, Named
from definitions.functions import FUNCTIONS
from definitions.suggestions import did_you_mean, listed
from definitions.types.type import ANY, Type, joined

if TYPE_CHECKING:
    from definitions.types.inference import Inference

_FEW = 8
_LENGTHS = ("length", "size", "count")
"""What other languages call the number of items."""


def entry(inference: Inference, tree: Entry) -> Type:
    """Return the type of an entry whose key is known."""
    holder = tree.holder
    if isinstance(holder, Named) and holder.name == "steps" and isinstance(tree.key, str):
        return inference.scope.step(tree.key, inference.owner)
    found = inference.of(holder)
    if isinstance(tree.key, int):
        return _item(inference, tree, found)
    return _field(inference, tree, found, tree.key)


def indexed(inference: Inference, tree: Indexed) -> Type:
    """Return the type of an entry whose key is computed."""
    holder, key = inference.of(tree.holder), inference.of(tree.key)
    if holder.is_known and not holder.may_be("list", "object"):
        message = f"{inference.quote(tree.holder.span)} is {holder.in_words} and has no entries"
        return inference.report("type-mismatch", message, tree.key.span, origin=holder.origin)
    wanted = [kind for kind, held in (("number", "list"), ("string", "object")) if holder.may_be(held)]
    if key.is_known and not key.may_be(*wanted):
        message = f"{inference.quote(tree.holder.span)} is {_held(holder)}, which {key.in_words} cannot index"
        return inference.report("type-mismatch", message, tree.key.span, origin=key.origin)
    arms: list[Type] = []
    if holder.may_be("list") and key.may_be("number"):
        arms.append(holder.items or ANY)
    if holder.may_be("object") and key.may_be("string"):
        arms.append(_any_field(holder))
    return joined(arms)


def _held(holder: Type) -> str:
    return holder.in_words if holder.is_known else "a list or an object"


def _any_field(holder: Type) -> Type:
    if holder.rest == "unknown" and holder.others is None:
        return ANY
    return joined([*holder.fields.values(), *([holder.others] if holder.others else [])])


def _item(inference: Inference, tree: Entry, holder: Type) -> Type:
    if holder.may_be("list"):
        return holder.items or ANY
    shown = inference.quote(tree.holder.span)
    if holder.may_be("object", "file"):
        message, help_ = f"{shown} is {holder.in_words}; its keys are strings, not a number", None
        if holder.fields:
            help_ = _known_fields(holder)
    else:
        message, help_ = f"{shown} is {holder.in_words}, which a number cannot index", None
        if holder.is_just("string"):
            help_ = f"to have its lines or words as a list, write `lines({shown[1:-1]})` or `split({shown[1:-1]})`"
    return inference.report("type-mismatch", message, tree.key_span, help_, holder.origin)


def _field(inference: Inference, tree: Entry, holder: Type, key: str) -> Type:
    if not holder.may_be("object", "file"):
        return _of_no_holder(inference, tree, holder, key)
    if key in holder.fields:
        return holder.fields[key]
    if holder.others is not None:
        return holder.others
    is_missing = holder.rest == "none" or (holder.rest == "undeclared" and not inference.defaults)
    if not is_missing:
        return ANY
    message = f"{inference.quote(tree.holder.span)} has no field `{key}`"
    help_ = _as_a_call(inference, tree, holder, key) or did_you_mean(key, holder.fields) or _known_fields(holder)
    return inference.report("no-such-field", message, tree.key_span, help_, holder.origin)


def _of_no_holder(inference: Inference, tree: Entry, holder: Type, key: str) -> Type:
    shown = inference.quote(tree.holder.span)
    message = f"{shown} is {holder.in_words} and has no field `{key}`"
    help_ = _as_a_call(inference, tree, holder, key)
    if help_ is None and holder.present.is_just("list"):
        help_ = f"an item of it has an index: `{shown[1:-1]}[0]`"
    elif help_ is None and holder.present.is_just("string"):
        help_ = f"if it is JSON, write `from_json({shown[1:-1]}).{key}`"
    return inference.report("no-such-field", message, tree.key_span, help_, holder.origin)


def _as_a_call(inference: Inference, tree: Entry, holder: Type, key: str) -> str | None:
    function = FUNCTIONS.get("len" if key in _LENGTHS else key)
    if function is None or not function.is_method or not holder.may_be(*function.parameter(0).types):
        return None
    shown = inference.quote(tree.holder.span)[1:-1]
    return f"a function is called: `{shown}.{function.name}({'…' if function.least > 1 else ''})`"


def _known_fields(holder: Type) -> str | None:
    return f"it has {listed(holder.fields)}" if 0 < len(holder.fields) <= _FEW else None
