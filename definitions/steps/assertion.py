"""`assert`: a condition that must hold."""

from typing import ClassVar, Literal

from definitions.steps.base import Condition, StepBase, Template


class AssertStep(StepBase):
    """Fail with a message where the condition is false."""

    queue: ClassVar[Literal["none", "light", "agent"]] = "none"

    type: Literal["assert"]
    condition: Condition
    """What must be true. With a function that reads files it is evaluated by an activity."""
    message: Template = "the condition is false"
    """What a person reads when it does not hold."""
