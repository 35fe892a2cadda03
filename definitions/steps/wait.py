"""`wait`: nothing happens for a while, durably."""

from typing import ClassVar, Literal

from definitions.steps.base import StepBase, Template


class WaitStep(StepBase):
    """Wait for a duration; the deadline is kept whatever dies meanwhile."""

    queue: ClassVar[Literal["none", "light", "agent"]] = "none"

    type: Literal["wait"]
    duration: Template
    """How long: `90s`, `2h`, or a template that gives such a text."""
