"""Operators: what they can never take, and what they give.

A fault is what fails on every value of the types at hand. An equality that can only be false or fail counts as one:
`env.CI == true` compares a string, where there is one, with a boolean.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product
from typing import TYPE_CHECKING

from definitions.expressions.operations import conversion
from definitions.expressions.tree import Calculated, Compared, Listed, Literal, Signed, Tree
from definitions.suggestions import did_you_mean, listed
from definitions.types.type import ANY, BOOLEAN, LIST, NUMBER, Type, is_same, join, list_of

if TYPE_CHECKING:
    from pydantic import JsonValue

    from definitions.expressions.paths import Span
    from definitions.types.inference import Inference

    Arm = tuple[Tree, Type]

_EQUALITIES = ("==", "!=")
_MEMBERSHIPS = ("in", "not in")
_ORDERED = frozenset({"number", "string"})
_ADDED = frozenset({"number", "string", "list"})


def compared(inference: Inference, tree: Compared) -> None:
    """Say what is wrong with a comparison, or a chain of them."""
    for sign, (left, right) in zip(tree.signs, pairwise(tree.operands), strict=True):
        span = tree.span if len(tree.signs) == 1 else (left.span[0], right.span[1])
        if _mismatched(inference, sign, span, left, right):
            continue
        if sign in _EQUALITIES:
            _impossible(inference, left, [right])
            _impossible(inference, right, [left])
        elif sign in _MEMBERSHIPS and isinstance(right, Listed):
            _impossible(inference, left, right.items)


def signed(inference: Inference, tree: Signed) -> Type:
    """Return the type of `not a`, `-a`, `+a`."""
    wanted = BOOLEAN if tree.sign == "not" else NUMBER
    inference.want(tree.operand, wanted, f"what stands after `{tree.sign}`")
    return wanted


def calculated(inference: Inference, tree: Calculated) -> Type:
    """Return the type of `a + b` and its kin."""
    if _mismatched(inference, tree.sign, tree.span, tree.left, tree.right):
        return ANY
    if tree.sign != "+":
        return NUMBER
    left, right = inference.of(tree.left), inference.of(tree.right)
    kinds = _ADDED & (left.kinds or _ADDED) & (right.kinds or _ADDED)
    if kinds == LIST.kinds:
        return list_of(join(left.items, right.items)) if left.items and right.items else list_of(ANY)
    return Type(kinds if kinds != _ADDED else frozenset())


# --- what does not go together ----------------------------------------------------------------------


def _mismatched(inference: Inference, sign: str, span: Span, left: Tree, right: Tree) -> bool:
    """Say which values an operator can never take; each arm of a choice must fit."""
    for one, other in product(inference.arms(left), inference.arms(right)):
        if _is_hopeless(sign, one[1], other[1]):
            _report(inference, sign, span, one, other)
            return True
    return False


def _report(inference: Inference, sign: str, span: Span, left: Arm, right: Arm) -> None:
    parts = [
        f"{inference.quote(tree.span)}, {found.in_words}," if found.is_known else inference.quote(tree.span)
        for tree, found in (left, right)
    ]
    message = f"`{sign}` cannot take {parts[0]} and {parts[1].rstrip(',')}"
    help_ = _advice(sign, left, right)
    inference.report("type-mismatch", message, span, help_, left[1].origin or right[1].origin)


def _advice(sign: str, left: Arm, right: Arm) -> str | None:
    for (_, found), (tree, _) in ((left, right), (right, left)):
        is_text = found.present.is_just("string")
        if is_text and isinstance(tree, Literal) and isinstance(tree.value, bool) and sign in _EQUALITIES:
            return f"a string is compared with a string: `'{str(tree.value).lower()}'`"
    kinds = [sorted(found.present.kinds) for _, found in (left, right)]
    if len(kinds[0]) != 1 or len(kinds[1]) != 1:
        return None
    return conversion(sign, kinds[0][0], kinds[1][0]) or None


def _is_hopeless(sign: str, left: Type, right: Type) -> bool:
    if sign in _EQUALITIES:
        return _never_equal(left, right)
    if sign in _MEMBERSHIPS:
        return _never_in(left, right)
    if sign in ("<", "<=", ">", ">="):
        return not _common(left, right, _ORDERED)
    return not _common(left, right, _ADDED if sign == "+" else NUMBER.kinds)


def _common(left: Type, right: Type, kinds: frozenset[str]) -> frozenset[str]:
    """Return the kinds among `kinds` that both can be."""
    return kinds & (left.kinds or kinds) & (right.kinds or kinds)


def _never_equal(left: Type, right: Type) -> bool:
    one, other = left.present.kinds, right.present.kinds
    if not one or not other or "null" in one | other:
        return False
    return one.isdisjoint(other)


def _never_in(part: Type, whole: Type) -> bool:
    kinds = whole.kinds or frozenset({"string", "list", "object"})
    if kinds & {"string", "object"} and part.may_be("string"):
        return False
    if "list" not in kinds:
        return True
    items = whole.items.present.kinds if whole.items else frozenset[str]()
    sought = part.present.kinds
    return bool(items and sought) and "null" not in items | sought and items.isdisjoint(sought)


# --- what can never be true -------------------------------------------------------------------------


def _impossible(inference: Inference, tree: Tree, others: Sequence[Tree]) -> None:
    """Say which literals a part, whose values are all known, is never equal to."""
    known = [value for value in inference.of(tree).literals or () if value is not None]
    if len(known) < 2 or isinstance(tree, Literal):
        return
    for other in others:
        if not isinstance(other, Literal) or other.value is None or _is_among(other.value, known):
            continue
        words = [one for one in known if isinstance(one, str)]
        shown = listed(_text(one) for one in known[:12])
        help_ = (did_you_mean(other.value, words) if isinstance(other.value, str) else None) or f"it can be {shown}"
        message = f"{inference.quote(tree.span)} is never `{_text(other.value)}`"
        inference.doubt("impossible-value", message, other.span, help_, inference.of(tree).origin)


def _is_among(value: JsonValue, known: Sequence[JsonValue]) -> bool:
    return any(is_same(value, one) for one in known)


def _text(value: JsonValue) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
