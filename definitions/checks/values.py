"""Values that their types allow and that can never do what they are there for."""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta

from definitions.checks.context import Context, Placed, retry_places
from definitions.diagnostics import Diagnostic
from definitions.inputs import fault_of
from definitions.nodes import Path
from definitions.steps import AgentStep, ApprovalStep, ShellStep
from definitions.steps.approval import Approvers
from definitions.steps.base import CachePolicy

_VARIABLE = re.compile(r"[^=\s\0]+")
_OURS = frozenset({"PERDURE_OUTPUT", "PERDURE_EXECUTION_ID", "PERDURE_STEP"})


def check(context: Context) -> Iterator[Diagnostic]:
    """Yield `bad-variable-name`, `gate-without-approvers`, `duplicate-item`, `path-escapes` and `invalid-value`."""
    yield from _variables(context, context.definition.env, ("env",))
    yield from _no_time(context, context.definition.timeout, ("timeout",))
    yield from _enums(context)
    for placed in context.placed:
        yield from _variables(context, placed.step.env, (*placed.path, "env"))
        yield from _no_time(context, placed.step.timeout, (*placed.path, "timeout"))
        yield from _lists(context, placed)
        yield from _approvers(context, placed)
        yield from _blank(context, placed)
        yield from _globs(context, placed)


def _variables(context: Context, env: dict[str, str], path: Path) -> Iterator[Diagnostic]:
    for name, text in env.items():
        where = (*path, name)
        if not _VARIABLE.fullmatch(name):
            message = f"`{name}` cannot be the name of an environment variable"
            yield context.report("bad-variable-name", message, context.key_span(where), "write letters, digits and `_`")
        elif name in _OURS:
            message = f"`{name}` is set by Perdure for each step"
            yield context.report("bad-variable-name", message, context.key_span(where), "choose another name")
        if "\0" in text and not context.is_broken(where):
            message = f"the value of `{name}` holds a NUL character, which no environment variable can"
            yield context.report("invalid-value", message, context.span_within(where, text.index("\0"), 1), "remove it")


def _no_time(context: Context, timeout: timedelta | None, path: Path) -> Iterator[Diagnostic]:
    if timeout is not None and not timeout and not context.is_broken(path):
        message = "`timeout` must be more than 0"
        yield context.report("invalid-value", message, context.span(path), "leave it out where there is no limit")


def _enums(context: Context) -> Iterator[Diagnostic]:
    for name, declared in context.definition.inputs.items():
        path = ("inputs", name, "enum")
        if declared.enum is None or context.is_broken(("inputs", name)):
            continue
        yield from _twice(context, [repr(item) for item in declared.enum], path)
        free = declared.model_copy(update={"enum": None})
        for index, item in enumerate(declared.enum):
            fault = fault_of(free, item)
            if fault and not context.is_broken((*path, index)):
                message = f"an item of `enum` {fault}"
                yield context.report("invalid-value", message, context.span((*path, index)))


def _lists(context: Context, placed: Placed) -> Iterator[Diagnostic]:
    step, path = placed.step, placed.path
    yield from _twice(context, step.needs or [], (*path, "needs"))
    for where, rule in retry_places(placed):
        yield from _twice(context, rule.on or [], (*where, "on"))
    if isinstance(step, ShellStep):
        yield from _twice(context, [str(code) for code in step.exit_codes], (*path, "exit_codes"))
        if not step.exit_codes and not context.is_mended_below((*path, "exit_codes")):
            message = "no exit code would be a success"
            yield context.report("invalid-value", message, context.span((*path, "exit_codes")), "write `[0]`")
    if isinstance(step, ApprovalStep) and isinstance(step.approvers, Approvers):
        yield from _twice(context, step.approvers.users, (*path, "approvers", "users"))
        yield from _twice(context, step.approvers.groups, (*path, "approvers", "groups"))


def _twice(context: Context, items: Sequence[str], path: Path) -> Iterator[Diagnostic]:
    seen: set[str] = set()
    for index, item in enumerate(items):
        where = (*path, index)
        if item not in seen:
            seen.add(item)
        elif not context.is_broken(where):
            message = f"`{item}` stands twice in `{path[-1]}`"
            yield context.report("duplicate-item", message, context.span(where), "keep one", severity="warning")


def _approvers(context: Context, placed: Placed) -> Iterator[Diagnostic]:
    step, path = placed.step, (*placed.path, "approvers")
    if not isinstance(step, ApprovalStep) or not isinstance(step.approvers, Approvers) or context.is_broken(path):
        return
    for kind, names in (("users", step.approvers.users), ("groups", step.approvers.groups)):
        for index, name in enumerate(names):
            if not name.strip() and not context.is_broken((*path, kind, index)):
                yield context.report("invalid-value", "a name must not be empty", context.span((*path, kind, index)))
    if not step.approvers.users and not step.approvers.groups and not context.is_mended_below(path):
        message = f"nobody could decide at gate `{step.id}`"
        help_ = "name users or groups; without `approvers`, anybody may decide"
        yield context.report("gate-without-approvers", message, context.key_span(path), help_)


def _blank(context: Context, placed: Placed) -> Iterator[Diagnostic]:
    step = placed.step
    key, text = "", "-"
    if isinstance(step, ShellStep):
        key, text = "command", step.command
    elif isinstance(step, AgentStep):
        key, text = "prompt", step.prompt
    if not text.strip() and not context.is_broken((*placed.path, key)):
        yield context.report("invalid-value", f"`{key}` must not be empty", context.span((*placed.path, key)))


def _globs(context: Context, placed: Placed) -> Iterator[Diagnostic]:
    policy = placed.step.cache
    if not isinstance(policy, CachePolicy):
        return
    for index, pattern in enumerate(policy.inputs or ()):
        path = (*placed.path, "cache", "inputs", index)
        if ".." in pattern.split("/") and not context.is_broken(path):
            message = f"the pattern `{pattern}` leads out of the workspace, where no file is looked at"
            yield context.report(
                "path-escapes", message, context.span(path), "write it from the workspace's top folder"
            )
