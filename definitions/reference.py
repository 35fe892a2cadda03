"""The parts of the documentation that are made from code: tables of keys, and the page of diagnostics.

`docs/language.md` is prose with tables in it, each between `<!-- keys: NAME -->` and `<!-- end -->`, where NAME is
a step type or another model of the language. `refresh` writes the tables anew; a test holds page and models
together. `docs/diagnostics.md` is made whole.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from definitions.codes import SECTIONS, markdown
from definitions.descriptions import descriptions
from definitions.durations import format_duration
from definitions.errors import ErrorClass
from definitions.models import Definition
from definitions.shape import MODELS, STEP_BY_TYPE
from definitions.steps.base import Holds, Language, StepBase


@dataclass(frozen=True, slots=True)
class Fact:
    """What is known of a key, as Markdown in one line."""

    key: str
    value: str
    default: str
    meaning: str


_BLOCK = re.compile(r"(<!-- keys: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_LANGUAGES = {
    Language.TEMPLATE: "text with `{{ }}`",
    Language.CONDITION: "[condition](#conditions)",
    Language.SHELL: "script with `{{ }}`",
}
_PLAIN: dict[object, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "`true`, `false`",
    timedelta: "[duration](#durations)",
    ErrorClass: "[class of failure](#failures)",
}
_MADE_FROM_EACH_OTHER = ("id", "name")
"""Keys of a definition of which one must be given."""

_PREFACE = """\
# Diagnostics

Whatever Perdure says has a code, and `perdure explain CODE` shows the same text as this page, which is made from
`definitions/codes/`. Of the findings in a definition, errors forbid a start (exit code 7); warnings do not.
"""


def diagnostics_page() -> str:
    """Return `docs/diagnostics.md`."""
    contents: list[str] = []
    pages: list[str] = []
    for section in SECTIONS.values():
        contents += [f"\n**{section.title}**. {section.preface}\n"]
        contents += [f"- [{code.slug}](#{code.slug}): {code.title}" for code in section.codes]
        pages += [markdown(code) for code in section.codes]
    return "\n".join([_PREFACE, *contents, "", *pages])


def refresh(page: str) -> str:
    """Return a page with its tables of keys made anew."""
    return _BLOCK.sub(lambda block: f"{block[1]}{keys_table(block[2])}{block[3]}", page)


def tables_of(page: str) -> list[str]:
    """Return the names of the tables on a page."""
    return [found[2] for found in _BLOCK.finditer(page)]


def keys_table(name: str) -> str:
    """Return the table of the keys of a model."""
    rows = [f"| `{fact.key}` | {fact.value} | {fact.default} | {fact.meaning} |" for fact in facts(name)]
    if not rows:
        return "No keys of its own.\n"
    return "\n".join(["| key | value | default | meaning |", "|---|---|---|---|", *rows]) + "\n"


def facts(name: str) -> list[Fact]:
    """Return what is known of the keys of a model of the language; of a step type its own keys."""
    inherited = StepBase.model_fields if name in STEP_BY_TYPE else {}
    is_declaration = name in ("input", "output")
    found = [fact for fact in facts_of(MODELS[name]) if fact.key not in inherited]
    return [fact for fact in found if fact.key != "type" or is_declaration]


def facts_of(model: type[BaseModel]) -> list[Fact]:
    """Return what is known of the keys of any model."""
    either = _MADE_FROM_EACH_OTHER if model is Definition else ()
    model.model_rebuild()  # models are built when they are first used; before that, a list of steps is only a name
    return [
        Fact(field.alias or key, _kind(field), _default(field) if key not in either else "", _description(model, key))
        for key, field in model.model_fields.items()
    ]


def _kind(field: FieldInfo) -> str:
    held = [one.language for one in field.metadata if isinstance(one, Holds)]
    return _LANGUAGES[held[0]] if held else _words(field.annotation)


def _words(annotation: Any) -> str:
    """Return a type in words."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    if origin is Annotated:
        held = [one.language for one in arguments[1:] if isinstance(one, Holds)]
        return _held(arguments[0], held[0]) if held else _words(arguments[0])
    if origin is Literal:
        return ", ".join(f"`{word}`" for word in arguments)
    if origin in (Union, UnionType):
        if _is_steps(arguments):
            return "steps"
        return " or ".join(_words(one) for one in arguments if one is not NoneType)
    if origin is list:
        inner = _words(arguments[0])
        return "list of steps" if inner == "steps" else f"list of: {inner}"
    if origin is dict:
        return f"mapping, each: {_words(arguments[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        name = name_of(annotation)
        return f"[{name.replace('-', ' ')}](#{name})"
    return "any value"


def _held(annotation: Any, language: Language) -> str:
    return _LANGUAGES[language] if annotation is str else "any value, texts with `{{ }}`"


def _is_steps(arguments: tuple[Any, ...]) -> bool:
    return all(isinstance(one, type) and issubclass(one, StepBase) for one in arguments)


def name_of(model: type[BaseModel]) -> str:
    """Return the name that documentation gives a model: its own, or for others the class's in lower case."""
    words = re.sub(r"(?<!^)(?=[A-Z])", "-", model.__name__).lower()
    return next((name for name, known in MODELS.items() if known is model), words)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value: Any = field.default
    if value is None or value is PydanticUndefined or isinstance(value, BaseModel) or value in ({}, [], ""):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{format_duration(value) if isinstance(value, timedelta) else value}`"


def _description(model: type[BaseModel], key: str) -> str:
    return " ".join(descriptions(model).get(key, "").split()).replace("|", "\\|")
