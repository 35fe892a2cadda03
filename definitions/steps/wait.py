"""`wait`: nothing happens for a while, durably."""

from typing import ClassVar, Literal

from pydantic import Field

from definitions.steps.base import StepBase, Template


class WaitStep(StepBase):
    """Wait for a duration, until a moment, or for a signal; the deadline is kept whatever dies meanwhile."""

    queue: ClassVar[Literal["none", "light", "agent"]] = "none"

    type: Literal["wait"]
    duration: Template | None = None
    """How long: `90s`, `2h`, or a template that gives such a text."""
    until: Template | None = None
    """Until when: a moment such as `2026-12-24T18:00:00Z`, or a template that gives one; a past one is no wait."""
    signal: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,99}$")
    """The name of the signal to wait for; what it carried is the output `payload`. `timeout` bounds the wait."""
