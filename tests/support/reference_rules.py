"""Rules of the language that need nothing but the definition, as the reference interpreter reads them."""

from collections.abc import Mapping, Sequence
from typing import Any

from definitions.errors import TRANSIENT
from tests.support.outcome_script import micro
from tests.support.reference_notes import Result


def handlers(steps: Sequence[Any]) -> set[str]:
    """A handler is named only by failures, at least once by a step before it."""
    ids = [step.id for step in steps]
    wanted = [step.on_success for step in steps] + [need for step in steps for need in step.needs or []]
    failing = [(step.id, step.on_failure) for step in steps]
    failing += [(step.id, step.loop.on_exhausted) for step in steps if step.loop is not None]
    known = [(name, target) for name, target in failing if target in ids and target not in wanted]
    return {target for name, target in known if ids.index(name) < ids.index(target)}


def is_used_up(step: Any, path: str, error: tuple[str, str]) -> bool:
    """Whether a failure is that of the step's own loop, and the step says what follows then."""
    return (
        step.loop is not None
        and step.loop.on_exhausted not in ("fail", "continue")
        and error == ("loop-exhausted", path)
    )


def is_blocked(step: Any, ends: Mapping[str, Result]) -> bool:
    """A step is skipped when a need that it names failed or was skipped, unless it asks `always()`."""
    asks = step.when is not None and "always()" in step.when
    return not asks and any(ends[need].status in ("failed", "skipped") for need in step.needs or [])


def needs_of(steps: Sequence[Any], step: Any) -> list[str]:
    """What a step waits for: its `needs`, else the step before."""
    if step.needs is not None:
        return list(step.needs)
    index = list(steps).index(step)
    return [steps[index - 1].id] if index else []


def retry_rules(step: Any) -> list[tuple[int, int, float, int, Any]]:
    """Most attempts, first wait, factor, longest wait, classes."""
    written = step.retry if isinstance(step.retry, list) else [step.retry] if step.retry is not None else []
    if not written and step.type == "agent":
        return [(3, 1_000_000, 2.0, 60_000_000, TRANSIENT)]
    return [
        (rule.max_attempts, micro(rule.initial_interval), rule.backoff, micro(rule.max_interval), rule.on)
        for rule in written
    ]
