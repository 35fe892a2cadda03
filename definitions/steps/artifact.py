"""`artifact`: publish or fetch an artifact, and nothing else. The keys are those of any step."""

from typing import ClassVar, Literal

from definitions.steps.base import StepBase


class ArtifactStep(StepBase):
    """Give an artifact to all (`publish`), or take one (`fetch`)."""

    queue: ClassVar[Literal["none", "light", "agent"]] = "light"

    type: Literal["artifact"]
