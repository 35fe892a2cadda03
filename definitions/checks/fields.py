"""Single fields whose rule is more than a type: inputs' declarations, waits, the program of a command agent."""

from collections.abc import Iterator

from definitions.checks.context import Context, Placed
from definitions.diagnostics import Diagnostic
from definitions.durations import parse_duration
from definitions.inputs import NAME_PATTERN, declaration_faults
from definitions.steps import AgentStep, WaitStep
from definitions.templates import OPENING


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
    path = (*placed.path, "duration")
    if not isinstance(placed.step, WaitStep) or placed.step.duration is None or OPENING in placed.step.duration:
        return
    if context.is_broken(path):
        return
    try:
        parse_duration(placed.step.duration)
    except ValueError as error:
        yield context.report("invalid-value", str(error), context.span(path))


def _command_agent(context: Context, placed: Placed) -> Iterator[Diagnostic]:
    step = placed.step
    if isinstance(step, AgentStep) and step.provider == "command" and not step.command:
        path = (*placed.path, "provider")
        message = f"the agent step `{step.id}` has no `command`, which `provider: command` runs"
        if not context.is_broken((*placed.path, "command")):
            yield context.report("missing-key", message, context.span(path), "add `command: [program, argument]`")
