"""Parts of expressions that fail whatever the values are: a pattern that is none, a division by 0, `int("x")`.

A part without names is evaluated here, with a small bound on what it may cost; of a call with some constant
arguments, those are tried that decide alone.
"""

from collections.abc import Iterator, Sequence

from definitions.checks.context import Context
from definitions.checks.texts import Parsed
from definitions.diagnostics import Diagnostic
from definitions.errors import ExpressionError
from definitions.evaluation import Evaluation, FilesNeeded
from definitions.expressions import parse
from definitions.expressions.paths import Span
from definitions.expressions.tree import (
    Calculated,
    Called,
    Chosen,
    Compared,
    Entry,
    Indexed,
    Joined,
    Listed,
    Literal,
    Mapped,
    Named,
    Signed,
    Tree,
)
from definitions.functions import FUNCTIONS
from definitions.functions.lazy import MISSING_CODES
from definitions.patterns import PatternError, compile_pattern
from definitions.steps.base import Language

_WORK = 20_000
_NOT_TOLD = frozenset(
    {"expression-too-expensive", "expression-too-deep", "result-too-big", "type-mismatch", "no-such-field"}
)
"""Costs are bounded more narrowly here than in a run; types and fields are told by `checks.types`."""
_SAMPLES = {"split": 'split("", {})', "replace": 'replace("", {}, "")', "round": "round(0, {})"}
"""Calls whose second argument alone can be what fails."""


def check(context: Context, found: Sequence[Parsed]) -> Iterator[Diagnostic]:
    """Yield `bad-pattern`, `division-by-zero`, `bad-argument` and their like where no value can help."""
    for parsed in found:
        for offset, expression in parsed.expressions:
            text = _without_braces(expression.text) if parsed.language is Language.CONDITION else expression.text
            for error in _Walk(text).faults(expression.tree, is_guarded=False):
                start = offset + (error.position or 0)
                width = (error.end or start + 1) - (error.position or 0)
                message, _, help_ = error.message.partition("; ")
                span = context.span_within(parsed.path, start, width)
                yield context.report(error.code, message, span, help_ or None)


class _Walk:
    """Goes through one expression's tree."""

    def __init__(self, text: str) -> None:
        self.text = text

    def faults(self, tree: Tree, *, is_guarded: bool) -> Iterator[ExpressionError]:
        """Yield what fails; `is_guarded`: inside `default(…)` or `exists(…)`, which take what is missing."""
        waiting = [(tree, is_guarded)]  # a chain of fields may be deeper than Python's stack
        while waiting:
            part, guarded = waiting.pop()
            if _is_constant(part):
                yield from self._constant_fault(part, guarded)
                continue
            own = self._own_fault(part)
            if own:
                yield own
            is_lazy = isinstance(part, Called) and FUNCTIONS[part.function].kind == "lazy"
            waiting += [(inner, guarded or is_lazy) for inner in reversed(_parts(part))]

    def _constant_fault(self, tree: Tree, is_guarded: bool) -> Iterator[ExpressionError]:
        error = None if isinstance(tree, Literal) else self._failure(tree.span, self.text[slice(*tree.span)])
        if error and not (is_guarded and error.code in MISSING_CODES):
            yield error

    def _own_fault(self, tree: Tree) -> ExpressionError | None:
        """Return what a part with some constant parts fails with."""
        match tree:
            case Calculated(sign="/" | "//" | "%", right=right) if _is_constant(right):
                sample = f"1 {tree.sign} ({self.text[slice(*right.span)]})"
                error = self._failure(right.span, sample, only="division-by-zero")
                message = f"`{self.text[slice(*tree.span)]}` divides by 0"
                return ExpressionError(error.code, message, *right.span) if error else None
            case Called(function="matches", arguments=(_, Literal(value=str(pattern), span=span))):
                return self._pattern_fault(pattern, span)
            case Called(function=name, arguments=(_, argument, *_)) if name in _SAMPLES and _is_constant(argument):
                sample = _SAMPLES[name].format(self.text[slice(*argument.span)])
                return self._failure(argument.span, sample, only="bad-argument")
            case _:
                return None

    def _pattern_fault(self, pattern: str, span: Span) -> ExpressionError | None:
        try:
            compile_pattern(pattern)
        except PatternError as error:
            start, end = span
            if self.text[start + 1 : end - 1] == pattern and 0 <= error.position < len(pattern):
                start, end = start + 1 + error.position, start + 2 + error.position
            return ExpressionError("bad-pattern", f"the pattern `{pattern}` cannot be used: {error}", start, end)
        return None

    def _failure(self, span: Span, text: str, only: str | None = None) -> ExpressionError | None:
        """Return what the constant `text` fails with, at `span`."""
        evaluation = Evaluation({}, None)
        evaluation.remaining = _WORK
        try:
            parse(text).run(evaluation)
        except ExpressionError as error:
            if error.code in _NOT_TOLD or (only and error.code != only):
                return None
            return ExpressionError(error.code, error.message, *span)
        except (FilesNeeded, RecursionError):
            return None
        return None


def _without_braces(condition: str) -> str:
    """Return a condition with brackets for `{{ }}`, as long as it was."""
    return condition.replace("{{", "( ").replace("}}", " )")


def _is_constant(tree: Tree) -> bool:
    waiting = [tree]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Named):
            return False
        if isinstance(part, Called) and FUNCTIONS[part.function].kind in ("file", "lazy"):
            return False
        waiting.extend(_parts(part))
    return True


def _parts(tree: Tree) -> tuple[Tree, ...]:
    match tree:
        case Listed(items=parts) | Called(arguments=parts) | Compared(operands=parts) | Joined(operands=parts):
            return parts
        case Mapped():
            return tuple(part for entry in tree.entries for part in entry)
        case Entry(holder=part) | Signed(operand=part):
            return (part,)
        case Indexed(holder=one, key=other) | Calculated(left=one, right=other):
            return (one, other)
        case Chosen():
            return (tree.test, tree.then, tree.otherwise)
        case _:
            return ()
