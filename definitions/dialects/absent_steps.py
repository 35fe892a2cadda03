"""In the dialects a step that did not run is worth null; inside a longer text it is an empty text.

    {{ steps.a.outputs.owner }}      {{ (steps.a.outputs.owner if exists(steps.a.outputs) else null) }}
    … {{ steps.a.outputs.owner }} …  … {{ (steps.a.outputs.owner if exists(steps.a.outputs) else "") }} …

Only where the checks say that the step may not have run, and of errors, which steps that went well do not have. A field
that the result of a step that ran does not have stays a failure that names it. Done on the definition that has been
checked, so that findings are about what the author wrote.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

from pydantic import JsonValue

from definitions.expressions import Expression, Reference, parse_condition
from definitions.models import Definition
from definitions.nodes import Path
from definitions.references import FieldText, texts
from definitions.steps import Step, lists_of
from definitions.steps.base import Language
from definitions.templates import OPENING, Placeholder, Template, parse_template

_WantsGuard = Callable[[Reference, int], bool]
_FIELD = 2
"""Parts of a reference that is guarded as a whole: `steps.ID`; one more is a field of it."""


IsDoubtful = Callable[[Path, Reference, int], bool]
"""Whether the step of a reference may not have run: the text's path, the reference, where its expression begins."""


def tolerated(definition: Definition, is_doubtful: IsDoubtful) -> Definition:
    """Return the definition with every look at a result that may not be there guarded."""
    body: JsonValue = definition.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    for path, found in _texts(definition):

        def wants_guard(reference: Reference, offset: int, path: Path = path) -> bool:
            return reference.parts[2:3] == ("error",) or is_doubtful(path, reference, offset)

        _put(body, path, _guarded(found, wants_guard))
    return Definition.model_validate_json(json.dumps(body), strict=True)


def _texts(definition: Definition) -> Iterator[tuple[Path, FieldText]]:
    for found in texts(definition):
        if found.path[:1] != ("steps",):
            yield found.path, found
    yield from _texts_of_steps(definition.steps, ("steps",))


def _texts_of_steps(steps: Sequence[Step], path: Path) -> Iterator[tuple[Path, FieldText]]:
    for index, step in enumerate(steps):
        for found in texts(step):
            yield (*path, index, *found.path), found
        for keys, inner in lists_of(step):
            yield from _texts_of_steps(inner, (*path, index, *keys))


def _guarded(found: FieldText, wants_guard: _WantsGuard) -> str:
    if found.language is Language.CONDITION:
        return _expression(found.text, parse_condition(found.text), "null", lambda one: wants_guard(one, 0))
    if OPENING not in found.text:
        return found.text
    template = parse_template(found.text)
    return "".join(
        part if isinstance(part, str) else _placeholder(part, template, wants_guard) for part in template.parts
    )


def _placeholder(part: Placeholder, template: Template, wants_guard: _WantsGuard) -> str:
    text = part.expression.text
    references = part.expression.references
    is_only = len(references) == 1 and text.strip() == text[references[0].position : _end(text, references[0])]
    otherwise = '""' if is_only and not template.is_single else "null"
    guarded = _expression(text, part.expression, otherwise, lambda one: wants_guard(one, part.inside))
    return f"{{{{{guarded}}}}}"


def _expression(text: str, expression: Expression, otherwise: str, wants_guard: Callable[[Reference], bool]) -> str:
    for reference in sorted(expression.references, key=lambda one: one.position, reverse=True):
        is_of_a_step = reference.parts[0] == "steps" and len(reference.parts) > 1 and not reference.has_default
        if is_of_a_step and wants_guard(reference):
            text = text[: reference.position] + _guard(text, reference, otherwise) + text[_end(text, reference) :]
    return text


def _guard(text: str, reference: Reference, otherwise: str) -> str:
    written = text[reference.position : _end(text, reference)]
    if len(reference.parts) <= _FIELD + 1:
        return f"default({written}, {otherwise})"
    field = text[reference.position : _end(text, reference, _FIELD + 1)]
    return f"({written} if exists({field}) else {otherwise})"


def _end(text: str, reference: Reference, parts: int = 0) -> int:
    """Return where a reference, or its first parts, end, with the bracket that closes the last."""
    start, end = reference.spans[parts - 1]
    rest = text[end:]
    if rest.lstrip().startswith("]") and text[:start].rstrip().endswith("["):
        end += len(rest) - len(rest.lstrip()) + 1
    return end


def _put(body: JsonValue, path: Path, text: str) -> None:
    place: Any = body
    for part in path[:-1]:
        if isinstance(place, dict) and part not in place:
            return  # a default, which looks at no step
        place = cast("Any", place)[part]
    if not isinstance(place, dict) or path[-1] in place:
        place[path[-1]] = text
