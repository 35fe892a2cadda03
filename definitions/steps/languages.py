"""Which language a field's text is in, and the base of the language's models.

A field annotated with `Holds(Language.X)` is found by everything that must read it: static checks,
references, rendering. A new step type therefore needs no change anywhere else for its templates to work.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, JsonValue


class Language(StrEnum):
    """What the text of a field is."""

    TEMPLATE = "template"  # text with `{{ expr }}`
    CONDITION = "condition"  # an expression that must give a boolean; `{{ e }}` in it is the value in brackets
    SHELL = "shell"  # script text: a `{{ expr }}` becomes an environment variable, never text


@dataclass(frozen=True, slots=True)
class Holds:
    """Marks a field's text (or each string inside it) as written in a language."""

    language: Language


Template = Annotated[str, Holds(Language.TEMPLATE)]
TemplateValue = Annotated[JsonValue, Holds(Language.TEMPLATE)]
Condition = Annotated[str, Holds(Language.CONDITION)]
ShellText = Annotated[str, Holds(Language.SHELL)]


class Model(BaseModel):
    """Base of the language's models: frozen, unknown keys are errors, keys `x-…` are dropped by the loader.

    The text under a field is its description, read by `definitions.descriptions`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
