import pytest
from temporalio.client import WorkflowHandle
from temporalio.common import SearchAttributeKey

from tests.support.live_runs import finished, start, status, until, until_open, until_step
from tests.support.workers import RunningWorker

pytestmark = pytest.mark.server

STATUS = SearchAttributeKey.for_keyword("PerdureStatus")
GATES = SearchAttributeKey.for_int("PerdureOpenGates")
APPROVERS = SearchAttributeKey.for_keyword_list("PerdureApprovers")
GATE = """
workspace: {from: none}
steps:
  - {id: ok, type: approval, approvers: {users: [ana], groups: [leads]}, timeout: 1h}
  - {id: after, type: shell, command: 'true'}
"""


async def attribute(handle: WorkflowHandle, key: SearchAttributeKey) -> object:
    return (await handle.describe()).typed_search_attributes.get(key)


async def length(handle: WorkflowHandle) -> int:
    return len((await handle.fetch_history()).events)


async def test_open_gate_can_be_found_by_its_approvers(worker: RunningWorker):
    handle = await start(worker, GATE)
    await until_open(handle, "ok")
    assert await attribute(handle, STATUS) == "waiting_approval"
    assert await attribute(handle, GATES) == 1
    assert sorted(await attribute(handle, APPROVERS)) == ["ana", "leads"]
    await handle.execute_update("decide", {"verdict": "approve", "by": "ana"})
    await finished(handle)
    assert await attribute(handle, STATUS) == "completed"
    assert await attribute(handle, GATES) == 0
    assert not await attribute(handle, APPROVERS)


async def test_person_who_may_not_decide_is_answered_and_the_gate_stays_open(worker: RunningWorker):
    handle = await start(worker, GATE)
    await until_open(handle, "ok")
    answer = await handle.execute_update("decide", {"verdict": "approve", "by": "bob"})
    assert answer["status"] == "refused"
    assert (await status(handle)).pending_approvals[0].gate == "ok"
    await handle.execute_update("decide", {"verdict": "approve", "by": "cleo", "groups": ["leads"]})
    assert (await finished(handle)).status == "completed"


async def test_gate_costs_at_most_ten_events(worker: RunningWorker):
    with_gate = await start(worker, GATE)
    await until_open(with_gate, "ok")
    await with_gate.execute_update("decide", {"verdict": "approve", "by": "ana"})
    await finished(with_gate)
    without = await start(worker, "workspace: {from: none}\nsteps: [{id: after, type: shell, command: 'true'}]")
    await finished(without)
    assert await length(with_gate) - await length(without) <= 10


async def test_pause_and_resume_cost_at_most_eight_events(worker: RunningWorker):
    text = "workspace: {from: none}\nsteps: [{id: w, type: wait, duration: 2s}]"
    plain, paused = await start(worker, text), await start(worker, text)
    await until_step(paused, "w", "running")
    await paused.signal("pause", {"by": "ana"})

    async def is_paused() -> bool:
        return (await status(paused)).status == "paused"

    await until(is_paused, "the pause")
    await paused.signal("resume", {"by": "ana"})
    await finished(plain)
    await finished(paused)
    assert await length(paused) - await length(plain) <= 8


async def test_details_for_the_web_ui_show_the_open_gate(worker: RunningWorker):
    handle = await start(worker, GATE)
    await until_open(handle, "ok")
    metadata = str(await handle.query("__temporal_workflow_metadata"))
    assert "Waiting for a decision" in metadata
    assert f"perdure approve {handle.id} ok" in metadata
    assert "Decide at an open gate." in metadata
    await handle.signal("decide", {"verdict": "approve", "by": "ana"})
    await finished(handle)
