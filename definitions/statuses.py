"""What people and tools see of a run: its status, that of each step, and its events.

Made of the ledger (`workflows.status`, `workflows.events`); its shapes keep the rules of `definitions.records`.
"""

from datetime import datetime
from typing import Literal

from pydantic import Field, JsonValue

from definitions.records import Decision, Gate, Record, SharedArtifact, StepError, StepState, Usage

RunState = Literal["pending", "running", "paused", "waiting_approval", "completed", "failed", "cancelled", "rejected"]
ENDED: frozenset[RunState] = frozenset({"completed", "failed", "cancelled", "rejected"})

EventType = Literal[
    "run_started",
    "run_paused",
    "run_resumed",
    "run_completed",
    "run_failed",
    "run_cancelled",
    "run_rejected",
    "phase_started",
    "phase_completed",
    "step_started",
    "step_completed",
    "step_failed",
    "step_retrying",
    "step_skipped",
    "approval_required",
    "approval_decided",
    "artifact_published",
    "log",
]


class Event(Record):
    """One thing that happened in a run; ordered by `sequence`, from 1, without gaps."""

    event_id: str
    sequence: int
    execution_id: str
    definition_id: str
    phase: str | None = None
    step: str | None = None
    type: EventType
    data: dict[str, JsonValue] = {}
    timestamp: datetime


class StepStatus(Record):
    """A step in the status record."""

    status: StepState
    type: str | None = None
    attempt: int = 0
    visit: int = 1
    started_at: datetime | None = None
    completed_at: datetime | None = None
    outputs: dict[str, JsonValue] | None = None
    artifacts: dict[str, JsonValue] = {}
    published: list[SharedArtifact] = []
    fetched: list[SharedArtifact] = []
    tree_before: str | None = None
    """Digest of the files before the step, where it changed some."""
    tree: str | None = None
    """Digest of the files after it, where it changed some."""
    cache_key: str | None = None
    cached: bool = False
    handled: bool = False
    reason: str | None = None
    error: StepError | None = None
    log: str | None = None
    usage: Usage | None = None
    enforced_by: list[str] = []
    notes: list[str] = []
    summary: str | None = None
    phase: str | None = None
    entered_from: str | None = None
    held: bool = False
    iteration: int | None = None
    finished: int | None = None
    winner: str | None = None
    documents: dict[str, JsonValue] = {}
    compensated: bool = False
    decision: Decision | None = None
    acceptance: Decision | None = None
    reworked: bool = False
    kept_from: str | None = None


class Status(Record):
    """The status record: query `status`, `perdure show --json`, `run.json`, the last line of `run --json`."""

    execution_id: str
    definition_id: str
    definition_name: str = ""
    definition_version: str = ""
    definition_digest: str = ""
    project: str | None = None
    status: RunState
    current_step: str | None = None
    phase: str | None = None
    iteration: int | None = None
    iteration_progress: dict[str, JsonValue] | None = None
    completed_steps: int = 0
    steps: dict[str, StepStatus] = {}
    """By path; of a very long run, of finished items and passes only the last ones."""
    hidden_steps: int = 0
    """How many finished ones are not among `steps`."""
    pending_approvals: list[Gate] = []
    approvals: list[Decision] = []
    inputs: dict[str, JsonValue] = {}
    outputs: dict[str, JsonValue] = {}
    artifacts: list[dict[str, JsonValue]] = []
    error: StepError | None = None
    handled_failures: list[str] = []
    tree_before: str | None = None
    """Digest of the workspace that the run began with."""
    tree: str | None = None
    """Digest of the workspace as it is now."""
    created_at: datetime | None = None
    started_at: datetime | None = None
    updated_at: datetime | None = None
    completed_at: datetime | None = None
    pause_reason: str | None = None
    reason: str | None = None
    """Why the run waits for its turn, was refused it, or lost it (`concurrency`)."""
    rerun_of: str | None = None
    """The run that this one took up (`perdure rerun`)."""
    events: int = Field(default=0)
    """How many events there are so far (see the query `events`)."""
