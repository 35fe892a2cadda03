"""The list of what happened in a run: numbered, without gaps, made from the ledger's changes."""

from datetime import datetime
from typing import Protocol

from pydantic import JsonValue

from definitions.records import RunHandle, StepRecord
from definitions.statuses import Event, EventType
from workflows.ledger import Book


class Sink(Protocol):
    """Where events go."""

    def now(self) -> datetime:
        """Return the current instant."""
        ...

    def emit(self, event: Event) -> None:
        """Take an event."""
        ...


class Journal:
    """Numbers events and keeps track of the phase they fall in."""

    def __init__(self, run: RunHandle, book: Book, sink: Sink) -> None:
        self.run = run
        self._book = book
        self._sink = sink
        self.phase: str | None = None

    def write(self, kind: EventType, step: str | None = None, **data: JsonValue) -> None:
        """Write one event; data that is None is left out."""
        number = self._book.take_sequence()
        self._sink.emit(
            Event(
                event_id=f"{self.run.execution_id}/{number}",
                sequence=number,
                execution_id=self.run.execution_id,
                definition_id=self.run.definition_id,
                phase=self.phase,
                step=step,
                type=kind,
                data={name: value for name, value in data.items() if value is not None},
                timestamp=self._sink.now(),
            )
        )

    def enter_phase(self, phase: str | None, *, silently: bool = False) -> None:
        """Begin a phase, where it is another than the current one, and end that."""
        if phase is None or phase == self.phase:
            return
        if silently:
            self.phase = phase
            return
        self.leave_phase()
        self.phase = phase
        self.write("phase_started")

    def leave_phase(self) -> None:
        """End the current phase, if there is one."""
        if self.phase is not None:
            self.write("phase_completed")
            self.phase = None

    def step_ended(self, path: str, record: StepRecord) -> None:
        """Write how a step ended, and what it published."""
        match record.status:
            case "completed":
                self.write("step_completed", path, **_completion(record))
                for name, artifact in record.artifacts.items():
                    self.write("artifact_published", path, name=name, file=artifact)
                for shared in record.published:
                    facts = shared.model_dump(mode="json", exclude_none=True)
                    name, version = shared.name, shared.version
                    self.write("artifact_published", path, name=name, version=version, shared=facts)
            case "skipped":
                self.write("step_skipped", path, reason=record.reason)
            case _:
                self.write("step_failed", path, **_failure(record))


def _completion(record: StepRecord) -> dict[str, JsonValue]:
    usage = record.usage
    return {
        "type": record.type,
        "attempt": record.attempt,
        "cached": record.cached or None,
        "kept_from": record.kept_from,
        "seconds": _seconds(record),
        "usd": None if usage is None else usage.usd,
        "notes": list(record.notes) or None,
        "summary": record.summary,
    }


def _failure(record: StepRecord) -> dict[str, JsonValue]:
    return {
        "type": record.type,
        "status": record.status,
        "attempt": record.attempt,
        "handled": record.handled or None,
        "seconds": _seconds(record),
        "error": None if record.error is None else record.error.model_dump(mode="json", exclude_none=True),
        "log": record.log,
    }


def _seconds(record: StepRecord) -> float | None:
    if record.started_at is None or record.completed_at is None:
        return None
    return round((record.completed_at - record.started_at).total_seconds(), 3)
