"""`approval`: a gate; the run waits until a person decides."""

from typing import ClassVar, Literal

from pydantic import Field

from definitions.steps.base import StepBase, Template, TemplateValue
from definitions.steps.gates import Approvers


class ApprovalStep(StepBase):
    """Ask for a decision; `timeout` is how long the gate stays open."""

    queue: ClassVar[Literal["none", "light", "agent"]] = "none"

    type: Literal["approval"]
    message: Template = "approve?"
    """What is asked."""
    show: dict[str, TemplateValue] = {}
    """What the person should see; a decision is bound to its digest."""
    approvers: Approvers | Literal["any"] = "any"
    """Who may decide."""
    allow_self: bool = True
    """Whether who started the run may decide."""
    comment: Literal["optional", "required"] = Field(default="optional")
    """Whether a decision must carry a comment."""
    on_timeout: Literal["reject", "approve"] = "reject"
    """What the end of the time means."""


__all__ = ["ApprovalStep", "Approvers"]
