from types import SimpleNamespace

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError

from client import runs
from client.closings import fate_of, is_end, status_in
from client.runs import ended_status, recorded_events
from definitions.statuses import Event, Status
from tests.client.test_progress import event

CLIENT = SimpleNamespace(data_converter=pydantic_data_converter)
STATUS = {"execution_id": "r", "definition_id": "d", "status": "completed"}


async def completed(*values):
    happened = HistoryEvent(event_type=EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED)
    payloads = await pydantic_data_converter.encode(values)
    happened.workflow_execution_completed_event_attributes.result.payloads.extend(payloads)
    return happened


async def failed(error):
    happened = HistoryEvent(event_type=EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED)
    await pydantic_data_converter.encode_failure(error, happened.workflow_execution_failed_event_attributes.failure)
    return happened


def of(kind):
    happened = HistoryEvent()
    getattr(happened, f"workflow_execution_{kind}_event_attributes").SetInParent()
    return happened


async def test_result_of_a_completed_run_is_its_record():
    found = await status_in(CLIENT, await completed(STATUS))
    assert found is not None
    assert found.status == "completed"


async def test_failure_of_a_run_carries_its_record():
    error = ApplicationError("no", {**STATUS, "status": "rejected"}, type="run-rejected")
    found = await status_in(CLIENT, await failed(error))
    assert found is not None
    assert found.status == "rejected"


@pytest.mark.parametrize("values", [(), ("something else",), ({"a": 1},)])
async def test_result_of_another_shape_is_no_record(values):
    assert await status_in(CLIENT, await completed(*values)) is None


async def test_fate_is_told_where_no_record_was_written():
    assert await fate_of(CLIENT, await completed()) == ("completed", None)
    assert await fate_of(CLIENT, of("canceled")) == ("cancelled", None)
    state, error = await fate_of(CLIENT, await failed(ApplicationError("bad name", type="unknown-definition")))
    assert error is not None
    assert (state, error.type, error.message) == ("failed", "unknown-definition", "bad name")
    state, error = await fate_of(CLIENT, of("terminated"))
    assert error is not None
    assert (state, error.message) == ("failed", "the run was terminated: no reason given")
    state, error = await fate_of(CLIENT, of("timed_out"))
    assert error is not None
    assert (state, error.type) == ("failed", "timeout")


async def test_only_a_real_end_is_an_end():
    assert is_end(of("canceled"))
    assert not is_end(of("continued_as_new"))
    assert not is_end(of("started"))
    assert await status_in(CLIENT, of("canceled")) is None


class Documents:
    """A store of documents in memory."""

    def __init__(self, documents):
        self._documents = documents

    def read_document(self, key):
        return self._documents.get(key)

    def list_keys(self, prefix):
        return (key for key in sorted(self._documents) if key.startswith(prefix))


async def test_stored_record_wins_where_the_result_was_cut_or_is_missing():
    whole = Status(execution_id="r", definition_id="d", status="cancelled", steps={"a": {"status": "cancelled"}})
    connection = SimpleNamespace(client=CLIENT, store=Documents({"runs/r/run.json": whole.model_dump_json().encode()}))
    assert (await ended_status(connection, "r", of("canceled"))).steps["a"].status == "cancelled"


async def test_run_that_died_between_two_reports_keeps_what_is_known():
    earlier = Status(execution_id="r", definition_id="d", status="running", steps={"a": {"status": "completed"}})
    connection = SimpleNamespace(
        client=CLIENT, store=Documents({"runs/r/run.json": earlier.model_dump_json().encode()})
    )
    found = await ended_status(connection, "r", of("terminated"))
    assert (found.status, found.steps["a"].status) == ("failed", "completed")
    nothing = SimpleNamespace(client=CLIENT, store=Documents({}))
    found = await ended_status(nothing, "fix-20260101-abc123", of("canceled"))
    assert (found.status, found.definition_id) == ("cancelled", "fix")


def lines(*sequences: int) -> bytes:
    return b"".join(event("log", sequence=number).model_dump_json().encode() + b"\n" for number in sequences)


def test_events_put_away_come_in_order_from_all_parts():
    store = Documents({"runs/r/events-00000003.ndjson": lines(3, 4), "runs/r/events-00000001.ndjson": lines(1, 2)})
    assert [found.sequence for found in recorded_events(store, "r", after=1)] == [2, 3, 4]


async def test_events_that_a_continued_run_no_longer_holds_come_from_the_store(monkeypatch):
    async def answer(*_arguments):
        return [Event.model_validate_json(line) for line in lines(3, 4).splitlines()]

    monkeypatch.setattr(runs, "query", answer)
    connection = SimpleNamespace(store=Documents({"runs/r/events-00000001.ndjson": lines(1, 2, 3)}))
    assert [found.sequence for found in await runs.query_events(connection, "r", 0)] == [1, 2, 3, 4]
    assert [found.sequence for found in await runs.query_events(connection, "r", 2)] == [3, 4]
