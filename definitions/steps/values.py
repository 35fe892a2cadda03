"""`set`: pure values, computed in the workflow at no cost."""

from typing import ClassVar, Literal

from pydantic import Field

from definitions.steps.base import StepBase, TemplateValue


class SetStep(StepBase):
    """Compute values; they are the step's outputs."""

    queue: ClassVar[Literal["none", "light", "agent"]] = "none"

    type: Literal["set"]
    values: dict[str, TemplateValue] = Field(min_length=1)
    """Names and what they are worth, evaluated in order, once per visit."""
