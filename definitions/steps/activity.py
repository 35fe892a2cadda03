"""`activity`: any Temporal activity, by its name, in any language."""

from typing import ClassVar, Literal

from pydantic import Field

from definitions.durations import Duration
from definitions.steps.base import StepBase, TemplateValue


class ActivityStep(StepBase):
    """Call an activity that some worker has registered; what it returns is the output `result`."""

    queue: ClassVar[Literal["none", "light", "agent"]] = "none"

    type: Literal["activity"]
    activity: str = Field(min_length=1, max_length=500)
    """The name under which the worker registered it."""
    task_queue: str | None = Field(default=None, min_length=1, max_length=500)
    """The task queue that the worker polls. Absent: the run's own."""
    arguments: list[TemplateValue] = []
    """What it is called with, in order, each as JSON."""
    heartbeat_timeout: Duration | None = None
    """After how long without a heartbeat the worker counts as lost. Absent: heartbeats are not expected."""
