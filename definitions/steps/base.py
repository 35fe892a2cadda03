"""What every step has, whatever its type."""

from typing import ClassVar, Literal

from pydantic import Field

from definitions.durations import Duration
from definitions.steps.control import Compensation, ForEach, Loop, Retry
from definitions.steps.gates import Accept, Approval
from definitions.steps.languages import (
    Condition,
    Holds,
    Language,
    Model,
    ShellText,
    Template,
    TemplateValue,
)
from definitions.steps.sharing import Fetch, Publication

FAILURE_WORDS = ("stop", "continue", "pause", "end", "fail")
"""What `on_failure` may say beside a step's id."""
SUCCESS_WORDS = ("end", "fail")
"""What `on_success` may say beside a step's id."""
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
        "compensate",
        "input",
        "stages",
    }
)
ID_PATTERN = r"^[A-Za-z_][A-Za-z0-9_-]{0,99}$"


class CachePolicy(Model):
    """What decides that a step need not run again."""

    inputs: list[str] | None = None
    """Globs of the workspace files that the result depends on; absent: all of them."""
    tools: list[str] = []
    """Programs whose `--version` is part of the key."""
    env: list[str] = []
    """Names of environment variables whose values are part of the key."""
    salt: Template = ""
    """Any text; another text is another key."""
    epoch: int = Field(default=0, ge=0)
    """A number to raise when nothing that was kept shall count any more."""
    ttl: Duration | None = None
    """How old a kept result may be. Absent: any age."""
    mode: Literal["on", "read", "write", "off"] = "on"
    """`read`: take what is kept, keep nothing; `write`: run, and keep the result; `off`: neither; `on`: both."""


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
    """Wall time of one attempt; on a group, and with `loop`, of the whole."""
    retry: Retry | list[Retry] | None = None
    """Attempts after a failure; a list holds rules, of which the first for the failure's class counts. Absent: shell
    one attempt, agents three on transient failures."""
    on_success: str | None = Field(default=None, pattern=ID_PATTERN)
    """What follows when it completed or was skipped: a step of its list, `end` or `fail`. Absent: the next step."""
    on_failure: str = Field(default="stop", pattern=ID_PATTERN)
    """What follows when its attempts are used up: `stop`, `continue`, `pause`, `end`, `fail`, or a step of the same
    list."""
    max_visits: int = Field(default=3, ge=1, le=1000)
    """How often jumps may lead to the step, the first visit included."""
    end: Literal["completed", "failed"] = "completed"
    """On a handler: how its list ends, `completed` because it took the failure, or `failed` all the same."""
    for_each: ForEach | None = None
    """Run the step once for each item of a collection."""
    loop: Loop | None = None
    """Run the step again and again, until a condition holds."""
    approval: Approval | None = None
    """A gate before the step, once each visit; asked when `when` holds, even where the result is cached."""
    accept: Accept | None = None
    """A gate after the step, over what it produced; until somebody accepts, it has not completed."""
    store: dict[str, TemplateValue] = {}
    """Documents, by name, made when the step has completed; later steps read them as `docs.NAME`."""
    compensate: Compensation | None = None
    """What undoes the step when the run does not end well: a step, or several."""
    env: dict[str, Template] = {}
    """Environment variables for what the step starts."""
    outputs: dict[str, TemplateValue] = {}
    """Named results. On `shell`: a file's path, or a template over the step's own result."""
    artifacts: dict[str, Template] = {}
    """Files and folders to keep with the run, by name: paths in the workspace."""
    publish: Publication | list[Publication] | None = None
    """What is given to all runs when the step has completed: an artifact with a version, or several."""
    fetch: Fetch | list[Fetch] | None = None
    """Published artifacts that the step needs, laid into the workspace before it runs."""
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
    def retry_rules(self) -> list[Retry]:
        """The rules of its retries; empty where the author says nothing."""
        return self.retry if isinstance(self.retry, list) else [] if self.retry is None else [self.retry]

    @property
    def publications(self) -> list[Publication]:
        """What it publishes."""
        return self.publish if isinstance(self.publish, list) else [] if self.publish is None else [self.publish]

    @property
    def fetches(self) -> list[Fetch]:
        """What it fetches."""
        return self.fetch if isinstance(self.fetch, list) else [] if self.fetch is None else [self.fetch]

    @property
    def is_cached(self) -> bool:
        """Whether the author asked for caching (the definition's default aside)."""
        if self.use_cache is not None:
            return self.use_cache
        if isinstance(self.cache, CachePolicy):
            return self.cache.mode != "off"
        if self.cache is not None:
            return self.cache
        return self.cache_key is not None


__all__ = [
    "FAILURE_WORDS",
    "ID_PATTERN",
    "RESERVED_IDS",
    "SUCCESS_WORDS",
    "CachePolicy",
    "Condition",
    "Holds",
    "Language",
    "Model",
    "Retry",
    "ShellText",
    "StepBase",
    "Template",
    "TemplateValue",
]
