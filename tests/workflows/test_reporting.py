from datetime import UTC, datetime

import pytest

from definitions.messages import EventsQuery, PartQuery, Report
from definitions.records import Ledger, StepRecord
from definitions.statuses import Event, Status
from definitions.stored_values import json_size
from workflows.reporting import events_part, first_part, ledger_part

COUNT = 30
RECORDS = {f"all[{number}]": StepRecord(status="completed", outputs={"said": "ä" * 100}) for number in range(COUNT)}
EVENTS = [
    Event(
        event_id=f"r/{number}",
        sequence=number,
        execution_id="r",
        definition_id="d",
        type="log",
        data={"message": "ö" * 100},
        timestamp=datetime(2026, 1, 1, tzinfo=UTC),
    )
    for number in range(1, COUNT + 1)
]
REPORT = Report(
    status=Status(execution_id="r", definition_id="d", status="running", outputs={"big": "x" * 500}),
    ledger=Ledger(records=RECORDS, next_sequence=COUNT + 1),
    events=EVENTS,
)


def bytes_of(report: Report | Ledger) -> int:
    return json_size(report.model_dump(mode="json", exclude_defaults=True))


def test_report_is_whole_when_nothing_is_asked_for():
    assert first_part(REPORT, None) is REPORT
    assert ledger_part(REPORT.ledger, None) is REPORT.ledger


def test_report_has_so_many_records_and_events_when_they_are_counted():
    part = first_part(REPORT, PartQuery(limit=4))
    assert (list(part.ledger.records), part.events) == (list(RECORDS)[:4], EVENTS[:4])
    assert part.status == REPORT.status


@pytest.mark.parametrize("size", [3_000, 8_000, 20_000])
def test_report_fits_into_the_bytes_that_were_asked_for(size: int):
    part = first_part(REPORT, PartQuery(limit=1, size=size))
    assert 1 < len(part.ledger.records) <= COUNT
    assert 1 <= len(part.events) <= COUNT
    assert bytes_of(part) <= size + json_size(EVENTS[0].model_dump(mode="json"))


def test_report_is_whole_when_it_fits():
    assert first_part(REPORT, PartQuery(limit=1, size=bytes_of(REPORT) * 2)) == REPORT


def test_there_is_one_of_each_when_nothing_fits():
    part = first_part(REPORT, PartQuery(size=1))
    assert (list(part.ledger.records), part.events) == (["all[0]"], EVENTS[:1])


@pytest.mark.parametrize("size", [1, 2_000, 1_000_000])
def test_parts_make_the_whole_when_one_is_asked_for_after_the_other(size: int):
    records: dict[str, StepRecord] = {}
    while part := ledger_part(REPORT.ledger, PartQuery(start=len(records), size=size)).records:
        records |= part
    assert records == RECORDS
    events: list[Event] = []
    while later := events_part(EVENTS, EventsQuery(after=len(events), size=size)):
        events += later
    assert events == EVENTS


def test_events_are_counted_when_no_bytes_are_named():
    assert events_part(EVENTS, EventsQuery(after=3, limit=2)) == EVENTS[3:5]
