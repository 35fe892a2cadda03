"""Operators, compiled: each says in its errors what the operands were, by their own text and type."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING

from pydantic import JsonValue

from definitions import operators
from definitions.errors import ExpressionError
from definitions.evaluation import Evaluation
from definitions.expressions.code import Code, Run, constant
from definitions.expressions.paths import Span
from definitions.expressions.tree import Calculated, Chosen, Compared, Joined, Signed
from definitions.functions.registry import ANY, BOOLEAN, NUMBER, TypeSet
from definitions.operators import Mismatch
from definitions.values import type_name, with_article

if TYPE_CHECKING:
    from definitions.expressions.compiler import Compiler

Operator = Callable[[Evaluation, JsonValue, JsonValue], JsonValue]

_COMPARISONS: dict[type[ast.cmpop], tuple[str, Operator]] = {
    ast.Eq: ("==", operators.is_equal),
    ast.NotEq: ("!=", lambda evaluation, left, right: not operators.is_equal(evaluation, left, right)),
    ast.Lt: ("<", lambda _, left, right: operators.is_before(left, right)),
    ast.LtE: ("<=", lambda _, left, right: operators.is_at_most(left, right)),
    ast.Gt: (">", lambda _, left, right: operators.is_before(right, left)),
    ast.GtE: (">=", lambda _, left, right: operators.is_at_most(right, left)),
    ast.In: ("in", operators.is_in),
    ast.NotIn: ("not in", lambda evaluation, part, whole: not operators.is_in(evaluation, part, whole)),
}
_EQUALITIES = ("==", "!=")
_ORDERS = ("<", "<=", ">", ">=")
_ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
}
_NOT_OPERATORS: dict[type[ast.AST], str] = {
    ast.Is: "`is` is not part of the language; write `==`",
    ast.IsNot: "`is not` is not part of the language; write `!=`",
    ast.Pow: "`**` is not part of the language; multiply",
    ast.Invert: "`~` is not part of the language; for a boolean write `not`",
}


def article(found: str) -> str:
    """Return a type's name, or several joined by `or`, as they stand in a sentence."""
    return with_article(found)


def comparison(compiler: Compiler, node: ast.Compare) -> Code:
    """Return `a < b`, or a chain of such, each operand evaluated once."""
    operands = [compiler.node(node.left), *(compiler.node(operand) for operand in node.comparators)]
    steps: list[tuple[Operator, Run]] = []
    signs: list[str] = []
    for index, operator in enumerate(node.ops):
        sign, function = _sign(compiler, node, operator)
        signs.append(sign)
        left, right = operands[index], operands[index + 1]
        span = compiler.span(node) if len(node.ops) == 1 else (left.span[0], right.span[1])
        _check_comparable(compiler, sign, span, left, right)
        steps.append((explained(compiler, sign, span, function, left, right), right.run))
    first = operands[0].run
    tree = Compared(tuple(signs), tuple(code.tree for code in operands), compiler.span(node))
    if len(steps) == 1:
        compare, second = steps[0]
        return Code(lambda evaluation: compare(evaluation, first(evaluation), second(evaluation)), BOOLEAN, tree)

    def run(evaluation: Evaluation) -> JsonValue:
        left = first(evaluation)
        for compare, operand in steps:
            right = operand(evaluation)
            if not compare(evaluation, left, right):
                return False
            left = right
        return True

    return Code(run, BOOLEAN, tree)


def _sign(compiler: Compiler, node: ast.expr, operator: ast.cmpop) -> tuple[str, Operator]:
    found = _COMPARISONS.get(type(operator))
    if found is None:
        raise ExpressionError("expression-not-allowed", _NOT_OPERATORS[type(operator)], *compiler.span(node))
    return found


def _check_comparable(compiler: Compiler, sign: str, span: Span, left: Code, right: Code) -> None:
    """Refuse what can never be compared, whatever the values are."""
    if not left.types or not right.types or ("null" in left.types | right.types and sign in _EQUALITIES):
        return
    is_hopeless = sign in _EQUALITIES and not left.types & right.types
    if sign in _ORDERS:
        is_hopeless = not left.types & right.types & frozenset({"number", "string"})
    if is_hopeless:
        one, other = " or ".join(sorted(left.types)), " or ".join(sorted(right.types))
        raise _mismatch(compiler, sign, span, left, right, one, other, "")


def _mismatch(
    compiler: Compiler, sign: str, span: Span, left: Code, right: Code, one: str, other: str, advice: str
) -> ExpressionError:
    advice = advice or conversion(sign, one, other)
    return ExpressionError(
        "type-mismatch",
        f"`{sign}` cannot take {compiler.quote(left.span)}, {with_article(one)}, "
        f"and {compiler.quote(right.span)}, {with_article(other)}" + (f"; {advice}" if advice else ""),
        *span,
    )


def conversion(sign: str, one: str, other: str) -> str:
    """Return the way out for values of two types that an operator does not take; empty where there is none."""
    kinds = {one, other}
    if kinds == {"number", "string"}:
        return "convert one with `float(…)`, `int(…)` or `str(…)`"
    if "null" in kinds and sign != "in":
        return "give a value with `default(…, …)`"
    if kinds == {"file", "string"}:
        return "a file's name is its `.path`"
    return ""


def explained(compiler: Compiler, sign: str, span: Span, function: Operator, left: Code, right: Code) -> Operator:
    """Return `function` with stored values read, and its errors made to name the operands."""

    def run(evaluation: Evaluation, one: JsonValue, other: JsonValue) -> JsonValue:
        one, other = evaluation.resolve(one), evaluation.resolve(other)
        try:
            return function(evaluation, one, other)
        except Mismatch as mismatch:
            raise _mismatch(
                compiler, sign, span, left, right, type_name(one), type_name(other), mismatch.advice
            ) from None
        except ExpressionError as error:
            is_division = error.code == "division-by-zero"
            message = f"{compiler.quote(span)} divides by 0" if is_division else error.message
            raise ExpressionError(error.code, message, *span) from None

    return run


def junction(compiler: Compiler, node: ast.BoolOp) -> Code:
    """Return `a and b`, `a or b`: booleans only, and no more evaluated than needed."""
    decisive = isinstance(node.op, ast.Or)
    word = "or" if decisive else "and"
    codes = [compiler.node(operand) for operand in node.values]
    runs = tuple(compiler.typed_code(code, BOOLEAN, f"what `{word}` joins") for code in codes)

    def run(evaluation: Evaluation) -> JsonValue:
        for operand in runs:
            if operand(evaluation) is decisive:
                return decisive
        return not decisive

    return Code(run, BOOLEAN, Joined(word, tuple(code.tree for code in codes), compiler.span(node)))


def unary(compiler: Compiler, node: ast.UnaryOp) -> Code:
    """Return `not a`, `-a`, `+a`."""
    span = compiler.span(node)
    if isinstance(node.op, ast.Invert):
        raise ExpressionError("expression-not-allowed", _NOT_OPERATORS[ast.Invert], *span)
    code = compiler.node(node.operand)
    if isinstance(node.op, ast.Not):
        inner = compiler.typed_code(code, BOOLEAN, "what stands after `not`")
        return Code(lambda evaluation: not inner(evaluation), BOOLEAN, Signed("not", code.tree, span))
    sign = "-" if isinstance(node.op, ast.USub) else "+"
    run = compiler.typed_code(code, NUMBER, f"what stands after `{sign}`")
    zero = constant(0, code.span)
    calculate = explained(
        compiler, sign, span, lambda _, left, right: operators.calculate(sign, left, right), zero, code
    )
    return Code(lambda evaluation: calculate(evaluation, 0, run(evaluation)), NUMBER, Signed(sign, code.tree, span))


def arithmetic(compiler: Compiler, node: ast.BinOp) -> Code:
    """Return `a + b` and its kin."""
    sign = _ARITHMETIC.get(type(node.op))
    span = compiler.span(node)
    if sign is None:
        message = _NOT_OPERATORS.get(
            type(node.op), f"{compiler.quote(span)} has an operator that is not in the language"
        )
        raise ExpressionError("expression-not-allowed", message, *span)
    left, right = compiler.node(node.left), compiler.node(node.right)
    types = _sum_types(left, right) if sign == "+" else NUMBER

    def calculate(_: Evaluation, one: JsonValue, other: JsonValue) -> JsonValue:
        return operators.add(one, other) if sign == "+" else operators.calculate(sign, one, other)

    checked = explained(compiler, sign, span, calculate, left, right)
    one, other = left.run, right.run
    tree = Calculated(sign, left.tree, right.tree, span)
    return Code(lambda evaluation: checked(evaluation, one(evaluation), other(evaluation)), types, tree)


def _sum_types(left: Code, right: Code) -> TypeSet:
    if left.types and left.types == right.types:
        return left.types
    return left.types or right.types if len(left.types) <= 1 and len(right.types) <= 1 else ANY


def choice(compiler: Compiler, node: ast.IfExp) -> Code:
    """Return `a if condition else b`."""
    condition = compiler.node(node.test)
    test = compiler.typed_code(condition, BOOLEAN, "what stands after `if`")
    then, otherwise = compiler.node(node.body), compiler.node(node.orelse)
    types = then.types | otherwise.types if then.types and otherwise.types else ANY
    one, other = then.run, otherwise.run
    tree = Chosen(condition.tree, then.tree, otherwise.tree, compiler.span(node))
    return Code(lambda evaluation: one(evaluation) if test(evaluation) else other(evaluation), types, tree)
