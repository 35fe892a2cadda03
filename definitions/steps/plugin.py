"""A step type that an installed package brings: what the loader makes of `type: NAME` (`definitions.plugins`).

Runs are frozen with this form, so that workflow code knows nothing of the package. Nobody writes it.
"""

from typing import ClassVar, Literal

from pydantic import Field

from definitions.steps.base import StepBase, TemplateValue

PLUGIN_TYPE = "plugin"
TYPE_PATTERN = r"^[a-z][a-z0-9_.-]{0,63}$"


class PluginStep(StepBase):
    """Do what an installed package does, in a private copy of the workspace."""

    queue: ClassVar[Literal["none", "light", "agent"]] = "light"

    type: Literal["plugin"]
    plugin: str = Field(pattern=TYPE_PATTERN)
    """The step type's name, as the package registers it."""
    options: dict[str, TemplateValue] = {}
    """The keys of the step that are the package's own; its model says which there are."""
