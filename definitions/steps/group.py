"""`group`: steps under one id, one after the other or side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from definitions.steps.base import StepBase

if TYPE_CHECKING:
    from definitions.steps import Step


class GroupStep(StepBase):
    """Run steps as one; its outputs are theirs, by id, in declared order."""

    queue: ClassVar[Literal["none", "light", "agent"]] = "none"

    type: Literal["group"]
    mode: Literal["sequential", "parallel", "race"] = "sequential"
    """In order; each in a private copy of the workspace at the same time; or that, until the first has completed."""
    merge: Literal["files", "texts", "outputs"] = "files"
    """What a parallel group keeps of its branches: `files`: what each changed, and no path may be changed in two ways;
    `texts`: also changes of different places of one text; `outputs`: no files."""
    steps: list[Step] = Field(min_length=1)
    """The steps inside."""
