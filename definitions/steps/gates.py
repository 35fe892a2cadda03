"""Gates: what a person is asked, and who may answer. A gate is a step of its own, stands before a step, or after it.

type: approval      the step is the gate                         steps/approval.py
approval: {…}       asked before the step, when its `when` holds
accept: {…}         asked over what the step produced
"""

from typing import Literal

from pydantic import Field

from definitions.durations import Duration
from definitions.steps.languages import Model, Template, TemplateValue

NAME_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]{0,99}$"


class Approvers(Model):
    """Who may decide: any of these."""

    users: list[str] = []
    """Names of people."""
    groups: list[str] = []
    """Names of groups."""


class Approval(Model):
    """A gate before a step: the step runs when somebody has agreed. It is asked even where the step is cached."""

    message: Template = "go on?"
    """What is asked."""
    show: dict[str, TemplateValue] = {}
    """What the person should see; a decision is bound to its digest."""
    approvers: Approvers | Literal["any"] = "any"
    """Who may decide."""
    allow_self: bool = True
    """Whether who started the run may decide."""
    comment: Literal["optional", "required"] = Field(default="optional")
    """Whether a decision must carry a comment."""
    timeout: Duration | None = None
    """How long the gate stays open. Absent: until somebody decides, or the run ends."""
    on_timeout: Literal["reject", "approve"] = "reject"
    """What the end of the time means."""


class Accept(Model):
    """A gate after a step: it has completed when somebody has accepted what it produced."""

    doc_type: str | None = Field(default=None, pattern=NAME_PATTERN)
    """What kind of document it is; the decision carries it, and `acceptors` at the top are found by it."""
    acceptors: Approvers | Literal["any"] | None = None
    """Who may decide. Absent: who the definition's `acceptors` name for the `doc_type`, else anybody."""
    on_reject: Literal["fail", "rework"] = "fail"
    """`fail`: the step has failed; `rework`: it is visited again, with the comment as `steps.ID.feedback`."""
    message: Template = "accept?"
    """What is asked."""
    show: dict[str, TemplateValue] = {}
    """What the person should see. Absent: the documents that the step stores, else its outputs."""
    allow_self: bool = True
    """Whether who started the run may decide."""
    comment: Literal["optional", "required"] = Field(default="optional")
    """Whether a decision must carry a comment."""
    timeout: Duration | None = None
    """How long the gate stays open. Absent: until somebody decides, or the run ends."""
    on_timeout: Literal["reject", "approve"] = "reject"
    """What the end of the time means; `reject` fails the step, for nobody said what to rework."""
