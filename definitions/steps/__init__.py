"""One model a step type; `Step` is their union, told apart by `type`.

To add a type: a module here with the model, its line in `Step`, and, where it has an effect, the
module of the same name in `activities/executors/`.
"""

from typing import Annotated

from pydantic import Field

from definitions.steps.agent import AgentStep
from definitions.steps.approval import ApprovalStep
from definitions.steps.assertion import AssertStep
from definitions.steps.group import GroupStep
from definitions.steps.shell import ShellStep
from definitions.steps.values import SetStep
from definitions.steps.wait import WaitStep

Step = Annotated[
    ShellStep | AgentStep | AssertStep | ApprovalStep | SetStep | WaitStep | GroupStep,
    Field(discriminator="type"),
]

STEP_MODELS = (ShellStep, AgentStep, AssertStep, ApprovalStep, SetStep, WaitStep, GroupStep)

GroupStep.model_rebuild(_types_namespace={"Step": Step})

__all__ = [
    "STEP_MODELS",
    "AgentStep",
    "ApprovalStep",
    "AssertStep",
    "GroupStep",
    "SetStep",
    "ShellStep",
    "Step",
    "WaitStep",
]
