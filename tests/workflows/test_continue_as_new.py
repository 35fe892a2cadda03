"""Runs whose history is long: the server suggests continuing as new after 60 events."""

import pytest

from tests.support.live_runs import finished, histories_of, start, until, until_open
from tests.support.workers import RunningWorker

pytestmark = pytest.mark.server


def steps(count: int, indent: str = "  ") -> str:
    return "".join(f"{indent}- {{id: s{number}, type: shell, command: echo {number}}}\n" for number in range(count))


async def test_run_is_one_execution_over_several_histories(forgetful: RunningWorker):
    handle = await start(forgetful, "workspace: {from: none}\nsteps:\n" + steps(40))
    ended = await finished(handle)
    assert (ended.status, ended.completed_steps, ended.execution_id) == ("completed", 40, handle.id)
    assert ended.created_at is not None
    assert ended.started_at is not None
    assert await histories_of(forgetful, handle.id) > 3


async def test_events_are_numbered_on_and_all_in_the_store(forgetful: RunningWorker):
    handle = await start(forgetful, "workspace: {from: none}\nsteps:\n" + steps(30))
    await finished(handle)
    keys = [key for key in forgetful.store.list_keys(f"runs/{handle.id}/") if "events-" in key]
    assert len(keys) > 1
    lines = [line for key in keys for line in (forgetful.store.read_document(key) or b"").splitlines()]
    assert [f'"sequence":{number},'.encode() in line for number, line in enumerate(lines, start=1)] == [True] * len(
        lines
    )
    assert b"run_completed" in lines[-1]


async def test_open_gate_and_wait_are_carried(forgetful: RunningWorker):
    text = f"""
workspace: {{from: none}}
steps:
  - id: side
    type: group
    mode: parallel
    steps:
      - {{id: ok, type: approval, timeout: 1h}}
      - {{id: nap, type: wait, duration: 3s}}
      - id: work
        type: group
        steps:
{steps(30, "          ")}
  - {{id: last, type: shell, command: "echo {{{{ steps.ok.outputs.decided_by }}}}"}}
"""
    handle = await start(forgetful, text)
    await until_open(handle, "side/ok")

    async def has_worked() -> bool:
        found = await forgetful.client.get_workflow_handle(handle.id).query("status")
        return found["steps"].get("side/work", {}).get("status") == "completed"

    await until(has_worked, "the work to be done")
    assert await histories_of(forgetful, handle.id) > 1
    latest = forgetful.client.get_workflow_handle(handle.id)
    before = await latest.query("gates")
    await latest.execute_update("decide", {"gate": "side/ok", "verdict": "approve", "by": "ana"})
    ended = await finished(handle)
    assert ended.status == "completed"
    assert ended.steps["last"].outputs == {"stdout": "ana", "exit_code": 0}
    assert len(before) == 1


async def test_decision_before_and_pause_are_carried(forgetful: RunningWorker):
    text = "workspace: {from: none}\nsteps:\n  - {id: ok, type: approval}\n" + steps(12)
    handle = await start(forgetful, text)
    await until_open(handle, "ok")
    await handle.execute_update("decide", {"verdict": "approve", "by": "ana", "decision_id": "d1"})
    latest = forgetful.client.get_workflow_handle(handle.id)

    async def has_continued() -> bool:
        return await histories_of(forgetful, handle.id) > 1

    await until(has_continued, "the second history")
    ended = await finished(latest)
    assert [decision.decision_id for decision in ended.approvals] == ["d1"]
    assert ended.completed_steps == 13
