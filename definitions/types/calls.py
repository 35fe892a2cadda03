"""Calls: arguments that never fit, and what a function gives for what it is given.

What a function takes and gives is in the function table; here are the functions whose result depends on their
arguments, and the reports whose fields are known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from definitions.expressions.tree import Called, Entry, Named, Tree
from definitions.functions import FUNCTIONS, Function
from definitions.types.type import ANY, NUMBER, STRING, Type, join, joined, list_of, mapping_of, optional, record

if TYPE_CHECKING:
    from definitions.types.inference import Inference

_COVERAGE = {
    "line_coverage": NUMBER,
    "branch_coverage": optional(NUMBER),
    "lines_covered": NUMBER,
    "lines_total": NUMBER,
}
_REPORTS = {
    "parse_coverage": record({**_COVERAGE, "files": mapping_of(record(_COVERAGE))}),
    "parse_junit": record(
        {
            **dict.fromkeys(("tests", "passed", "failed", "errors", "skipped", "time"), NUMBER),
            "failures": list_of(record({"name": STRING, "message": STRING})),
        }
    ),
}


def called(inference: Inference, tree: Called) -> Type:
    """Return the type of a call."""
    function = FUNCTIONS[tree.function]
    is_guarded = tree.function in ("default", "exists")
    arguments: list[Type] = []
    for index, argument in enumerate(tree.arguments):
        inference.defaults += is_guarded and index == 0
        arguments.append(inference.of(argument))
        inference.defaults -= is_guarded and index == 0
    if function.kind != "lazy":
        for index, argument in enumerate(tree.arguments):
            _check(inference, function, index, argument)
    if tree.function == "default":
        return _default(inference, tree.arguments, arguments)
    return result_of(function, arguments)


def result_of(function: Function, arguments: Sequence[Type]) -> Type:
    """Return what a function gives for arguments of these types."""
    if function.name in _REPORTS:
        return _REPORTS[function.name]
    if function.name in _DEPENDENT:
        return _DEPENDENT[function.name](arguments)
    return Type(function.result, items=Type(function.items) if function.items else None)


def may_be_absent(inference: Inference, tree: Tree) -> bool:
    """Whether `default(…)` may have to give its other value: not where an input always has one."""
    found = inference.of(tree)
    is_input = isinstance(tree, Entry) and isinstance(tree.holder, Named) and tree.holder.name == "inputs"
    return not (is_input and found.is_known) or "null" in found.kinds


def _default(inference: Inference, trees: Sequence[Tree], arguments: Sequence[Type]) -> Type:
    first, second = arguments
    if not first.is_known:
        return ANY
    if first.is_just("null"):
        return second
    return join(first.present, second) if may_be_absent(inference, trees[0]) else first


# --- arguments --------------------------------------------------------------------------------------


def _check(inference: Inference, function: Function, index: int, tree: Tree) -> None:
    parameter = function.parameter(index)
    what = f"`{parameter.name}` of `{function.signature}`"
    if parameter.types:
        inference.want(tree, Type(parameter.types), what)
    found = inference.of(tree)
    items = found.items.present if found.items else ANY
    if parameter.items and found.is_just("list") and items.is_known and not items.may_be(*parameter.items, "null"):
        wanted = " or ".join(f"{kind}s" for kind in sorted(parameter.items))
        message = f"{what} must be a list of {wanted}, and an item of {inference.quote(tree.span)} is {items.in_words}"
        inference.report("type-mismatch", message, tree.span, origin=found.origin)


# --- results ----------------------------------------------------------------------------------------


def _item(arguments: Sequence[Type]) -> Type:
    return arguments[0].items or ANY


def _same_items(arguments: Sequence[Type]) -> Type:
    return list_of(arguments[0].items or ANY)


def _values(arguments: Sequence[Type]) -> Type:
    holder = arguments[0]
    if holder.rest == "unknown" and holder.others is None:
        return list_of(ANY)
    return list_of(joined([*holder.fields.values(), *([holder.others] if holder.others else [])]))


def _extreme(arguments: Sequence[Type]) -> Type:
    choices = arguments
    if len(arguments) == 1:
        only = arguments[0]
        choices = [only.items or ANY] if only.is_just("list") else []
    kinds = frozenset({"number", "string"})
    for choice in choices:
        kinds &= choice.kinds or kinds
    return Type(kinds)


def _part_of_report(arguments: Sequence[Type]) -> Type:
    files = arguments[0].fields.get("files", ANY)
    return files.others or ANY


_DEPENDENT: dict[str, Callable[[Sequence[Type]], Type]] = {
    "first": _item,
    "last": _item,
    "sort": _same_items,
    "unique": _same_items,
    "values": _values,
    "min": _extreme,
    "max": _extreme,
    "file": _part_of_report,
}
