"""Advice: what is legal and unwise. Nobody is stopped; `perdure validate` shows it, `--strict` insists on it.

A rule is a function from a context to findings of severity `lint`. A new one is a module here, its line in `RULES`,
and its page in `definitions.codes.lint`. A rule says nothing where it cannot know.
"""

from collections.abc import Callable, Iterator
from itertools import chain, islice

from definitions.checks.context import Context
from definitions.diagnostics import Diagnostic

MOST_FINDINGS = 100

Rule = Callable[[Context], Iterator[Diagnostic]]

RULES: tuple[Rule, ...] = ()


def lint(context: Context) -> list[Diagnostic]:
    """Return the findings of every rule about a definition without errors."""
    return list(islice(chain.from_iterable(rule(context) for rule in RULES), MOST_FINDINGS))


__all__ = ["RULES", "Rule", "lint"]
