"""`approval`: a gate; the run waits until a person decides."""

from typing import ClassVar, Literal

from pydantic import Field

from definitions.steps.base import Model, StepBase, Template, TemplateValue


class Approvers(Model):
    """Who may decide: any of these."""

    users: list[str] = []
    """Names of people."""
    groups: list[str] = []
    """Names of groups."""


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
