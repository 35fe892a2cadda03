"""Advice: what is legal and unwise. Nobody is stopped; `perdure validate` shows it, `--strict` insists on it.

    survey                what the rules look at, computed once
    effects · known       which commands of a script do something to the world, and the table of them
    unchecked_agent · unbounded_agent · secret_for_agent
    effect_before_gate · gate_below_tier · cached_effect
    unbounded_loop · unbounded_gate · unkeyed_items · unused_input · missing_description

A rule is a function from a survey to findings of severity `lint`. A new one is a module here, its line in `RULES`,
its page in `definitions.codes.lint` and its fixture. A rule says nothing where it cannot know.
"""

from collections.abc import Callable, Iterator
from itertools import chain, islice

from definitions.checks.context import Context
from definitions.diagnostics import Diagnostic
from definitions.lint import (
    cached_effect,
    effect_before_gate,
    gate_below_tier,
    missing_description,
    secret_for_agent,
    unbounded_agent,
    unbounded_gate,
    unbounded_loop,
    unchecked_agent,
    unkeyed_items,
    unused_input,
)
from definitions.lint.survey import Survey, survey

MOST_FINDINGS = 100

Rule = Callable[[Survey], Iterator[Diagnostic]]

RULES: tuple[Rule, ...] = (
    unchecked_agent.check,
    unbounded_agent.check,
    secret_for_agent.check,
    effect_before_gate.check,
    gate_below_tier.check,
    cached_effect.check,
    unbounded_loop.check,
    unbounded_gate.check,
    unkeyed_items.check,
    unused_input.check,
    missing_description.check,
)


def lint(context: Context) -> list[Diagnostic]:
    """Return the findings of every rule about a definition without errors."""
    surveyed = survey(context)
    return list(islice(chain.from_iterable(rule(surveyed) for rule in RULES), MOST_FINDINGS))


__all__ = ["MOST_FINDINGS", "RULES", "Rule", "lint"]
