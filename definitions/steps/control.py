"""How often a step runs, over what, and what undoes it: the keys of any step that are mappings themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from definitions.durations import Duration
from definitions.errors import ErrorClass
from definitions.steps.languages import Condition, Model, Template, TemplateValue

if TYPE_CHECKING:
    from definitions.steps import Step

NAME_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]{0,99}$"


class Retry(Model):
    """When a failed attempt is tried again, and how long after."""

    max_attempts: int = Field(default=3, ge=1, le=1000)
    """How often the step is tried, the first time included; of a rule in a list, over the failures that it is for."""
    initial_interval: Duration = Field(default="1s", validate_default=True)
    """The wait before the second attempt."""
    backoff: float = Field(default=2.0, ge=1, le=100)
    """Each further wait is this many times the one before."""
    max_interval: Duration = Field(default="1m", validate_default=True)
    """No wait is longer than this."""
    jitter: float = Field(default=0.0, ge=0, le=1)
    """Each wait is shortened by up to this part of it, so that many runs do not try again at the same moment."""
    on: list[ErrorClass] | None = None
    """Only these classes of failure are tried again; absent: all of them."""


class Loop(Model):
    """The step runs again and again: a pass is one run of it."""

    max_iterations: int = Field(ge=1, le=10_000)
    """How many passes at most."""
    until: Condition | None = None
    """Asked after each pass, over its results; true ends the loop. Absent: all passes are made."""
    on_exhausted: str = Field(default="fail", pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,99}$")
    """What follows when the passes are used up and `until` is not true: `fail`, `continue`, or a step's id."""
    message: Template | None = None
    """What the failure says when the passes are used up. Absent: made from `until`."""
    start_at: list[Template] = Field(default=[], max_length=10)
    """On a sequential group: the step at which a further pass begins; the first that names one counts, else the first
    step of all. What stands before it keeps its results."""


class ForEach(Model):
    """The step runs once for each item of a collection."""

    items: TemplateValue
    """The collection: a list or a mapping, or a template that gives one."""
    name: Annotated[str, Field(pattern=NAME_PATTERN)] = Field(default="item", alias="as")
    """What expressions inside call the item."""
    key: Template | None = None
    """The item's name in paths and results. Absent: its `id`, `entity_id` or `<as>_id`, else its key or index."""
    scope: Annotated[str, Field(pattern=NAME_PATTERN)] | None = None
    """Gives each item a scope of documents of its own (`store`); afterwards `docs.SCOPE[KEY].NAME`."""
    concurrency: int = Field(default=1, ge=1, le=1000)
    """How many items run side by side."""
    on_error: Literal["stop", "continue"] = "stop"
    """`stop`: the first item that fails cancels the others; `continue`: its result is null, and the others go on."""
    merge: Literal["outputs", "files", "texts"] = "outputs"
    """What is kept of the items: their outputs only, or their changes of files too (all begin with the same files);
    `texts`: also where several changed different places of one text."""


class Compensation(Model):
    """What undoes a step that completed, when the run fails, is rejected or cancelled."""

    steps: list[Step] = Field(min_length=1)
    """What is done; it sees the outputs and files of the step that it undoes. A single step may stand in place."""
    cached: Literal["run", "skip"] = "run"
    """Whether a step that was taken from the cache is undone too."""
