"""A step with its templates resolved: what an executor is given.

Every field that holds templates is found by its marker, so a new step type needs nothing here. Not touched:
conditions and gates (the interpreter's), `outputs` and `store` (made after the step), and shell text (compiled, never
pasted).
"""

from typing import Any, cast

from pydantic import JsonValue, TypeAdapter

from definitions.expressions import FileReader
from definitions.references import texts
from definitions.secrets import secret_named
from definitions.shell_values import bind, bound_text, compile_script
from definitions.steps import ShellStep, Step
from definitions.steps.base import Language
from definitions.steps.sharing import is_made_after
from definitions.templates import render_value, to_text

_STEP: TypeAdapter[Step] = TypeAdapter(Step)
_NOT_THE_ATTEMPTS = frozenset({"outputs", "store", "approval", "accept", "for_each", "loop"})
"""Made after the step, or by the interpreter around it."""
_KEEPS_TYPE = frozenset({"inputs", "options", "values", "show"})
"""Fields of any JSON type; everywhere else a template's value becomes text."""


def parse_step(step: dict[str, JsonValue]) -> Step:
    """Return a normalised step as its model."""
    return _STEP.validate_python(step)


def render_step(step: Step, scope: dict[str, JsonValue], files: FileReader | None) -> tuple[Step, dict[str, str]]:
    """Return the step with its templates resolved, and the variables that its script refers to.

    Raises:
        ExpressionError: A template cannot be evaluated on these values.
        FilesNeeded: One reads a file, and there is no `files`.
    """
    body: dict[str, JsonValue] = step.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    for text in texts(step):
        field = str(text.path[0])
        if text.language is not Language.TEMPLATE or field in _NOT_THE_ATTEMPTS:
            continue
        if is_made_after(text.path):
            continue
        if field == "env" and secret_named(text.text) is not None:
            continue  # the reference stays: whoever starts the process resolves it
        value = render_value(text.text, scope, files)
        _put(body, text.path, value if field in _KEEPS_TYPE else to_text(value))
    bindings: dict[str, str] = {}
    if isinstance(step, ShellStep):
        script = compile_script(step.command, step.shell)
        bindings = bind(script, scope, files)
        body["command"] = bound_text(script, bindings)
    return parse_step(body), bindings


def _put(body: dict[str, JsonValue], path: tuple[str | int, ...], value: JsonValue) -> None:
    place: Any = body
    for part in path[:-1]:
        if isinstance(place, dict) and part not in place:
            return  # a default, which is the same for every run and holds no template
        place = cast("Any", place)[part]
    place[path[-1]] = value
