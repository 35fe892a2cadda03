"""`finish`: the last bookkeeping activity. It writes what is known of a run to the store.

    runs/ID/run.json                the status record
    runs/ID/prepared.json           what it was frozen with: definition, inputs, variables, files
    runs/ID/ledger.json             the ledger
    runs/ID/events-NNNNNNNN.ndjson  its events, from that sequence on

The run is asked for its own report, so that history holds no copy of it. The same is written when a run
continues as new.
"""

import asyncio
from datetime import timedelta

from temporalio.client import Client, WorkflowHandle

from activities.store.interface import Store
from activities.store.keys import run_key
from activities.workspace.checkouts import Checkouts
from definitions.messages import EventsQuery, FinishCall, PartQuery, Report
from definitions.records import Ledger
from definitions.statuses import ENDED, Event

SIZE = 480_000
"""Bytes of one answer: over 512 KB server and worker warn, over 2 MB the server refuses."""
AT_ONCE = 500
"""Records, and events, in one answer of a run whose worker does not count bytes yet: each may have outputs of 1 KB."""


async def finish(store: Store, checkouts: Checkouts, client: Client, call: FinishCall) -> None:
    """Write the record of a run, and remove this worker's folders of one that ended. Once more is harmless."""
    handle = client.get_workflow_handle(call.run.execution_id)
    report = await report_from(handle)
    await asyncio.to_thread(write_report, store, report)
    if report.status.status in ENDED:
        await checkouts.discard(call.run.execution_id)


async def report_from(handle: WorkflowHandle[object, object], time: timedelta | None = None) -> Report:
    """Ask for all that a run knows, in parts: the server bounds a query's answer to 2 MB. `time` is for each part."""
    first = PartQuery(limit=AT_ONCE, size=SIZE)
    report = await handle.query("report", first, result_type=Report, rpc_timeout=time)
    records, events = dict(report.ledger.records), list(report.events)
    status = report.status
    while len(records) < len(status.steps) + status.hidden_steps:
        part = first.model_copy(update={"start": len(records)})
        more = await handle.query("ledger", part, result_type=Ledger, rpc_timeout=time)
        if not more.records:
            break
        records |= more.records
    while events and events[-1].sequence < status.events:
        after = EventsQuery(after=events[-1].sequence, limit=AT_ONCE, size=SIZE)
        later = await handle.query("events", after, result_type=list[Event], rpc_timeout=time)
        if not later:
            break
        events += later
    ledger = report.ledger.model_copy(update={"records": records})
    return report.model_copy(update={"ledger": ledger, "events": events})


def write_report(store: Store, report: Report) -> None:
    """Write a report's documents; `run.json` last, since it says that the others are there."""
    run = report.status.execution_id
    if report.events:
        lines = "".join(event.model_dump_json(exclude_none=True) + "\n" for event in report.events)
        store.write_document(run_key(run, f"events-{report.events[0].sequence:08d}.ndjson"), lines.encode())
    if report.prepared is not None:
        frozen = report.prepared.model_dump_json(exclude_defaults=True).encode()
        store.write_document(run_key(run, "prepared.json"), frozen)
    store.write_document(run_key(run, "ledger.json"), report.ledger.model_dump_json(exclude_defaults=True).encode())
    store.write_document(run_key(run, "run.json"), report.status.model_dump_json(exclude_defaults=True).encode())
