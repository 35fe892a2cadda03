"""A piece of an expression, compiled: a closure, and what is known of its value without running it."""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import JsonValue

from definitions.evaluation import Evaluation
from definitions.expressions.paths import Span
from definitions.expressions.tree import Literal, Tree
from definitions.functions.registry import TypeSet
from definitions.values import type_name

Run = Callable[[Evaluation], JsonValue]


@dataclass(frozen=True, slots=True)
class Code:
    """A piece of an expression, compiled."""

    run: Run
    types: TypeSet
    """What it can give; empty: anything."""
    tree: Tree
    """What was understood."""

    @property
    def span(self) -> Span:
        """Where it stands in the author's text."""
        return self.tree.span


def constant(value: JsonValue, span: Span) -> Code:
    """Return code that always gives `value`."""
    return Code(lambda evaluation: value, frozenset({type_name(value)}), Literal(value, span))
