"""A definition, normalised: what the loader makes of a file and what a run is frozen with."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from definitions.concurrency import Concurrency
from definitions.durations import Duration
from definitions.secrets import NAME_PATTERN as SECRET_PATTERN
from definitions.steps import Step
from definitions.steps.agent import NAME_PATTERN as AGENT_NAME_PATTERN
from definitions.steps.agent import NamedAgent
from definitions.steps.base import ID_PATTERN, Model, Template, TemplateValue
from definitions.steps.gates import NAME_PATTERN, Approvers

DEFINITION_ID_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,99}$"

InputType = Literal["string", "number", "integer", "boolean", "object", "array", "file", "artifact", "duration", "any"]
OutputType = Literal["string", "number", "integer", "boolean", "object", "array", "artifact"]


class Input(Model):
    """A typed input of a definition."""

    type: InputType = "string"
    """Its type; a `file` is a path in the workspace whose content counts, an `artifact` names one that is
    published (`NAME`, `NAME@VERSION`, `NAME@TAG`), `any` is whatever is given."""
    description: str | None = None
    """What it means."""
    required: bool | None = None
    """Whether a run cannot start without it. Absent: required when there is no default."""
    default: JsonValue = None
    """Its value when none is given."""
    enum: Annotated[list[JsonValue], Field(min_length=1)] | None = None
    """The only values allowed."""
    minimum: float | None = None
    """The smallest number allowed."""
    maximum: float | None = None
    """The biggest number allowed."""
    pattern: str | None = None
    """A regular expression that the whole text must match."""

    @property
    def is_required(self) -> bool:
        """Whether a value must be given."""
        return self.default is None if self.required is None else self.required


class Output(Model):
    """A typed output of a run."""

    type: OutputType = "string"
    """Its type; an `artifact` is a file that the run made."""
    value: TemplateValue = None
    """An expression; absent: the one step output or artifact of that name."""
    description: str | None = None
    """What it is."""


class GitSource(Model):
    """A repository whose files a run starts with."""

    url: Template
    """Its address, `https://…`, `ssh://…` or `git@host:path`; on the embedded default also an absolute path."""
    ref: Template = "HEAD"
    """A branch, a tag or a commit; it is frozen to a commit when the run starts."""


class Workspace(Model):
    """The files that a run starts with."""

    source: Literal["inputs", "empty", "none"] = Field(default="inputs", alias="from")
    """`inputs`: the tree given at start; `empty`: an empty folder; `none`: steps share no files."""
    git: GitSource | None = None
    """The files come from a repository, whatever folder the run is started in."""
    link: list[str] = []
    """Folders that git ignores, such as `.venv`: each step sees the caller's own, read-only; embedded default only."""

    @property
    def takes_tree(self) -> bool:
        """Whether the run begins with files that its start input names."""
        return self.source == "inputs" and self.git is None


class CacheDefaults(Model):
    """Caching of the steps that say nothing themselves."""

    default: Literal["on", "off"] = "off"
    """`on`: shell and agent steps are cached unless they say `cache: false`."""


class Definition(Model):
    """What a run interprets. `id` is URL-safe and made from `name` where it is not given."""

    id: str = Field(pattern=DEFINITION_ID_PATTERN)
    """Lower case letters, digits, `-` and `_`, at most 100. Absent: made from `name`."""
    name: str
    """What people call it. Absent: the `id`."""
    version: str = "1"
    """Of the definition, for people; a text, so `"1.10"` needs its quotes."""
    description: str | None = None
    """What it is for."""
    status: Literal["draft", "active"] = "active"
    """A `draft` can be tested and run by hand, and is not scheduled."""
    inputs: dict[str, Input] = {}
    """What a run is given, by name."""
    outputs: dict[str, Output] = {}
    """What a run gives, by name."""
    env: dict[str, Template] = {}
    """Environment variables for everything that the run starts."""
    secrets: list[Annotated[str, Field(pattern=SECRET_PATTERN)]] = []
    """Names of secrets that steps may have, as `{{ secrets.NAME }}` in their `env`; the worker knows the values."""
    workspace: Workspace = Workspace()
    """The files that a run starts with."""
    cache: CacheDefaults = CacheDefaults()
    """The caching of steps that say nothing themselves."""
    acceptors: dict[Annotated[str, Field(pattern=NAME_PATTERN)], Approvers | Literal["any"]] = {}
    """Who accepts documents, by `doc_type`; a step's own `accept.acceptors` comes before it."""
    agents: dict[Annotated[str, Field(pattern=AGENT_NAME_PATTERN)], NamedAgent] = {}
    """Agents that steps call by name (`agent: NAME`)."""
    concurrency: Concurrency | None = None
    """Runs that must not go at the same time."""
    timeout: Duration | None = None
    """Wall time of a run; past it the run fails with class `timeout`."""
    metadata: dict[str, JsonValue] = {}
    """Anything; Perdure does not look at it."""
    steps: list[Step] = Field(min_length=1)
    """What is done, in order."""


__all__ = [
    "DEFINITION_ID_PATTERN",
    "ID_PATTERN",
    "Definition",
    "GitSource",
    "Input",
    "InputType",
    "Output",
    "OutputType",
    "Workspace",
]
