"""What every step has, whatever its type; and how a field says which language its text is in.

A field annotated with `Holds(Language.X)` is found by everything that must read it: static checks,
references, rendering. A new step type therefore needs no change anywhere else for its templates to work.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from definitions.durations import Duration
from definitions.errors import ErrorClass

RESERVED_IDS = frozenset(
    {
        "end",
        "fail",
        "stop",
        "continue",
        "pause",
        "retry",
        "inputs",
        "steps",
        "env",
        "run",
        "result",
        "secrets",
        "docs",
        "item",
        "loop",
        "vars",
        "input",
        "stages",
    }
)
ID_PATTERN = r"^[A-Za-z_][A-Za-z0-9_-]{0,99}$"


class Language(StrEnum):
    """What the text of a field is."""

    TEMPLATE = "template"  # text with `{{ expr }}`
    CONDITION = "condition"  # an expression that must give a boolean; `{{ e }}` in it is the value in brackets
    SHELL = "shell"  # script text: a `{{ expr }}` becomes an environment variable, never text


@dataclass(frozen=True, slots=True)
class Holds:
    """Marks a field's text (or each string inside it) as written in a language."""

    language: Language


Template = Annotated[str, Holds(Language.TEMPLATE)]
TemplateValue = Annotated[JsonValue, Holds(Language.TEMPLATE)]
Condition = Annotated[str, Holds(Language.CONDITION)]
ShellText = Annotated[str, Holds(Language.SHELL)]


class Model(BaseModel):
    """Base of the language's models: frozen, unknown keys are errors, keys `x-…` are dropped by the loader.

    The text under a field is its description, read by `definitions.descriptions`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")


class Retry(Model):
    """When a failed attempt is tried again, and how long after."""

    max_attempts: int = Field(default=3, ge=1, le=1000)
    """How often the step is tried, the first time included."""
    initial_interval: Duration = Field(default="1s", validate_default=True)
    """The wait before the second attempt."""
    backoff: float = Field(default=2.0, ge=1, le=100)
    """Each further wait is this many times the one before."""
    max_interval: Duration = Field(default="1m", validate_default=True)
    """No wait is longer than this."""
    on: list[ErrorClass] | None = None
    """Only these classes of failure are tried again; absent: all of them."""


class CachePolicy(Model):
    """What decides that a step need not run again."""

    inputs: list[str] | None = None
    """Globs of the workspace files that the result depends on; absent: all that are not ignored."""
    tools: list[str] = []
    """Programs whose `--version` is part of the key."""
    env: list[str] = []
    """Names of environment variables whose values are part of the key."""
    salt: Template = ""
    """Any text; another text is another key."""


class StepBase(Model):
    """The keys that any step may have."""

    queue: ClassVar[Literal["none", "light", "agent"]] = "none"
    """Where its attempts run: nowhere (pure, in the workflow), the run's task queue, or its `.agent` sibling."""

    id: str = Field(pattern=ID_PATTERN)
    """Unique in the definition; other steps refer to it as `steps.ID`."""
    name: str | None = None
    """A title for people."""
    description: str | None = None
    """What the step is for."""
    when: Condition | None = None
    """The step is skipped where this is false."""
    needs: list[str] | None = None
    """Steps that must have ended well first. Absent: the step before; `[]`: none."""
    timeout: Duration | None = None
    """Wall time of one attempt (of the whole, on a group)."""
    retry: Retry | None = None
    """Attempts after a failure. Absent: shell one attempt, agents three on transient failures."""
    on_failure: Literal["stop", "continue", "end", "fail"] = "stop"
    """What follows when its attempts are used up."""
    env: dict[str, Template] = {}
    """Environment variables for what the step starts."""
    outputs: dict[str, TemplateValue] = {}
    """Named results. On `shell`: a file's path, or a template over the step's own result."""
    artifacts: dict[str, Template] = {}
    """Files to keep, by name: paths in the workspace."""
    cache: CachePolicy | bool | None = None
    """Take the result from the store when nothing that it depends on has changed."""
    cache_key: Template | None = None
    """A component added to our own key."""
    use_cache: bool | None = None
    """The older spelling of `cache: true`."""
    security_profile: Literal["read-only", "restricted", "standard", "unrestricted"] | None = None
    """What a process of this step may do. Absent: `restricted` for agents, `standard` for shell."""
    phase: str | None = None
    """Free text; gives `phase` in the status and the phase events."""
    summary: Template | None = None
    """One line for people, shown beside the step."""

    @property
    def is_cached(self) -> bool:
        """Whether the author asked for caching (the definition's default aside)."""
        if self.use_cache is not None:
            return self.use_cache
        if self.cache is not None:
            return self.cache is not False
        return self.cache_key is not None
