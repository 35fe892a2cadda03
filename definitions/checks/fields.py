"""Single fields whose rule is more than a type: inputs' declarations, waits, the program of a command agent."""

from collections.abc import Iterator
from datetime import datetime

from definitions.checks.context import Context, Placed
from definitions.diagnostics import Diagnostic
from definitions.durations import parse_duration
from definitions.inputs import NAME_PATTERN, declaration_faults
from definitions.steps import AgentStep, WaitStep
from definitions.suggestions import listed
from definitions.templates import OPENING

_ENDS = ("duration", "until", "signal")


def check(context: Context) -> Iterator[Diagnostic]:
    """Yield `invalid-value` and `missing-key` where the models cannot."""
    yield from _inputs(context)
    for placed in context.placed:
        yield from _wait(context, placed)
        yield from _command_agent(context, placed)


def _inputs(context: Context) -> Iterator[Diagnostic]:
    for name, declared in context.definition.inputs.items():
        path = ("inputs", name)
        if not NAME_PATTERN.fullmatch(name):
            help_ = "letters, digits and `_`, a letter first, so that expressions can name it"
            yield context.report(
                "invalid-value", f"`{name}` is not fit for an input's name", context.key_span(path), help_
            )
        for where, message in declaration_faults(declared):
            if not context.is_broken((*path, *where)):
                yield context.report("invalid-value", message, context.span((*path, *where)))


def _wait(context: Context, placed: Placed) -> Iterator[Diagnostic]:
    step = placed.step
    if not isinstance(step, WaitStep) or context.is_mended_below(placed.path):
        return
    given = [key for key in _ENDS if getattr(step, key) is not None]
    if not given:
        message = f"the wait step `{step.id}` does not say what ends it"
        yield context.report(
            "missing-key", message, context.span((*placed.path, "type")), f"add one of {listed(_ENDS)}"
        )
    for key in given[1:]:
        message = f"`{given[0]}` ends the wait already"
        help_ = "for whichever comes first, put two steps into a group with `mode: race`"
        if given[0] == "duration" and key == "signal":
            help_ = "for a signal that may not come, write `timeout` in place of `duration`"
        yield context.report("conflicting-keys", message, context.key_span((*placed.path, key)), help_)
    yield from _moments(context, placed, step)


def _moments(context: Context, placed: Placed, step: WaitStep) -> Iterator[Diagnostic]:
    if step.duration is not None and OPENING not in step.duration:
        try:
            parse_duration(step.duration)
        except ValueError as error:
            yield context.report("invalid-value", str(error), context.span((*placed.path, "duration")))
    if step.until is not None and OPENING not in step.until:
        try:
            datetime.fromisoformat(step.until)
        except ValueError:
            message = f"`{step.until}` is no moment"
            help_ = "write it like `2026-12-24T18:00:00Z`"
            yield context.report("invalid-value", message, context.span((*placed.path, "until")), help_)


def _command_agent(context: Context, placed: Placed) -> Iterator[Diagnostic]:
    step = placed.step
    if isinstance(step, AgentStep) and step.provider == "command" and not step.command:
        path = (*placed.path, "provider")
        message = f"the agent step `{step.id}` has no `command`, which `provider: command` runs"
        if not context.is_broken((*placed.path, "command")):
            yield context.report("missing-key", message, context.span(path), "add `command: [program, argument]`")
