"""Which texts a step holds, in which language, and which part of the scope they refer to.

Driven by the `Holds` marks in the models' annotations, so a new field or step type needs nothing here.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Union, cast, get_args, get_origin

from pydantic import BaseModel, JsonValue

from definitions.errors import ExpressionError
from definitions.evaluation import Scope
from definitions.expressions import Expression, Reference, parse_condition
from definitions.expressions.paths import ROOTS, Key
from definitions.steps.base import Holds, Language, StepBase
from definitions.stored_values import is_file_reference, is_value_reference
from definitions.templates import OPENING, parse_template

Place = tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class FieldText:
    """A text of a step: where it stands in the step as written, and what it is."""

    path: Place
    language: Language
    text: str

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """Return the expressions in it.

        Raises:
            ExpressionError: the text is not valid.
        """
        if self.language is Language.CONDITION:
            return (parse_condition(self.text),)
        return parse_template(self.text).expressions if OPENING in self.text else ()

    @property
    def references(self) -> tuple[Reference, ...]:
        """Return what it refers to, with positions in its text.

        Raises:
            ExpressionError: the text is not valid.
        """
        if self.language is Language.CONDITION:
            return parse_condition(self.text).references
        return parse_template(self.text).references if OPENING in self.text else ()


def texts(step: BaseModel) -> Iterator[FieldText]:
    """Yield the texts of a step (or any model of the language), not those of steps inside it."""
    for name, key, shape in _shapes(type(step)):
        yield from _walk(getattr(step, name), shape, (key,))


def references(step: BaseModel) -> frozenset[tuple[str, ...]]:
    """Return the paths in the scope that a step's texts refer to; a bare step id is written out.

    Raises:
        ExpressionError: a text is not valid.
    """
    return references_of(texts(step))


def references_of(found: Iterable[FieldText]) -> frozenset[tuple[str, ...]]:
    """Return the paths in the scope that these texts refer to.

    Raises:
        ExpressionError: a text is not valid.
    """
    return frozenset(scope_path(reference) for text in found for reference in text.references)


def scope_path(reference: Reference) -> tuple[str, ...]:
    """Return a reference's path in the scope as far as it consists of names."""
    names: list[str] = []
    for part in reference.parts:
        if not isinstance(part, str):
            break
        names.append(part)
    return tuple(names) if names[0] in ROOTS else ("steps", *names)


def reads_files(found: Iterable[FieldText]) -> bool:
    """Whether one of these texts calls a function that reads files.

    Raises:
        ExpressionError: a text is not valid.
    """
    return any(expression.reads_files for text in found for expression in text.expressions)


def project(scope: Scope, paths: Iterable[tuple[str, ...]]) -> dict[str, JsonValue]:
    """Return the part of `scope` that the paths name; what is not there stays away, holders up to it remain."""
    projected: dict[str, JsonValue] = {}
    for path in sorted(paths):
        _copy(scope, projected, path)
        if path[0] == "steps" and len(path) > 1 and path[1] in scope:
            _copy(scope, projected, path[1:])
    return projected


def _copy(source: Mapping[str, JsonValue], target: dict[str, JsonValue], path: tuple[str, ...]) -> None:
    """Copy what `path` names; sorted paths come holder first, so a whole that is there already is left."""
    for index, name in enumerate(path):
        if name not in source:
            return
        value = source[name]
        is_leaf = index == len(path) - 1 or not isinstance(value, Mapping)
        if is_leaf or is_file_reference(value) or is_value_reference(value):
            target[name] = value
            return
        inner = target.setdefault(name, {})
        if inner is value:
            return
        source, target = cast("Mapping[str, JsonValue]", value), cast("dict[str, JsonValue]", inner)


# --- shapes: where in a model's fields marked texts are ---------------------------------------------


@dataclass(frozen=True, slots=True)
class _Text:
    language: Language


@dataclass(frozen=True, slots=True)
class _Items:
    inner: "_Shape"


@dataclass(frozen=True, slots=True)
class _Entries:
    inner: "_Shape"


@dataclass(frozen=True, slots=True)
class _Choice:
    arms: "tuple[_Shape, ...]"


@dataclass(frozen=True, slots=True)
class _Inside:
    """A model with marked texts of its own."""


_Shape = _Text | _Items | _Entries | _Choice | _Inside


@lru_cache(maxsize=256)
def _shapes(model: type[BaseModel]) -> tuple[tuple[str, str, _Shape], ...]:
    found: list[tuple[str, str, _Shape]] = []
    for name, field in model.model_fields.items():
        shape = _marked(field.metadata) or _shape(field.annotation)
        if shape is not None:
            found.append((name, field.alias or name, shape))
    return tuple(found)


def _marked(metadata: Iterable[object]) -> _Shape | None:
    return next((_Text(mark.language) for mark in metadata if isinstance(mark, Holds)), None)


def _shape(annotation: Any) -> _Shape | None:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _marked(arguments[1:]) or _shape(arguments[0])
    if origin in (Union, UnionType):
        arms = tuple(shape for shape in map(_shape, arguments) if shape is not None)
        return _Choice(arms) if arms else None
    if origin in (list, tuple):
        inner = _shape(arguments[0])
        return _Items(inner) if inner else None
    if origin is dict:
        inner = _shape(arguments[1])
        return _Entries(inner) if inner else None
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and not issubclass(annotation, StepBase):
        return _Inside() if _shapes(annotation) else None
    return None


def _walk(value: object, shape: _Shape, path: Place) -> Iterator[FieldText]:
    match shape:
        case _Text(language):
            yield from _strings(value, language, path)
        case _Items(inner) if isinstance(value, list | tuple):
            for index, item in enumerate(cast("list[object]", value)):
                yield from _walk(item, inner, (*path, index))
        case _Entries(inner) if isinstance(value, dict):
            for key, item in cast("dict[str, object]", value).items():
                yield from _walk(item, inner, (*path, key))
        case _Choice(arms):
            for arm in arms:
                yield from _walk(value, arm, path)
        case _Inside() if isinstance(value, BaseModel):
            for found in texts(value):
                yield FieldText((*path, *found.path), found.language, found.text)
        case _:
            return


def _strings(value: object, language: Language, path: Place) -> Iterator[FieldText]:
    if isinstance(value, str):
        yield FieldText(path, language, value)
    elif isinstance(value, list):
        for index, item in enumerate(cast("list[object]", value)):
            yield from _strings(item, language, (*path, index))
    elif isinstance(value, dict):
        for key, item in cast("dict[str, object]", value).items():
            yield from _strings(item, language, (*path, key))


__all__ = [
    "ExpressionError",
    "FieldText",
    "project",
    "reads_files",
    "references",
    "references_of",
    "scope_path",
    "texts",
]
