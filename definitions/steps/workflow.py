"""`workflow`: another definition, run as a part of this run, or as a run of its own."""

from typing import ClassVar, Literal

from pydantic import Field

from definitions.steps.base import StepBase, TemplateValue


class WorkflowStep(StepBase):
    """Run another definition under this step's path; its outputs are the step's."""

    queue: ClassVar[Literal["none", "light", "agent"]] = "none"

    type: Literal["workflow"]
    definition: str = Field(min_length=1, max_length=500)
    """Which: a file beside this one (`./lint.yaml`), or a name of the catalog or the worker's folder."""
    inputs: dict[str, TemplateValue] = {}
    """Its inputs, by name."""
    detach: bool = False
    """Start a run of its own and do not wait for it; the output is its `execution_id`."""
