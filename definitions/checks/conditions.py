"""Conditions that can never be true or false: a text or number where a boolean is wanted.

What the expression alone tells is found when it is parsed; here are the conditions that are nothing but one
reference, whose type the definition knows.
"""

from collections.abc import Iterator, Sequence

from definitions.checks.context import Context
from definitions.checks.texts import Parsed
from definitions.diagnostics import Diagnostic
from definitions.expressions import Reference
from definitions.steps import ShellStep
from definitions.steps.base import Language

_TEXTS = frozenset({"string", "file", "duration"})
_OWN_TYPES = {"stdout": "a text", "exit_code": "a number"}


def check(context: Context, found: Sequence[Parsed]) -> Iterator[Diagnostic]:
    """Yield `condition-not-boolean`."""
    for parsed in found:
        if parsed.language is not Language.CONDITION or len(parsed.references) != 1:
            continue
        reference = parsed.references[0]
        if not _is_all_there_is(parsed.text, reference):
            continue
        kind = _type_of(context, reference)
        if kind:
            written = parsed.text[reference.position : reference.end]
            message = f"`{written}` is {kind}, and a condition must be true or false"
            span = context.span_within(parsed.path, reference.position, reference.end - reference.position)
            other = "1" if kind == "a number" else "'…'"
            help_ = f"compare it: `{written} == {other}`"
            yield context.report("condition-not-boolean", message, span, help_)


def _is_all_there_is(text: str, reference: Reference) -> bool:
    rest = text[: reference.position] + text[reference.end :]
    return not rest.strip(" \t\n{}()")


def _type_of(context: Context, reference: Reference) -> str | None:
    """Return what a reference surely is, in words; None where it may be a boolean."""
    match reference.parts:
        case ("inputs", str(name)) if name in context.definition.inputs:
            return _input_type(context.definition.inputs[name].type)
        case ("env", str(_)):
            return "a text"
        case ("run", str(_)):
            return "a text"
        case ("steps", str(step), "status") | (str(step), "status") if step in context.by_id:
            return "a text"
        case ("steps", str(step), "outputs", str(name)) | (str(step), "outputs", str(name)) if step in context.by_id:
            owner = context.by_id[step].step
            return _OWN_TYPES.get(name) if isinstance(owner, ShellStep) and name not in owner.outputs else None
        case _:
            return None


def _input_type(kind: str) -> str | None:
    if kind == "boolean":
        return None
    if kind in _TEXTS:
        return "a text"
    return {"number": "a number", "integer": "a number", "array": "a list"}.get(kind, "an object")
