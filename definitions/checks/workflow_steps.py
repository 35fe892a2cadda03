"""`workflow` steps against the definitions that they run: inputs that exist, are all there, and fit."""

from collections.abc import Iterator

from pydantic import JsonValue

from definitions.checks.context import Context, Placed
from definitions.diagnostics import Diagnostic
from definitions.inputs import fault_of
from definitions.models import Definition, Input
from definitions.nodes import Path
from definitions.steps import WorkflowStep
from definitions.suggestions import did_you_mean, listed
from definitions.templates import OPENING
from definitions.types import TypeScope
from definitions.types.scope import INPUT_TYPES
from definitions.types.type import Type


def check(context: Context) -> Iterator[Diagnostic]:
    """Yield `unknown-input`, `missing-input`, `invalid-input` and `type-mismatch` of the inputs given to others."""
    found = [placed for placed in context.placed if isinstance(placed.step, WorkflowStep)]
    if not found or not context.library:
        return
    scope = TypeScope(context.definition, context.is_broken, context.library)
    for placed in found:
        yield from _inputs(context, placed, scope)


def _inputs(context: Context, placed: Placed, scope: TypeScope) -> Iterator[Diagnostic]:
    step = placed.step
    assert isinstance(step, WorkflowStep)  # noqa: S101 - `check` looked
    definition = context.library.get(step.definition)
    path = (*placed.path, "inputs")
    if definition is None or context.is_mended_below(path):
        return
    for name, value in step.inputs.items():
        declared = definition.inputs.get(name)
        if declared is None:
            yield _unknown(context, definition, name, (*path, name))
        else:
            yield from _fits(context, name, declared, value, (*path, name), scope)
    for name, declared in definition.inputs.items():
        if declared.is_required and step.inputs.get(name) is None:
            message = f"`{definition.id}` needs the input `{name}`"
            span = context.span((*placed.path, "definition"))
            yield context.report("missing-input", message, span, f"add `{name}:` under `inputs`")


def _unknown(context: Context, definition: Definition, name: str, path: Path) -> Diagnostic:
    known = list(definition.inputs)
    help_ = did_you_mean(name, known) or (f"the inputs are {listed(known)}" if known else "it takes no inputs")
    return context.report("unknown-input", f"`{definition.id}` has no input `{name}`", context.key_span(path), help_)


def _fits(
    context: Context, name: str, declared: Input, value: JsonValue, path: Path, scope: TypeScope
) -> Iterator[Diagnostic]:
    if value is None:
        return  # no value: its default, or said as missing
    if not _has_template(value):
        fault = fault_of(declared, value)
        if fault:
            yield context.report("invalid-input", f"input `{name}` {fault}", context.span(path), declared.description)
        return
    given = scope.value(value, path)
    wanted = INPUT_TYPES[declared.type]
    if not wanted.is_known:
        return
    kinds = wanted.kinds | ({"string"} if declared.type == "file" else set[str]())
    if given.is_known and given.present.kinds and not given.may_be(*kinds):
        message = f"input `{name}` is {_in_words(kinds)}, and this gives {given.in_words}"
        yield context.report("type-mismatch", message, context.span(path), declared.description)


def _in_words(kinds: frozenset[str]) -> str:
    return Type(kinds).in_words


def _has_template(value: JsonValue) -> bool:
    if isinstance(value, str):
        return OPENING in value
    inner = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []
    return any(_has_template(one) for one in inner)
