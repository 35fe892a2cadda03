"""`shell`: a script run by an interpreter, in a private copy of the workspace."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from definitions.steps.base import ShellText, StepBase, Template, TemplateValue


class ShellStep(StepBase):
    """Run a script; each value in it travels as an environment variable, never as text."""

    queue: ClassVar[Literal["none", "light", "agent"]] = "light"

    type: Literal["shell"]
    command: ShellText = Field(min_length=1)
    """The script. `{{ expr }}` stands for one value, whatever it contains."""
    shell: Literal["bash", "sh", "python", "node"] = "bash"
    """The interpreter: `bash -eo pipefail`, `sh -e`, `python3` or `node`."""
    working_directory: Template = "."
    """Where the script starts, relative to the workspace."""
    exit_codes: list[Annotated[int, Field(ge=0, le=255)]] = [0]
    """Exit codes that are a success."""
    inputs: list[TemplateValue] = []
    """Values and files that the step reads, in the older spelling; part of the cache key."""
