"""The status record of a live run, from its ledger."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import JsonValue

from definitions.messages import Prepared
from definitions.records import StepError, StepRecord
from definitions.statuses import RunState, Status, StepStatus
from workflows.gates import open_gates
from workflows.ledger import Book
from workflows.paths import key_in_path

_RUNNING = ("running", "waiting_approval")
MOST_SHOWN = 1000
"""Records up to which all are in the status record: a query's answer is bounded."""
LAST_SHOWN = 200
MOST_IDS = 100


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
    shown = shown_records(records)
    current = next((path for path in reversed(records) if records[path].status in _RUNNING), None)
    return Status(
        execution_id=progress.execution_id,
        definition_id=str(definition.get("id", progress.definition_hint)),
        definition_name=str(definition.get("name", "")),
        definition_version=str(definition.get("version", "1")),
        definition_digest="" if prepared is None else prepared.definition_digest,
        status=run_state(progress, book),
        current_step=current,
        phase=progress.phase,
        iteration=iteration(records, current),
        iteration_progress=iteration_progress(records, current),
        completed_steps=sum(1 for record in records.values() if record.status == "completed"),
        steps={path: step_status(record) for path, record in shown.items()},
        hidden_steps=len(records) - len(shown),
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


def shown_records(records: dict[str, StepRecord]) -> dict[str, StepRecord]:
    """Return the records that people see: all, or of finished items and passes the last ones."""
    if len(records) <= MOST_SHOWN:
        return records
    finished = [
        path
        for path, record in records.items()
        if record.status in ("completed", "skipped") and ("[" in path or "#" in path)
    ]
    hidden = set(finished[:-LAST_SHOWN])
    return {path: record for path, record in records.items() if path not in hidden}


def iteration(records: dict[str, StepRecord], current: str | None) -> int | None:
    """Return the pass that the current step is in, of the innermost loop around it."""
    for path in _around(current):
        record = records.get(path)
        if record is not None and record.iteration is not None:
            return record.iteration
    return None


def iteration_progress(records: dict[str, StepRecord], current: str | None) -> dict[str, JsonValue] | None:
    """Return how far the innermost `for_each` around the current step is: its items, those done, those that run."""
    for path in _around(current):
        record = records.get(path)
        if record is None or record.items is None:
            continue
        keys = record.items.keys
        running = [key for key in keys if _runs(records, f"{path}[{key_in_path(key)}]")]
        return {
            "step": path,
            "total": len(keys),
            "completed": record.finished or 0,
            "current": running[-1] if running else None,
            "running": [*running[:MOST_IDS]],
            "ids": [*keys[:MOST_IDS]],
        }
    return None


def _runs(records: dict[str, StepRecord], path: str) -> bool:
    record = records.get(path)
    return record is not None and record.status in _RUNNING


def _around(path: str | None) -> Iterator[str]:
    """Yield a path, and those of the passes, items and steps around it, the innermost first."""
    while path:
        yield path
        cut = max(path.rfind("/"), path.rfind("#"), path.rfind("["))
        path = path[:cut] if cut > 0 else None


def step_status(record: StepRecord) -> StepStatus:
    """Return what people see of a record."""
    hidden = {"wake_at", "deadline", "gate"}
    if record.tree is None or record.tree_before is None:
        hidden |= {"tree", "tree_before"}
    return StepStatus.model_validate(record.model_dump(exclude=hidden))


def artifacts(book: Book) -> list[dict[str, JsonValue]]:
    """Return what was published, in order."""
    found: list[dict[str, JsonValue]] = []
    for path, record in book.records.items():
        found += [{"name": name, "step": path, "file": file} for name, file in record.artifacts.items()]
        for shared in record.published:
            found.append({"step": path, **shared.model_dump(mode="json", exclude_none=True)})
    return found
