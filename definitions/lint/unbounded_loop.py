"""`unbounded-loop`: a step that may be done so often that nobody waits for its end."""

from collections.abc import Iterator

from definitions.checks.context import Placed
from definitions.diagnostics import Diagnostic
from definitions.lint.survey import Survey, is_ended_from_outside

MANY_ATTEMPTS = 100
MANY_ITERATIONS = 1000


def check(survey: Survey) -> Iterator[Diagnostic]:
    """Yield a finding for each repetition with neither a bound that means something nor a time limit."""
    for placed in survey.context.placed:
        bound = _bound(placed)
        if bound and not is_ended_from_outside(survey.context, placed):
            message, path = bound
            yield survey.report(
                "unbounded-loop",
                message,
                survey.context.span((*placed.path, *path)),
                "give a smaller number, or a `timeout` to the definition or a group around the step",
            )


def _bound(placed: Placed) -> tuple[str, tuple[str | int, ...]] | None:
    """Return what is said about a step's repetition, and where it is written."""
    step = placed.step
    for number, rule in enumerate(step.retry_rules):
        if rule.max_attempts >= MANY_ATTEMPTS:
            message = f"`{step.id}` may be tried {rule.max_attempts} times, and no time limit ends it"
            place = (number,) if isinstance(step.retry, list) else ()
            return message, ("retry", *place, "max_attempts")
    if step.loop is None or step.loop.max_iterations < MANY_ITERATIONS or step.timeout is not None:
        return None  # with a loop, `timeout` is the time of the whole
    times = step.loop.max_iterations
    message = f"the loop of `{step.id}` may go round {times} times, and no time limit ends it"
    return message, ("loop", "max_iterations")
