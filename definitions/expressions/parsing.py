"""Parsing and evaluating: what the rest of Perdure calls."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import cast

from pydantic import JsonValue

from definitions.errors import ExpressionError
from definitions.evaluation import Evaluation, FileReader, Scope
from definitions.expressions.compiler import Call, Compiler, Reference
from definitions.expressions.source import read_source
from definitions.expressions.tree import Tree
from definitions.functions import FUNCTIONS
from definitions.functions.registry import BOOLEAN, TypeSet
from definitions.values import bounded_result, type_name, with_article


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression. Equal texts give equal expressions; parsing again is free."""

    text: str
    references: tuple[Reference, ...] = field(compare=False)
    calls: tuple[Call, ...] = field(compare=False)
    types: TypeSet = field(compare=False)
    """Names of the types that it can give, as far as known without values; empty: any."""
    tree: Tree = field(compare=False, repr=False)
    """What was understood: for those who judge it without running it (`definitions.types`)."""
    run: Callable[[Evaluation], JsonValue] = field(compare=False, repr=False)

    @property
    def reads_files(self) -> bool:
        """Whether it calls a function that reads files, so that only an activity can evaluate it."""
        return any(FUNCTIONS[call.name].reads_files for call in self.calls)


@lru_cache(maxsize=4096)
def parse(text: str) -> Expression:
    """Return the expression that `text` is.

    Raises:
        ExpressionError: it is none; `position` is an offset into `text`.
    """
    return _parse(text, is_condition=False)


@lru_cache(maxsize=4096)
def parse_condition(text: str) -> Expression:
    """Return the condition that `text` is; a `{{ e }}` in it is the value of `e` in brackets.

    Raises:
        ExpressionError: it is none, or can never give a boolean.
    """
    expression = _parse(text, is_condition=True)
    if expression.types and not expression.types & BOOLEAN:
        raise _not_boolean(text, " or ".join(sorted(expression.types)))
    return expression


def _parse(text: str, *, is_condition: bool) -> Expression:
    compiler = Compiler(read_source(text, is_condition=is_condition))
    try:
        code = compiler.compile()
    except RecursionError:  # the caller's own stack was deep already
        raise ExpressionError("expression-too-deep", "the expression is nested too deep", 0, len(text)) from None
    return Expression(text, tuple(compiler.references), tuple(compiler.calls), code.types, code.tree, code.run)


def evaluate(expression: Expression, scope: Scope, files: FileReader | None = None) -> JsonValue:
    """Return the value of `expression` over `scope`. A value that it merely passes on may be a value reference.

    Raises:
        ExpressionError: it failed on these values.
        FilesNeeded: it reads a file or a stored value, and there is no reader.
    """
    try:
        value = expression.run(Evaluation(scope, files))
        return bounded_result(value) if isinstance(value, str | list | dict) else value
    except RecursionError:
        raise ExpressionError("expression-too-deep", "a value is nested too deep", 0, len(expression.text)) from None
    except ExpressionError as error:
        if error.position is not None:
            raise
        raise ExpressionError(error.code, error.message, 0, len(expression.text)) from None


def evaluate_condition(expression: Expression, scope: Scope, files: FileReader | None = None) -> bool:
    """Return the boolean that a condition gives.

    Raises:
        ExpressionError: it failed, or gives something else (`condition-not-boolean`).
        FilesNeeded: it reads a file or a stored value, and there is no reader.
    """
    value = Evaluation(scope, files).resolve(evaluate(expression, scope, files))
    if not isinstance(value, bool):
        raise _not_boolean(expression.text, type_name(cast("JsonValue", value)))
    return value


def _not_boolean(text: str, found: str) -> ExpressionError:
    return ExpressionError(
        "condition-not-boolean",
        f"the condition gives {with_article(found)}, not true or false; compare it with something (`==`, `>`, `in`)",
        0,
        len(text),
    )
