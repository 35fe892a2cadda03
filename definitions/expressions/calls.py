"""Calls: finding the function, checking its arguments, reading what they refer to, calling it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pydantic import JsonValue

from definitions.errors import ExpressionError
from definitions.evaluation import Evaluation, FilesNeeded
from definitions.expressions.code import Code, Run
from definitions.expressions.paths import Span
from definitions.expressions.tree import Called
from definitions.functions import Function, find, suggestion
from definitions.values import type_name, with_article

if TYPE_CHECKING:
    from definitions.expressions.compiler import Compiler


def find_function(name: str, span: Span, *, is_method: bool) -> Function:
    """Return the function called `name`.

    Raises:
        ExpressionError: there is none, or it is not written after a dot.
    """
    function = find(name)
    if function is None:
        close = suggestion(name)
        hint = f"did you mean `{close}`?" if close else "`docs/expressions.md` lists them all"
        raise ExpressionError("unknown-function", f"there is no function `{name}`; {hint}", *span)
    if is_method and not function.is_method:
        raise ExpressionError(
            "unknown-function", f"`{name}` is not written after a dot; write `{function.signature}`", *span
        )
    return function


def build_call(compiler: Compiler, function: Function, codes: Sequence[Code], span: Span) -> Code:
    """Return the call, compiled.

    Raises:
        ExpressionError: the arguments can never fit.
    """
    _check_count(function, len(codes), span)
    tree = Called(function.name, tuple(code.tree for code in codes), span)
    if function.kind == "lazy":
        return Code(_lazy(function, [code.run for code in codes]), _lazy_types(function, codes), tree)
    for index, code in enumerate(codes):
        _check_types(compiler, function, index, code)
    return Code(_eager(compiler, function, codes, span), function.result, tree)


def _check_count(function: Function, count: int, span: Span) -> None:
    if count >= function.least and (function.most is None or count <= function.most):
        return
    raise ExpressionError(
        "wrong-arguments", f"`{function.name}` is called `{function.signature}`, and here with {count} arguments", *span
    )


def _lazy_types(function: Function, codes: Sequence[Code]) -> frozenset[str]:
    if function.result or not all(code.types for code in codes):
        return function.result
    return frozenset(name for code in codes for name in code.types)


def _lazy(function: Function, runs: list[Run]) -> Run:
    body = function.body

    def thunk(run: Run, evaluation: Evaluation) -> Callable[[], JsonValue]:
        return lambda: run(evaluation)

    return lambda evaluation: body(*(thunk(run, evaluation) for run in runs))


def _check_types(compiler: Compiler, function: Function, index: int, code: Code) -> None:
    wanted = function.parameter(index).types
    if wanted and code.types and not code.types & wanted:
        raise _mismatch(compiler, function, index, code, " or ".join(sorted(code.types)))


def _mismatch(compiler: Compiler, function: Function, index: int, code: Code, found: str) -> ExpressionError:
    parameter = function.parameter(index)
    wanted = " or ".join(sorted(parameter.types))
    return ExpressionError(
        "type-mismatch",
        f"`{parameter.name}` of `{function.signature}` must be a {wanted}, "
        f"and {compiler.quote(code.span)} is {with_article(found)}",
        *code.span,
    )


def _eager(compiler: Compiler, function: Function, codes: Sequence[Code], span: Span) -> Run:
    runs = tuple(code.run for code in codes)
    wanted = tuple(function.parameter(index).types for index in range(len(codes)))
    body = _body(function)

    def arguments(evaluation: Evaluation) -> list[JsonValue]:
        found: list[JsonValue] = []
        for index, run in enumerate(runs):
            value = run(evaluation)
            value = evaluation.resolve_whole(value) if function.depth == "whole" else evaluation.resolve(value)
            if wanted[index] and type_name(value) not in wanted[index]:
                raise _mismatch(compiler, function, index, codes[index], type_name(value))
            evaluation.charge(len(value) if isinstance(value, str | list | dict) else 1)
            found.append(value)
        return found

    def run(evaluation: Evaluation) -> JsonValue:
        given = arguments(evaluation)
        try:
            return body(evaluation, given)
        except ExpressionError as error:
            if error.position is not None:
                raise
            raise ExpressionError(error.code, error.message, *span) from None

    return run


def _body(function: Function) -> Callable[[Evaluation, list[JsonValue]], JsonValue]:
    body = function.body
    if function.kind == "evaluation":
        return lambda evaluation, given: body(evaluation, *given)
    if function.kind == "file":
        return lambda evaluation, given: evaluation.require_files(FilesNeeded()).call(function.name, given)
    return lambda _, given: body(*given)
