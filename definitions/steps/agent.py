"""`agent`: a job for a coding agent, in a private copy of the workspace."""

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from definitions.durations import Duration
from definitions.steps.base import Model, StepBase, Template, TemplateValue

Provider = Literal["claude-code", "scripted", "command", "codex", "gemini", "grok", "acp"]
PLANNED_PROVIDERS = frozenset({"codex", "gemini", "grok", "acp"})
"""Providers that a definition may name and that nothing runs yet: such a step needs `--provider`."""
NAME_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$"
"""What an agent or a skill may be called: a name of a file, never a path."""


SkillName = Annotated[str, Field(pattern=NAME_PATTERN)]


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


class NamedAgent(Model):
    """An agent that steps call by its name."""

    description: str | None = None
    """What it is for."""
    role: str | None = Field(default=None, max_length=100_000)
    """Text put before the prompt, as it stands. Absent: looked up in `.perdure/agents.yaml` and `.claude/agents/`."""
    provider: Provider | None = None
    """Which agent runs it; a step's own comes before it."""
    model: str | None = None
    """The model, by the provider's own name; a step's own comes before it."""
    skills: list[SkillName] = []
    """Skills that it has beside those of the step."""


class FoundNames(BaseModel):
    """What was found under the names of agents and skills: frozen with a run."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    agents: dict[str, NamedAgent] = Field(default={}, max_length=500)
    skills: dict[str, str] = Field(default={}, max_length=500)
    """Texts, by name."""


class AgentStep(StepBase):
    """Give a prompt to a coding agent and take what it answers and what it changed."""

    queue: ClassVar[Literal["none", "light", "agent"]] = "agent"

    type: Literal["agent"]
    provider: Provider | None = None
    """Which agent; absent: the run's default (`--provider`)."""
    agent: Annotated[str, Field(pattern=NAME_PATTERN)] | None = None
    """The name of an agent: of `agents:`, `.perdure/agents.yaml`, `.claude/agents/NAME.md`; frozen with the run."""
    skills: list[SkillName] = []
    """Names of skills, `.claude/skills/NAME/SKILL.md`; their texts are frozen with the run and given to the agent."""
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
