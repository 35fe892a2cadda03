"""What an adapter of an agent must have: the same functions in the same order, each in a module of its own.

An adapter is thin. `build` and `parse` are pure: they say what to start and what a line means. `outfit`
and `identity` look at this machine (is the CLI there, is it logged in, which version). All else, from
the process to the verdict, is the runner's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal, Protocol

from pydantic import JsonValue

from activities.agents.budget import Remaining
from activities.agents.events import AgentEvent
from activities.agents.scripts import ScriptEntry
from activities.executors.interface import Execution

Profile = Literal["read-only", "restricted", "standard", "unrestricted"]
DEFAULT_PROFILE: Profile = "restricted"


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """What the worker decides for all agents."""

    worker_environment: Mapping[str, str] = field(default_factory=dict[str, str])
    """The worker's own environment: where logins and `PERDURE_CLAUDE_BIN` are looked for."""
    provider: str | None = None
    """`PERDURE_PROVIDER` of the worker: used where the run names none."""
    heartbeat_interval: timedelta = timedelta(seconds=0.5)
    idle_timeout: timedelta = timedelta(minutes=30)
    """An agent that says nothing for so long is ended."""
    checkpoint_interval: timedelta = timedelta(seconds=5)
    """At most one checkpoint in this time (the first is taken at once)."""


@dataclass(frozen=True, slots=True)
class Outfit:
    """What this machine has for the agent."""

    program: str | None = None
    environment: dict[str, str] = field(default_factory=dict[str, str])
    """Variables for the agent's process only, such as its login."""
    private_files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    """Files for its private configuration folder, by relative path; written readable by the owner only."""


@dataclass(frozen=True, slots=True)
class AgentRequest:
    """One launch: a new session, or one taken up again. Says everything, since no CLI keeps it on resume."""

    prompt: str
    session: str
    resumes: bool
    workspace: Path
    scratch: Path
    """Private to this attempt: home, configuration, laid files."""
    environment: Mapping[str, str]
    outfit: Outfit
    remaining: Remaining
    profile: Profile = DEFAULT_PROFILE
    role: str | None = None
    model: str | None = None
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    schema: dict[str, JsonValue] | None = None
    folders: tuple[Path, ...] = ()
    """Folders beside the workspace that it may read."""
    command: tuple[str, ...] = ()
    entry: ScriptEntry | None = None


@dataclass(frozen=True, slots=True)
class Launch:
    """What to start. Where `entry` is set nothing is started: the scripted player plays it."""

    argv: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict[str, str])
    files: dict[Path, bytes] = field(default_factory=dict[Path, bytes])
    """Written before the start, readable by the owner only."""
    folders: tuple[Path, ...] = ()
    """Made before the start."""
    stdin: bytes | None = None
    entry: ScriptEntry | None = None


@dataclass(frozen=True, slots=True)
class Traits:
    """What an adapter can do by itself."""

    provider: str
    """Its name in the language."""
    is_process: bool
    """It is a process of its own."""
    resumes: bool
    """It takes a session up again by its id."""
    has_role: bool
    """It has a system prompt to add the role to."""
    has_schema: bool
    """It is told the output schema by a flag."""
    enforces_profile: bool
    """Its own flags enforce the security profile."""


class Adapter(Protocol):
    """An adapter's module, as the runner sees it."""

    def traits(self) -> Traits:
        """Return what the agent can do by itself."""
        ...

    def outfit(self, execution: Execution, settings: AgentSettings) -> Outfit:
        """Return what this machine has for it. Raises `StepFailure` (`not-found`, `auth`) with the remedy."""
        ...

    async def identity(self, execution: Execution, settings: AgentSettings) -> dict[str, JsonValue]:
        """Return what of the tool decides the result: part of the cache key."""
        ...

    def build(self, request: AgentRequest) -> Launch:
        """Return what to start. Pure. Raises `StepFailure` where the request cannot be met."""
        ...

    def parse(self, line: str) -> list[AgentEvent]:
        """Return what a line of its output means. Pure; never raises."""
        ...

    def parse_end(self, code: int | None) -> list[AgentEvent]:
        """Return what the end of its process means, where the process has no last word of its own. Pure."""
        ...

    def transcript(self, request: AgentRequest) -> Path | None:
        """Return where the session's transcript lies; None where it keeps none. Pure."""
        ...
