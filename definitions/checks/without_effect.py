"""Keys that nothing looks at where they stand: a cache, a time limit, a check that a reader would believe in."""

from collections.abc import Iterator

from definitions.checks.context import Context, Placed
from definitions.diagnostics import Diagnostic
from definitions.durations import format_duration
from definitions.nodes import Path, find
from definitions.steps import AgentStep, ApprovalStep, GroupStep

_OF_PROCESSES = frozenset({"env", "artifacts", "outputs", "cache", "cache_key", "use_cache", "security_profile"})
_IGNORED: dict[str, frozenset[str]] = {
    "assert": _OF_PROCESSES | {"timeout"},
    "set": _OF_PROCESSES | {"timeout"},
    "wait": _OF_PROCESSES | {"timeout"},
    "approval": _OF_PROCESSES,
    "group": _OF_PROCESSES,
}
"""By step type: keys of any step that this one does not look at. It has no process and no result of its own to keep."""

_TEXTS = frozenset({"string", "file", "duration"})
_NUMBERS = frozenset({"number", "integer"})


def check(context: Context) -> Iterator[Diagnostic]:
    """Yield `key-without-effect` and `conflicting-keys`."""
    yield from _inputs(context)
    for placed in context.placed:
        yield from _ignored(context, placed)
        yield from _of_type(context, placed)
        yield from _retry(context, placed)
        yield from _cache(context, placed)


def _inputs(context: Context) -> Iterator[Diagnostic]:
    for name, declared in context.definition.inputs.items():
        path = ("inputs", name)
        if declared.required and declared.default is not None:
            message = f"`default` does nothing: input `{name}` is required, so a value is always given"
            yield from _report(context, (*path, "default"), message, "leave `required` out, or `default`")
        if declared.pattern is not None and declared.type not in _TEXTS:
            message = f"`pattern` does nothing: input `{name}` is not a text"
            yield from _report(context, (*path, "pattern"), message, "leave it out")
        for key, bound in (("minimum", declared.minimum), ("maximum", declared.maximum)):
            if bound is not None and declared.type not in _NUMBERS:
                message = f"`{key}` does nothing: input `{name}` is not a number"
                yield from _report(context, (*path, key), message, "write `type: number`, or leave it out")


def _ignored(context: Context, placed: Placed) -> Iterator[Diagnostic]:
    kind = placed.step.type
    for key in sorted(_IGNORED.get(kind, frozenset()) & placed.step.model_fields_set):
        help_ = {
            "outputs": "compute values in a `set` step after it",
            "timeout": "leave it out: it takes no time of its own"
            if kind != "wait"
            else "leave it out: `duration` ends it",
        }.get(key, "leave it out")
        yield from _report(context, (*placed.path, key), f"`{key}` does nothing on {_a(kind)} step", help_)


def _of_type(context: Context, placed: Placed) -> Iterator[Diagnostic]:
    step = placed.step
    given = step.model_fields_set
    if isinstance(step, GroupStep) and step.mode == "sequential" and "merge" in given:
        message = "`merge` does nothing on a sequential group: each step goes on with the files of the one before"
        yield from _report(context, (*placed.path, "merge"), message, "write `mode: parallel`, or leave it out")
    if isinstance(step, ApprovalStep) and step.timeout is None and "on_timeout" in given:
        message = f"`on_timeout` does nothing: gate `{step.id}` has no `timeout`"
        yield from _report(context, (*placed.path, "on_timeout"), message, "add `timeout: 24h`, or leave it out")
    if isinstance(step, AgentStep) and step.provider in ("claude-code", "scripted") and step.command is not None:
        message = f"`command` does nothing with `provider: {step.provider}`"
        yield from _report(context, (*placed.path, "command"), message, "write `provider: command`, or leave it out")


def _retry(context: Context, placed: Placed) -> Iterator[Diagnostic]:
    retry, path = placed.step.retry, (*placed.path, "retry")
    if retry is None:
        return
    if retry.max_attempts == 1 and len(retry.model_fields_set) > 1:
        message = "`retry` does nothing: the first attempt is the only one"
        yield from _report(
            context, (*path, "max_attempts"), message, "`max_attempts` counts the first one; write 2 or more"
        )
    elif retry.on == [] and not context.is_mended_below((*path, "on")):
        yield from _report(context, (*path, "on"), "`retry` does nothing: `on` names no class of failure", "name one")
    elif retry.initial_interval > retry.max_interval and "initial_interval" in retry.model_fields_set:
        most = format_duration(retry.max_interval)
        message = f"`initial_interval` does nothing beyond `max_interval`, so each wait is {most}"
        yield from _report(context, (*path, "initial_interval"), message, "write a longer `max_interval`")


def _cache(context: Context, placed: Placed) -> Iterator[Diagnostic]:
    step = placed.step
    if step.type in _IGNORED:
        return
    off = next((key for key, value in (("use_cache", step.use_cache), ("cache", step.cache)) if value is False), None)
    on = next(
        (key for key in ("cache_key", "cache", "use_cache") if getattr(step, key) not in (None, False) and key != off),
        None,
    )
    if off and on and not context.is_broken((*placed.path, off)) and not context.is_broken((*placed.path, on)):
        message = f"`{off}: false` and `{on}` say the opposite of each other"
        yield context.report("conflicting-keys", message, context.key_span((*placed.path, on)), "keep one of them")


def _report(context: Context, path: Path, message: str, help_: str) -> Iterator[Diagnostic]:
    if context.is_broken(path) or len(find(context.root, path).path) < len(path):
        return
    yield context.report("key-without-effect", message, context.key_span(path), help_, severity="warning")


def _a(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} `{kind}`"
