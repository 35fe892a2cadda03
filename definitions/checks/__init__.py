"""Rules over a whole definition that the models cannot state.

context      what a check is given, and how it reports a place
ids          duplicate-step-id, reserved-id, output names
order        needs, dependency-cycle; who has ended before whom
(more below as they land)
"""

from collections.abc import Iterator

from definitions.checks import ids
from definitions.checks.context import Context
from definitions.diagnostics import Diagnostic
from definitions.models import Definition

CHECKS = (ids.check,)

_MOST_FINDINGS = 100


def check(context: Context) -> list[Diagnostic]:
    """Return the findings of every check."""
    return [finding for _, finding in zip(range(_MOST_FINDINGS), _findings(context), strict=False)]


def with_full_references(definition: Definition) -> Definition:
    """Return the definition with `build.outputs.x` written out as `steps.build.outputs.x`."""
    return definition


def _findings(context: Context) -> Iterator[Diagnostic]:
    for one in CHECKS:
        yield from one(context)


__all__ = ["Context", "check", "with_full_references"]
