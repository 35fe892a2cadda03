"""Expressions that can never work on what the definition declares: wrong operands, fields that no value has.

What a text alone tells is found when it is parsed; here its names have types (`definitions.types`). Nothing is said of
what is not declared.
"""

from collections.abc import Iterator, Sequence

from definitions.checks.context import Context
from definitions.checks.texts import Parsed
from definitions.diagnostics import Diagnostic, Note
from definitions.expressions import Expression
from definitions.nodes import find
from definitions.steps.base import Language
from definitions.types import Fault, Inference, TypeScope
from definitions.types.type import Type


def check(context: Context, found: Sequence[Parsed]) -> Iterator[Diagnostic]:
    """Yield `type-mismatch`, `no-such-field`, `condition-not-boolean` and the warning `impossible-value`."""
    scope = TypeScope(context.definition, context.is_broken, context.library)
    for parsed in found:
        owner = parsed.owner.step if parsed.owner and parsed.sees_own_result else None
        scope.reading = parsed.owner.step.id if parsed.owner else None
        for offset, expression in parsed.expressions:
            inference = Inference(scope, expression.text, owner)
            if parsed.language is Language.CONDITION:
                _condition(inference, expression)
            else:
                inference.of(expression.tree)
                if parsed.path[-2:] == ("for_each", "items") and parsed.is_one_expression:
                    inference.want(expression.tree, Type(frozenset({"list", "object"})), "what `for_each` goes over")
            for fault in inference.faults:
                yield _finding(context, parsed, offset, fault)


def _condition(inference: Inference, expression: Expression) -> None:
    for arm, found in inference.arms(expression.tree):
        if found.is_known and not found.may_be("boolean"):
            written = inference.text[slice(*arm.span)]
            message = f"{inference.quote(arm.span)} is {found.in_words}, and a condition must be true or false"
            help_ = f"compare it: `{written} == {_like(found)}`"
            inference.report("condition-not-boolean", message, arm.span, help_, found.origin)


def _like(found: Type) -> str:
    kinds = found.present.kinds
    return "'…'" if "string" in kinds else "1" if "number" in kinds else "…"


def _finding(context: Context, parsed: Parsed, offset: int, fault: Fault) -> Diagnostic:
    start, end = fault.span
    span = context.span_within(parsed.path, offset + start, end - start)
    notes: tuple[Note, ...] = ()
    if fault.origin and len(find(context.root, fault.origin).path) == len(fault.origin):
        place = context.key_span(fault.origin)
        notes = (Note("it is declared here", place),) if place != span else ()
    return context.report(fault.code, fault.message, span, fault.help, notes, fault.severity)
