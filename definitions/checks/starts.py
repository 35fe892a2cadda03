"""`loop.start_at`: a step of the group's own list, and only where there is a list in order."""

from collections.abc import Iterator

from definitions.checks.context import Context, Placed
from definitions.diagnostics import Diagnostic
from definitions.steps import GroupStep
from definitions.suggestions import did_you_mean, listed
from definitions.templates import OPENING


def check(context: Context) -> Iterator[Diagnostic]:
    """Yield `unknown-step` and `key-without-effect`."""
    for placed in context.placed:
        if placed.step.loop is not None and placed.step.loop.start_at:
            yield from _of_step(context, placed, placed.step.loop.start_at)


def _of_step(context: Context, placed: Placed, starts: list[str]) -> Iterator[Diagnostic]:
    step, path = placed.step, (*placed.path, "loop", "start_at")
    is_in_order = isinstance(step, GroupStep) and step.mode == "sequential"
    if not isinstance(step, GroupStep) or not is_in_order or any(child.needs is not None for child in step.steps):
        message = f"`start_at` does nothing: the steps of `{step.id}` are no list in order"
        help_ = "it belongs to the loop of a sequential group without `needs`"
        yield context.report("key-without-effect", message, context.key_span(path), help_, severity="warning")
        return
    names = [child.id for child in step.steps]
    for index, name in enumerate(starts):
        if OPENING not in name and name not in names and not context.is_broken((*path, index)):
            help_ = did_you_mean(name, names) or f"there are {listed(names)}"
            message = f"group `{step.id}` has no step `{name}`"
            yield context.report("unknown-step", message, context.span((*path, index)), help_)
