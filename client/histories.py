"""What happened to a run, from Temporal's history alone: no worker need live, and nothing is asked of the run.

    read_history   the server's histories of one run, the first to the last, as entries in order
    Teller         one history's events, each with what it needs of the events before it

Each attempt of a step is one entry, made when it ended (or when it began, where it still runs). Steps that are pure
(`set`, `assert`, a skipped one) leave no trace there; the events in the store have them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from pydantic import BaseModel, ConfigDict, JsonValue

from client.runs import unknown_run

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from temporalio.api.common.v1 import Payloads
    from temporalio.api.history.v1 import HistoryEvent
    from temporalio.client import Client

BOOKKEEPING = frozenset({"prepare", "finish", "items", "evaluate", "merge", "request_cancel", "ask_lock"})
"""Activities that are no attempt of a step."""
SHOWN_BOOKKEEPING = frozenset({"prepare"})
_ENDS = {
    "workflow_execution_completed_event_attributes": "run_completed",
    "workflow_execution_failed_event_attributes": "run_failed",
    "workflow_execution_canceled_event_attributes": "run_cancelled",
    "workflow_execution_terminated_event_attributes": "run_terminated",
    "workflow_execution_timed_out_event_attributes": "run_failed",
}


class Entry(BaseModel):
    """One thing that happened."""

    model_config = ConfigDict(frozen=True)

    timestamp: datetime
    kind: str
    """`run_started`, `attempt`, `pause`, `resume`, `decide`, `cancel`, `signal`, `run_continued`, `run_completed`…"""
    by: str | None = None
    """Who, as they said, or as their client is called."""
    step: str | None = None
    attempt: int | None = None
    visit: int | None = None
    status: str | None = None
    seconds: float | None = None
    details: dict[str, JsonValue] = {}
    history: int = 1
    """In which of the run's histories, and by which event: for who looks it up in the Web UI."""
    event_id: int


async def read_history(client: Client, execution_id: str) -> list[Entry]:
    """Return what happened to a run, in order.

    Raises:
        Problem: the server knows no such run.
    """
    histories = await _histories(client, execution_id)
    entries: list[Entry] = []
    for number, events in enumerate(histories, start=1):
        teller = Teller(client, number)
        for event in events:
            await teller.hear(event)
        entries += teller.told()
    return sorted(entries, key=lambda entry: (entry.history, entry.event_id))


async def _histories(client: Client, execution_id: str) -> list[list[HistoryEvent]]:
    """Return the events of each history of a run, the first history first."""
    from temporalio.service import RPCError, RPCStatusCode

    try:
        run_id = (await client.get_workflow_handle(execution_id).describe()).run_id
    except RPCError as error:
        if error.status in (RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT):
            raise unknown_run(execution_id) from error
        raise
    histories: list[list[HistoryEvent]] = []
    while run_id:
        handle = client.get_workflow_handle(execution_id, run_id=run_id)
        try:
            events = [event async for event in handle.fetch_history_events()]
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND or not histories:
                raise
            break  # the server has forgotten what lies further back
        histories.insert(0, events)
        run_id = events[0].workflow_execution_started_event_attributes.continued_execution_run_id
    return histories


@dataclass(slots=True)
class _Activity:
    """An attempt that was scheduled."""

    name: str
    scheduled: HistoryEvent
    call: Mapping[str, JsonValue]
    started: HistoryEvent | None = None


@dataclass(slots=True)
class Teller:
    """Makes entries of one history's events."""

    client: Client
    history: int
    _entries: list[Entry] = field(default_factory=list[Entry])
    _activities: dict[int, _Activity] = field(default_factory=dict[int, _Activity])

    async def hear(self, event: HistoryEvent) -> None:
        """Take the next event."""
        kind = event.WhichOneof("attributes") or ""
        if kind in _ENDS:
            ending = await self._ending(event, kind)
            self._tell(event, _ENDS[kind], ending.pop("by", None), None, ending)
        elif (told := self._tellers().get(kind)) is not None:
            await told(event)

    def told(self) -> list[Entry]:
        """Return what was told, and the attempts that still run."""
        return self._entries + [self._attempt(known, known.scheduled, "running") for known in self._activities.values()]

    def _tellers(self) -> dict[str, Callable[[HistoryEvent], Coroutine[object, object, None]]]:
        return {
            "workflow_execution_started_event_attributes": self._started,
            "workflow_execution_signaled_event_attributes": self._signal,
            "workflow_execution_update_accepted_event_attributes": self._update,
            "workflow_execution_cancel_requested_event_attributes": self._cancel,
            "workflow_execution_continued_as_new_event_attributes": self._continued,
            "activity_task_scheduled_event_attributes": self._scheduled,
            "activity_task_started_event_attributes": self._begun,
            "activity_task_completed_event_attributes": self._completed,
            "activity_task_failed_event_attributes": self._failed,
            "activity_task_timed_out_event_attributes": self._timed_out,
            "activity_task_canceled_event_attributes": self._cancelled,
        }

    # --- the run ------------------------------------------------------------------------------------

    async def _started(self, event: HistoryEvent) -> None:
        attributes = event.workflow_execution_started_event_attributes
        if attributes.continued_execution_run_id:
            return
        request = _mapping(await self._first(attributes.input))
        kept = {name: request[name] for name in ("definition", "inputs", "provider", "rerun_of") if request.get(name)}
        if isinstance(kept.get("definition"), dict):
            kept["definition"] = _name_of(_mapping(kept["definition"]))
        starter = request.get("starter")
        self._tell(event, "run_started", starter if isinstance(starter, str) else attributes.identity, None, kept)

    async def _signal(self, event: HistoryEvent) -> None:
        attributes = event.workflow_execution_signaled_event_attributes
        content = await self._first(attributes.input)
        self._message(event, attributes.signal_name, content, attributes.identity, "signal")

    async def _update(self, event: HistoryEvent) -> None:
        request = event.workflow_execution_update_accepted_event_attributes.accepted_request
        content = await self._first(request.input.args)
        self._message(event, request.input.name, content, request.meta.identity, "update")

    def _message(self, event: HistoryEvent, name: str, content: JsonValue, identity: str, sent_as: str) -> None:
        said = _mapping(content)
        known = name in ("pause", "resume", "cancel", "decide")
        by = said.get("by") if known else None
        details: dict[str, JsonValue] = {key: value for key, value in said.items() if key != "by"} if known else {}
        if not known:
            details = {"name": name, "payload": content}
        gate = said.get("gate")
        self._tell(
            event,
            name if known else "signal",
            by if isinstance(by, str) else identity,
            gate if isinstance(gate, str) else None,
            {"sent_as": sent_as, **details},
        )

    async def _cancel(self, event: HistoryEvent) -> None:
        attributes = event.workflow_execution_cancel_requested_event_attributes
        self._tell(event, "cancel_requested", attributes.identity, None, {"reason": attributes.cause or None})

    async def _continued(self, event: HistoryEvent) -> None:
        self._tell(event, "run_continued")

    async def _ending(self, event: HistoryEvent, kind: str) -> dict[str, JsonValue]:
        match kind:
            case "workflow_execution_failed_event_attributes":
                failure = event.workflow_execution_failed_event_attributes.failure
                return {"error": failure.application_failure_info.type or None, "message": failure.message or None}
            case "workflow_execution_terminated_event_attributes":
                attributes = event.workflow_execution_terminated_event_attributes
                return {"by": attributes.identity, "reason": attributes.reason or None}
            case "workflow_execution_completed_event_attributes":
                result = _mapping(await self._first(event.workflow_execution_completed_event_attributes.result))
                return {"outputs": result.get("outputs") or None}
            case _:
                return {}

    # --- attempts -----------------------------------------------------------------------------------

    async def _scheduled(self, event: HistoryEvent) -> None:
        attributes = event.activity_task_scheduled_event_attributes
        name = attributes.activity_type.name
        if name in BOOKKEEPING - SHOWN_BOOKKEEPING:
            return
        summary = await self._first_payload(event)
        call = _mapping(await self._first(attributes.input))
        if "path" not in call:  # somebody's own activity: its path stands in its summary
            call = {"path": str(summary).partition(" \u00b7 ")[0] if isinstance(summary, str) else name}
        self._activities[event.event_id] = _Activity(name, event, call)

    async def _begun(self, event: HistoryEvent) -> None:
        known = self._activities.get(event.activity_task_started_event_attributes.scheduled_event_id)
        if known is not None:
            known.started = event

    async def _completed(self, event: HistoryEvent) -> None:
        attributes = event.activity_task_completed_event_attributes
        if (known := self._activities.pop(attributes.scheduled_event_id, None)) is not None:
            result = _mapping(await self._first(attributes.result))
            facts = {"cached": True} if result.get("cached") is True else {}
            self._entries.append(self._attempt(known, event, "completed", **facts))

    async def _failed(self, event: HistoryEvent) -> None:
        attributes = event.activity_task_failed_event_attributes
        if (known := self._activities.pop(attributes.scheduled_event_id, None)) is not None:
            failure = attributes.failure
            kind = failure.application_failure_info.type or None
            self._entries.append(self._attempt(known, event, "failed", error=kind, message=failure.message))

    async def _timed_out(self, event: HistoryEvent) -> None:
        attributes = event.activity_task_timed_out_event_attributes
        if (known := self._activities.pop(attributes.scheduled_event_id, None)) is not None:
            self._entries.append(
                self._attempt(known, event, "failed", error="lost", message=attributes.failure.message)
            )

    async def _cancelled(self, event: HistoryEvent) -> None:
        attributes = event.activity_task_canceled_event_attributes
        if (known := self._activities.pop(attributes.scheduled_event_id, None)) is not None:
            self._entries.append(self._attempt(known, event, "cancelled"))

    def _attempt(self, known: _Activity, end: HistoryEvent, status: str, **details: JsonValue) -> Entry:
        begun = known.started or known.scheduled
        lost = 0 if known.started is None else known.started.activity_task_started_event_attributes.attempt - 1
        worker = None if known.started is None else known.started.activity_task_started_event_attributes.identity
        facts: dict[str, JsonValue] = {"activity": known.name, "lost_workers": lost or None, **details}
        return Entry(
            timestamp=_moment(end),
            kind="prepare" if known.name == "prepare" else "attempt",
            by=worker,
            step=None if known.name == "prepare" else str(known.call.get("path", known.name)),
            attempt=_number(known.call.get("attempt")),
            visit=_number(known.call.get("visit")),
            status=status,
            seconds=None if end is known.scheduled else round((_moment(end) - _moment(begun)).total_seconds(), 3),
            details={name: value for name, value in facts.items() if value is not None},
            history=self.history,
            event_id=end.event_id,
        )

    # --- entries and payloads -----------------------------------------------------------------------

    def _tell(
        self,
        event: HistoryEvent,
        kind: str,
        by: JsonValue = None,
        step: str | None = None,
        details: Mapping[str, JsonValue] | None = None,
    ) -> None:
        self._entries.append(
            Entry(
                timestamp=_moment(event),
                kind=kind,
                by=by if isinstance(by, str) and by else None,
                step=step,
                details={name: value for name, value in (details or {}).items() if value is not None},
                history=self.history,
                event_id=event.event_id,
            )
        )

    async def _first(self, payloads: Payloads) -> JsonValue:
        """Return the first of some payloads as JSON; null where it cannot be read."""
        if not payloads.payloads:
            return None
        try:
            values: list[JsonValue] = await self.client.data_converter.decode_wrapper(payloads)
        except Exception:
            return None
        return values[0] if values else None

    async def _first_payload(self, event: HistoryEvent) -> JsonValue:
        if not event.user_metadata.HasField("summary"):
            return None
        try:
            values: list[JsonValue] = await self.client.data_converter.decode([event.user_metadata.summary])
        except Exception:
            return None
        return values[0]


def _moment(event: HistoryEvent) -> datetime:
    return event.event_time.ToDatetime(UTC)


def _mapping(value: JsonValue) -> dict[str, JsonValue]:
    return value if isinstance(value, dict) else {}


def _number(value: JsonValue) -> int | None:
    return value if isinstance(value, int) else None


def _name_of(definition: dict[str, JsonValue]) -> JsonValue:
    """Return what an inline definition is called: its file, or its own name."""
    return cast("JsonValue", definition.get("file") or definition.get("id") or definition.get("name") or "inline")
