"""Keys that nothing looks at where they stand: a cache, a time limit, a check that a reader would believe in."""

from collections.abc import Iterator

from definitions.checks.context import Context, Placed, retry_places
from definitions.diagnostics import Diagnostic
from definitions.durations import format_duration
from definitions.nodes import Path, find
from definitions.steps import AgentStep, ApprovalStep, ArtifactStep, GroupStep, Step, WaitStep

_OF_PROCESSES = frozenset(
    {"env", "artifacts", "publish", "fetch", "cache", "cache_key", "use_cache", "security_profile"}
)
_IGNORED: dict[str, frozenset[str]] = {
    "assert": _OF_PROCESSES,
    "set": _OF_PROCESSES,
    "wait": _OF_PROCESSES,
    "approval": _OF_PROCESSES,
    "group": _OF_PROCESSES,
    "workflow": _OF_PROCESSES,
    "activity": _OF_PROCESSES,
}
"""By step type: keys of any step that this one does not look at: it has no process of its own."""

_OF_ARTIFACTS = _OF_PROCESSES - {"publish", "fetch"}

_TEXTS = frozenset({"string", "file", "artifact", "duration"})
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
    unread = _OF_ARTIFACTS if isinstance(placed.step, ArtifactStep) else _IGNORED.get(kind, frozenset())
    for key in sorted(unread & placed.step.model_fields_set):
        yield from _report(context, (*placed.path, key), f"`{key}` does nothing on {_a(kind)} step", "leave it out")
    if placed.step.timeout is not None and _takes_no_time(placed.step):
        ends = "leave it out: " + ("it ends by itself" if kind == "wait" else "it takes no time of its own")
        yield from _report(context, (*placed.path, "timeout"), f"`timeout` does nothing on {_a(kind)} step", ends)


def _takes_no_time(step: Step) -> bool:
    """Whether a time limit could never end a step: not where it bounds a loop, or the wait for a signal."""
    if step.loop is not None:
        return False
    return step.type in ("assert", "set") or (isinstance(step, WaitStep) and step.signal is None)


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
    taken: set[str] | None = set()
    for path, retry in retry_places(placed):
        if taken is None or (retry.on and taken.issuperset(retry.on)):
            message = "this rule never counts: the rules before it take every failure that it is for"
            yield from _report(context, path, message, "put it first, or leave it out")
        elif retry.max_attempts == 1 and retry.model_fields_set - _of_an_exception(placed):
            message = "`retry` does nothing: the first attempt is the only one"
            yield from _report(
                context, (*path, "max_attempts"), message, "`max_attempts` counts the first one; write 2 or more"
            )
        elif retry.on == [] and not context.is_mended_below((*path, "on")):
            yield from _report(
                context, (*path, "on"), "`retry` does nothing: `on` names no class of failure", "name one"
            )
        elif retry.initial_interval > retry.max_interval and "initial_interval" in retry.model_fields_set:
            most = format_duration(retry.max_interval)
            message = f"`initial_interval` does nothing beyond `max_interval`, so each wait is {most}"
            yield from _report(context, (*path, "initial_interval"), message, "write a longer `max_interval`")
        taken = None if taken is None or retry.on is None else taken | set(retry.on)


def _of_an_exception(placed: Placed) -> set[str]:
    """Return the keys of a rule that takes some failures out: only in a list does it mean something."""
    return {"max_attempts", "on"} if isinstance(placed.step.retry, list) else {"max_attempts"}


def _cache(context: Context, placed: Placed) -> Iterator[Diagnostic]:
    step = placed.step
    if step.type in _IGNORED or isinstance(step, ArtifactStep):
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
