"""What travels between the rooms: calls, results, the ledger.

Shapes are JSON in Temporal's history: a new field needs a default, a field is never renamed. Values
over `INLINE_LIMIT` bytes do not travel: they are in the store, and a reference stands for them
(`definitions.stored_values`).
"""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from definitions.steps.agent import FoundNames

StepState = Literal["pending", "running", "waiting_approval", "completed", "failed", "skipped", "cancelled"]


class Record(BaseModel):
    """Base of all shapes on the wire: frozen; unknown fields of a newer version are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


# --- one attempt ------------------------------------------------------------------------------------


class RunHandle(Record):
    """What every activity must know of its run. The context is a blob, written once by `prepare`."""

    execution_id: str
    definition_id: str
    context: str
    """Digest of the `RunContext` blob."""


class RunContext(Record):
    """Facts of a run that do not change while it lives."""

    execution_id: str
    definition_id: str
    definition_digest: str
    started_at: datetime
    environment: dict[str, str] = {}
    """The caller's PATH, HOME, LANG, VIRTUAL_ENV and the like: used for steps, not in cache keys."""
    definition_environment: dict[str, str] = {}
    """The definition's `env`, rendered."""
    provider: str | None = None
    """Runs every agent step that names another provider, or none (`--provider`)."""
    script: dict[str, JsonValue] | None = None
    """Answers of the scripted provider, by step path."""
    cache_default: bool = False
    trust: str = "trusted"
    """Whose kept results it may take, and where its own are kept (see `definitions.trust`)."""
    names: FoundNames = FoundNames()
    """The agents and skills that steps call by name."""
    starter: str | None = None
    """Who started the run, as far as known."""
    env: dict[str, str] = {}
    """`env.X` as frozen, those that have a value: for the runs that this one starts."""
    workspace_root: str | None = None
    """The caller's own folder that the files were taken from, where `links` may lead to it."""
    links: dict[str, str] = {}
    """Folders of the caller's that each private copy of the workspace links to, by path in the workspace."""


class Usage(Record):
    """What an agent used; sums over sessions and attempts."""

    provider: str | None = None
    model: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    turns: int = 0
    usd: float | None = None
    cost_source: Literal["reported", "computed", "unknown"] = "unknown"
    wall_seconds: float = 0.0

    def plus(self, more: "Usage | None") -> "Usage":
        """Return the sum; an unknown cost beside a known one leaves the known one, as a lower bound."""
        if more is None:
            return self
        costs = [usage.usd for usage in (self, more) if usage.usd is not None]
        return Usage(
            provider=more.provider or self.provider,
            model=more.model or self.model,
            input_tokens=self.input_tokens + more.input_tokens,
            output_tokens=self.output_tokens + more.output_tokens,
            cache_read_tokens=self.cache_read_tokens + more.cache_read_tokens,
            cache_write_tokens=self.cache_write_tokens + more.cache_write_tokens,
            turns=self.turns + more.turns,
            usd=sum(costs) if costs else None,
            cost_source="reported" if costs else "unknown",
            wall_seconds=self.wall_seconds + more.wall_seconds,
        )


class StepCall(Record):
    """The input of one attempt."""

    run: RunHandle
    path: str
    """The step's path in the run: `build`, `checks/lint`."""
    attempt: int = 1
    """The author's attempts (`retry`), from 1; a lost worker does not count."""
    visit: int = 1
    step: dict[str, JsonValue]
    """The step as normalised, templates unresolved."""
    values: dict[str, JsonValue] = {}
    """The scope (`inputs`, `steps`, `env`, `run`) as far as the step's texts refer to it."""
    tree: str | None = None
    """Digest of the workspace's manifest before the step; None: no workspace."""
    answer_fields: list[str] = []
    """Fields of an agent's answer that other steps read: asked for where there is no schema."""
    spent: Usage | None = None
    """What the step's earlier attempts used of its budget."""


class SharedArtifact(Record):
    """A version of an artifact that a step published or fetched: what it was, frozen with the run."""

    name: str
    version: int
    digest: str
    """Of a file its content's, of a folder that of its tree's manifest."""
    kind: Literal["file", "folder"] = "file"
    size: int = 0
    media_type: str | None = None
    path: str | None = None
    """Where it was taken from, or laid, in the workspace."""


class StepResult(Record):
    """The output of an attempt that went well."""

    outputs: dict[str, JsonValue] = {}
    artifacts: dict[str, JsonValue] = {}
    """File and folder references by name."""
    published: list[SharedArtifact] = []
    fetched: list[SharedArtifact] = []
    tree: str | None = None
    """Digest of the manifest after; the one before where nothing changed."""
    cached: bool = False
    cache_key: str | None = None
    log: str | None = None
    """Key of the log in the store; None where it printed nothing."""
    usage: Usage | None = None
    enforced_by: list[str] = []
    """What enforced the security profile: `cli`, `namespace`, `environment`."""
    notes: list[str] = []
    """What a reader should know: `provider claude-code replaced by scripted`."""
    found: "dict[str, StepRecord] | None" = None
    """With a step from the cache: what else of the run is there, by path, in the order in which it comes."""


class StepError(Record):
    """Why a step failed: `steps.x.error`, and the details of the activity's failure."""

    type: str
    """An `ErrorClass`."""
    message: str
    step: str
    details: dict[str, JsonValue] = {}
    log: str | None = None
    usage: Usage | None = None
    cache_key: str | None = None


class EvaluateCall(Record):
    """The input of `evaluate`: expressions that read files or stored values."""

    run: RunHandle
    path: str
    """Whose expressions they are."""
    expressions: dict[str, JsonValue]
    """By name: a template value, or a condition (see `conditions`)."""
    conditions: list[str] = []
    """Names of the expressions that are conditions."""
    files: list[str] = []
    """Names of the expressions whose value is a path of the workspace, and stands for the file."""
    values: dict[str, JsonValue] = {}
    tree: str | None = None


class EvaluateResult(Record):
    """Values by name, big ones as references. A failing expression fails the activity with a `StepError`."""

    values: dict[str, JsonValue]


class MergeCall(Record):
    """The input of `merge`: the join of a parallel group."""

    run: RunHandle
    path: str
    base: str
    branches: dict[str, str]
    """Digest of the tree after, by branch id, in declared order."""
    texts: bool = False
    """Whether texts that several branches changed are merged."""


class MergeResult(Record):
    """The output of `merge`: the digest of the joined tree's manifest."""

    tree: str


# --- collections, signals, other people's activities ------------------------------------------------


class ItemsCall(Record):
    """The input of `items`: the first time a template, afterwards the stored collection by digest."""

    run: RunHandle
    path: str
    items: JsonValue = None
    """The template that gives the collection."""
    name: str = "item"
    key: str | None = None
    """The template of an item's key."""
    values: dict[str, JsonValue] = {}
    tree: str | None = None
    digest: str | None = None
    """The collection as frozen by the first call."""
    start: int = 0


class Items(Record):
    """A window of a frozen collection. `digest` is None where all of it is here."""

    digest: str | None = None
    """Of the collection in the store."""
    keys: list[str] = []
    """Of all items, in order."""
    start: int = 0
    values: list[JsonValue] = []
    """From `start` on, inline or as references."""


class ActivityCall(Record):
    """A call of somebody's activity: what the step says, rendered."""

    path: str
    activity: str
    task_queue: str | None = None
    arguments: list[JsonValue] = []
    attempt: int = 1


class StartRunCall(Record):
    """The input of `start_run`: a run of its own (`detach`)."""

    run: RunHandle
    path: str
    execution_id: str
    definition: str
    """Its key in the run's library."""
    inputs: dict[str, JsonValue] = {}
    tree: str | None = None
    """The workspace that it begins with."""


class StartedRun(Record):
    """The output of `start_run`."""

    execution_id: str


class Signal(Record):
    """A signal that came for a `wait`, kept until one takes it."""

    name: str
    payload: JsonValue = None
    received_at: datetime


class Resumption(Record):
    """What a person said about a step that failed with `on_failure: pause`."""

    action: Literal["retry", "skip", "fail"] = "retry"
    by: str = "unknown"


# --- the ledger -------------------------------------------------------------------------------------


class Decision(Record):
    """One decision at a gate, as recorded."""

    gate: str
    verdict: Literal["approve", "reject"]
    accepted: bool = True
    by: str
    verified: bool = False
    comment: str | None = None
    form: dict[str, JsonValue] = {}
    decision_id: str
    decided_at: datetime
    digest: str | None = None
    reason: str | None = None
    """Why it was refused, where `accepted` is false."""
    doc_type: str | None = None
    """What kind of document it was about (`accept`)."""
    scope_id: str | None = None
    """The key of the item that the gate belongs to, where it is inside a `for_each`."""


class Gate(Record):
    """An open gate, or one that was."""

    gate: str
    """Its id: the step's path; of the gate after a step (`accept`), that and `/accept`."""
    message: str
    show: dict[str, JsonValue] = {}
    digest: str
    """Of what is asked and shown; a decision may name it and is refused when it differs."""
    users: list[str] = []
    groups: list[str] = []
    anyone: bool = True
    allow_self: bool = True
    comment: Literal["optional", "required"] = "optional"
    on_timeout: Literal["reject", "approve"] = "reject"
    opened_at: datetime
    decisions_before: int = 0
    """How many decisions the run had when it opened: a gate that opens again is not decided by what was said before."""
    deadline: datetime | None = None
    doc_type: str | None = None
    """What kind of document is to be accepted."""
    scope_id: str | None = None
    """The key of the item that it belongs to, where it is inside a `for_each`."""


class StepRecord(Record):
    """What the ledger knows of a step path: its outcome and every decision made about it."""

    status: StepState = "pending"
    type: str | None = None
    attempt: int = 0
    visit: int = 1
    outputs: dict[str, JsonValue] | None = None
    artifacts: dict[str, JsonValue] = {}
    published: list[SharedArtifact] = []
    fetched: list[SharedArtifact] = []
    tree: str | None = None
    tree_before: str | None = None
    """The tree that it began with; once it has ended, only where it ended with another one."""
    cached: bool = False
    cache_key: str | None = None
    handled: bool = False
    reason: str | None = None
    error: StepError | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    log: str | None = None
    usage: Usage | None = None
    enforced_by: list[str] = []
    notes: list[str] = []
    wake_at: datetime | None = None
    """End of the back-off before the next attempt."""
    deadline: datetime | None = None
    """End of a wait, or of the time of a group."""
    gate: Gate | None = None
    """The open gate: of an approval, before the step, or after it."""
    decision: Decision | None = None
    """What was decided: at an approval, or at the gate before the step."""
    produced: bool = False
    """Whether it has run, and its result is here, which somebody has still to accept, or has rejected."""
    acceptance: Decision | None = None
    """What was decided at the gate after the step."""
    reworked: bool = False
    """Whether it was rejected and is visited again."""
    phase: str | None = None
    summary: str | None = None
    entered_from: str | None = None
    """The path of the step whose failure or success jumped here."""
    held: bool = False
    """Whether it failed, and the run is paused until a person says what shall become of it."""
    rule_attempts: list[int] = []
    """Of a `retry` with rules: failures so far, by rule."""
    iteration: int | None = None
    """Of a loop: the pass that it is in, or was in last."""
    items: Items | None = None
    """Of a `for_each`: the collection, frozen when the step was first reached."""
    finished: int | None = None
    """Of a `for_each`: how many items have ended."""
    winner: str | None = None
    """Of a race: the id of the step that won."""
    documents: dict[str, JsonValue] = {}
    """What `store` made; of an item with a scope: all documents of that scope."""
    order: int | None = None
    """Of a step with `compensate`: the how manieth it was to complete."""
    compensated: bool = False
    """Whether it has been undone."""
    kept_from: str | None = None
    """Of a rerun: the run that did it, whose result is kept."""


class Ledger(Record):
    """All that is known of a run: interpreting is a function of definition, inputs and this."""

    schema_version: int = 1
    records: dict[str, StepRecord] = {}
    """By step path, in the order in which they were first reached."""
    decisions: list[Decision] = []
    next_sequence: int = 1
    paused: bool = False
    pause_reason: str | None = None
    deadline: datetime | None = None
    """End of the run's time."""
    next_order: int = 1
    """The next number of a completed step that can be undone."""
    untold: list[str] = []
    """Paths of records that were found in the cache while the run went, and that no event has told of yet."""
    signals: dict[str, Signal] = {}
    """Signals that came and that no `wait` has taken, by name; the last of each."""
    resumptions: dict[str, Resumption] = {}
    """What people said of held steps, by path."""
    inputs: dict[str, JsonValue] = {}
    """Inputs that a person gave anew with `resume`."""
    failure: StepError | None = None
    """Why the run does not end well: known from the moment at which undoing begins."""
