"""`agent`: a job for a coding agent, in a private copy of the workspace."""

from typing import ClassVar, Literal

from pydantic import Field, JsonValue

from definitions.durations import Duration
from definitions.steps.base import Model, StepBase, Template, TemplateValue

Provider = Literal["claude-code", "scripted", "command"]
PLANNED_PROVIDERS = frozenset({"codex", "gemini", "grok", "acp"})


class Budget(Model):
    """Bounds of one step over all its attempts and resumed sessions."""

    usd: float | None = Field(default=None, gt=0)
    """Money, as the agent reports it."""
    tokens: int | None = Field(default=None, gt=0)
    """Tokens in and out."""
    turns: int | None = Field(default=None, gt=0)
    """Calls of the model."""
    wall: Duration | None = None
    """Wall time."""


class Tools(Model):
    """Tools of the agent, by the agent's own names."""

    allow: list[str] = []
    """Allowed beyond the profile."""
    deny: list[str] = []
    """Denied, whatever the profile says."""


class AgentStep(StepBase):
    """Give a prompt to a coding agent and take what it answers and what it changed."""

    queue: ClassVar[Literal["none", "light", "agent"]] = "agent"

    type: Literal["agent"]
    provider: Provider | None = None
    """Which agent; absent: the run's default (`--provider`)."""
    prompt: Template = Field(min_length=1)
    """What it shall do."""
    role: Template | None = None
    """Text put before the prompt (the system prompt where the agent has one)."""
    model: Template | None = None
    """The model, by the provider's own name."""
    tools: Tools = Tools()
    """Tools allowed and denied beyond the security profile."""
    command: list[Template] | None = None
    """For `provider: command`: the program and its arguments; the prompt is its standard input."""
    output_schema: dict[str, JsonValue] | None = None
    """JSON Schema of the answer; asked again at most twice when it does not fit."""
    budget: Budget = Budget()
    """What it may cost."""
    inputs: list[TemplateValue] | dict[str, TemplateValue] = []
    """Values and files for the agent; files are laid where it can read them."""
