"""The status record of a live run, from its ledger."""

from dataclasses import dataclass, field
from datetime import datetime

from pydantic import JsonValue

from definitions.messages import Prepared
from definitions.records import RunState, Status, StepError, StepRecord, StepStatus
from workflows.gates import open_gates
from workflows.ledger import Book

_RUNNING = ("running", "waiting_approval")


@dataclass(slots=True)
class Progress:
    """What is known of a run beside its ledger."""

    execution_id: str
    created_at: datetime
    definition_hint: str
    prepared: Prepared | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    updated_at: datetime | None = None
    state: RunState | None = None
    """How it ended; None while it lives."""
    phase: str | None = None
    tree: str | None = None
    outputs: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    error: StepError | None = None
    is_waiting: bool = False
    """Whether it waits for its turn in a concurrency group."""
    reason: str | None = None
    """Why it does, was refused it, or lost it."""


def run_state(progress: Progress, book: Book) -> RunState:
    """Return the state of a run."""
    if progress.state is not None:
        return progress.state
    if progress.prepared is None:
        return "pending"
    if book.paused:
        return "paused"
    if progress.is_waiting:
        return "pending"
    return "waiting_approval" if open_gates(book) else "running"


def status(progress: Progress, book: Book) -> Status:
    """Return the status record."""
    prepared = progress.prepared
    definition = {} if prepared is None else prepared.definition
    records = book.records
    return Status(
        execution_id=progress.execution_id,
        definition_id=str(definition.get("id", progress.definition_hint)),
        definition_name=str(definition.get("name", "")),
        definition_version=str(definition.get("version", "1")),
        definition_digest="" if prepared is None else prepared.definition_digest,
        status=run_state(progress, book),
        current_step=next((path for path in reversed(records) if records[path].status in _RUNNING), None),
        phase=progress.phase,
        completed_steps=sum(1 for record in records.values() if record.status == "completed"),
        steps={path: step_status(record) for path, record in records.items()},
        pending_approvals=open_gates(book),
        approvals=list(book.decisions),
        inputs={} if prepared is None else {**prepared.inputs, **book.inputs},
        outputs=progress.outputs,
        artifacts=artifacts(book),
        error=progress.error,
        handled_failures=[path for path, record in records.items() if record.status == "failed" and record.handled],
        tree_before=None if prepared is None else prepared.tree,
        tree=progress.tree or _latest_tree(progress, book),
        created_at=progress.created_at,
        started_at=progress.started_at,
        updated_at=progress.updated_at,
        completed_at=progress.completed_at,
        pause_reason=book.pause_reason,
        reason=progress.reason,
        rerun_of=None if prepared is None else prepared.rerun_of,
        events=book.next_sequence - 1,
    )


def _latest_tree(progress: Progress, book: Book) -> str | None:
    """Return the tree after the last top-level step that is done: what there is of a run that goes on, or failed."""
    for path, record in reversed(book.records.items()):
        if "/" not in path and record.status == "completed" and record.tree is not None:
            return record.tree
    return None if progress.prepared is None else progress.prepared.tree


def step_status(record: StepRecord) -> StepStatus:
    """Return what people see of a record."""
    return StepStatus.model_validate(record.model_dump(exclude={"wake_at", "deadline", "gate", "tree"}))


def artifacts(book: Book) -> list[dict[str, JsonValue]]:
    """Return what was published, in order."""
    return [
        {"name": name, "step": path, "file": file}
        for path, record in book.records.items()
        for name, file in record.artifacts.items()
    ]
