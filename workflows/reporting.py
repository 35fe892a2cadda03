"""Answers that may be long, in parts: the server bounds what a query answers.

A part has as many records or events as fit into the bytes that were asked for, at least one; where none were named, as
many as `limit` says. How many there are in all is in the status: `events`, and `steps` with `hidden_steps`.
"""

from collections.abc import Iterable
from itertools import islice
from typing import TypeVar

from pydantic import BaseModel

from definitions.messages import EventsQuery, PartQuery, Report
from definitions.records import Ledger, StepRecord
from definitions.statuses import Event
from definitions.stored_values import json_size

Part = TypeVar("Part", bound=BaseModel)


def first_part(report: Report, query: PartQuery | None) -> Report:
    """Return a report with the first of its records and events; whole where nothing was asked for."""
    if query is None:
        return report
    room = query.size
    if room is not None:
        bare = report.model_copy(update={"ledger": report.ledger.model_copy(update={"records": {}}), "events": []})
        room -= json_size(bare.model_dump(mode="json", exclude_defaults=True))
    records, room = _records(report.ledger, query, room)
    events, _ = _fitting(report.events, query.limit, room)
    ledger = report.ledger.model_copy(update={"records": records})
    return report.model_copy(update={"ledger": ledger, "events": events})


def ledger_part(ledger: Ledger, query: PartQuery | None) -> Ledger:
    """Return a ledger with some of its records; whole where nothing was asked for."""
    if query is None:
        return ledger
    return ledger.model_copy(update={"records": _records(ledger, query, query.size)[0]})


def events_part(events: list[Event], query: EventsQuery) -> list[Event]:
    """Return the next events after one."""
    return _fitting((event for event in events if event.sequence > query.after), query.limit, query.size)[0]


def _records(ledger: Ledger, query: PartQuery, room: int | None) -> tuple[dict[str, StepRecord], int | None]:
    rest = islice(ledger.records.items(), query.start, None)
    if room is None:
        return dict(islice(rest, query.limit)), None
    shown: dict[str, StepRecord] = {}
    for path, record in rest:
        room -= _size(record) + json_size(path) + 2
        if room < 0 and shown:
            break
        shown[path] = record
    return shown, max(room, 0)


def _fitting(items: Iterable[Part], limit: int, room: int | None) -> tuple[list[Part], int | None]:
    if room is None:
        return list(islice(items, limit)), None
    shown: list[Part] = []
    for item in items:
        room -= _size(item) + 1
        if room < 0 and shown:
            break
        shown.append(item)
    return shown, max(room, 0)


def _size(item: BaseModel) -> int:
    return len(item.model_dump_json().encode())
