"""One model a step type; `Step` is their union, told apart by `type`.

To add a type: a module here with the model, its line in `Step`, and, where it has an effect, the
module of the same name in `activities/executors/`.
"""

from collections.abc import Iterable, Iterator
from typing import Annotated

from pydantic import Field

from definitions.steps import control, group
from definitions.steps.activity import ActivityStep
from definitions.steps.agent import AgentStep
from definitions.steps.approval import ApprovalStep
from definitions.steps.artifact import ArtifactStep
from definitions.steps.assertion import AssertStep
from definitions.steps.group import GroupStep
from definitions.steps.plugin import PluginStep
from definitions.steps.shell import ShellStep
from definitions.steps.values import SetStep
from definitions.steps.wait import WaitStep
from definitions.steps.workflow import WorkflowStep

Step = Annotated[
    ShellStep
    | AgentStep
    | AssertStep
    | ApprovalStep
    | SetStep
    | WaitStep
    | GroupStep
    | WorkflowStep
    | ActivityStep
    | ArtifactStep
    | PluginStep,
    Field(discriminator="type"),
]

STEP_MODELS = (
    ShellStep,
    AgentStep,
    AssertStep,
    ApprovalStep,
    SetStep,
    WaitStep,
    GroupStep,
    WorkflowStep,
    ActivityStep,
    ArtifactStep,
)
"""Those that authors write; `PluginStep` is what the loader makes of packages' types."""

# Steps hold steps: the union is told to the modules that name it, and pydantic builds each model when it is first used.
control.Step = group.Step = Step


def lists_of(step: Step) -> Iterator[tuple[tuple[str, ...], list[Step]]]:
    """Yield the lists of steps inside a step, each with the keys that lead to it."""
    if isinstance(step, GroupStep):
        yield ("steps",), step.steps
    if step.compensate is not None:
        yield ("compensate", "steps"), step.compensate.steps


def all_steps(steps: Iterable[Step]) -> Iterator[Step]:
    """Yield the steps at any depth, outer ones before those inside them."""
    for step in steps:
        yield step
        for _, inner in lists_of(step):
            yield from all_steps(inner)


__all__ = [
    "STEP_MODELS",
    "ActivityStep",
    "AgentStep",
    "ApprovalStep",
    "ArtifactStep",
    "AssertStep",
    "GroupStep",
    "PluginStep",
    "SetStep",
    "ShellStep",
    "Step",
    "WaitStep",
    "WorkflowStep",
    "all_steps",
    "lists_of",
]
