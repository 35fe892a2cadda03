"""Where a list of steps may go besides on to the next: jumps, and the handlers that only jumps lead to."""

from collections.abc import Sequence

from definitions.steps import Step
from definitions.steps.base import FAILURE_WORDS, SUCCESS_WORDS

LOOP_WORDS = ("fail", "continue")


def success_target(step: Step) -> str | None:
    """Return the id of the step that follows when this one ended well, None where none is named."""
    return step.on_success if step.on_success not in (None, *SUCCESS_WORDS) else None


def failure_target(step: Step) -> str | None:
    """Return the id of the step that follows when this one failed, None where none is named."""
    return step.on_failure if step.on_failure not in FAILURE_WORDS else None


def exhausted_target(step: Step) -> str | None:
    """Return the id of the step that follows when the step's loop is used up, None where none is named."""
    if step.loop is None or step.loop.on_exhausted in LOOP_WORDS:
        return None
    return step.loop.on_exhausted


def jumps(step: Step) -> list[str]:
    """Return the ids that a step may jump to."""
    found = (success_target(step), failure_target(step), exhausted_target(step))
    return list(dict.fromkeys(target for target in found if target is not None))


def handlers(steps: Sequence[Step]) -> frozenset[str]:
    """Return the ids of a list's handlers.

    A handler is named only by failures (`on_failure`, `on_exhausted`), at least once by a step before it. It is entered
    by a jump, never by falling through; a step that only later ones jump back to is an ordinary one.
    """
    positions = {step.id: index for index, step in enumerate(steps)}
    by_success = {target for step in steps if (target := success_target(step)) is not None}
    by_success |= {need for step in steps for need in step.needs or []}
    found: set[str] = set()
    for index, step in enumerate(steps):
        for target in (failure_target(step), exhausted_target(step)):
            if target is not None and target not in by_success and index < positions.get(target, -1):
                found.add(target)
    return frozenset(found)
