"""Undoing on a real server: after a failure, a rejection, a cancel; while paused; with a long history."""

import asyncio
from pathlib import Path

import pytest
from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from tests.support.live_runs import finished, histories_of, start, status, until, until_open, until_step
from tests.support.workers import RunningWorker

pytestmark = pytest.mark.server

BEGUN = asyncio.Event()


@activity.defn(name="stubborn")
async def stubborn() -> None:
    """Fail when it is cancelled."""
    BEGUN.set()
    try:
        while True:
            activity.heartbeat()
            await asyncio.sleep(0.05)
    except asyncio.CancelledError:
        raise ApplicationError("no", non_retryable=True) from None


def made(log: Path, last: str, count: int = 3) -> str:
    steps = "".join(
        f"""
  - id: make{number}
    type: shell
    command: "echo {number} > {number}.txt"
    outputs: {{n: "{{{{ {number} }}}}"}}
    compensate: {{type: shell, command: "echo {{{{ steps.make{number}.outputs.n }}}} $(ls | wc -l) >> {log}"}}"""
        for number in range(count)
    )
    return f"workspace: {{from: empty}}\nsteps:{steps}\n  - {last}\n"


def undone(count: int = 3) -> str:
    return "".join(f"{number} {number + 1}\n" for number in reversed(range(count)))


async def test_completed_steps_are_undone_last_first_when_a_step_fails(worker: RunningWorker, tmp_path: Path):
    handle = await start(worker, made(tmp_path / "log", "{id: bad, type: shell, command: exit 1}"))
    ended = await finished(handle)
    assert ended.error is not None
    assert (ended.status, ended.error.step) == ("failed", "bad")
    assert (tmp_path / "log").read_text() == undone()
    assert all(ended.steps[f"make{number}"].compensated for number in range(3))


async def test_completed_steps_are_undone_when_a_gate_is_rejected(worker: RunningWorker, tmp_path: Path):
    handle = await start(worker, made(tmp_path / "log", "{id: ok, type: approval}"))
    await until_open(handle, "ok")
    await handle.execute_update("decide", {"verdict": "reject", "by": "bob"})
    assert (await finished(handle)).status == "rejected"
    assert (tmp_path / "log").read_text() == undone()


@pytest.mark.parametrize("how", ["running", "paused", "held"])
async def test_completed_steps_are_undone_when_the_run_is_cancelled(worker: RunningWorker, tmp_path: Path, how: str):
    last = {
        "running": "{id: last, type: shell, command: sleep 600}",
        "paused": "{id: last, type: wait, duration: 1h}",
        "held": "{id: last, type: shell, command: exit 1, on_failure: pause}",
    }[how]
    handle = await start(worker, made(tmp_path / "log", last))
    await until_step(handle, "last", "failed" if how == "held" else "running")
    if how == "paused":
        await handle.execute_update("pause", {"by": "ana"})
    await handle.execute_update("cancel", {"by": "ana"})
    ended = await finished(handle)
    assert ended.status == "cancelled"
    assert (tmp_path / "log").read_text() == undone()


async def test_undoing_goes_on_when_the_history_is_long(forgetful: RunningWorker, tmp_path: Path):
    last = "{id: bad, type: shell, command: exit 1}"
    handle = await start(forgetful, made(tmp_path / "log", last, count=14))
    ended = await finished(handle)
    assert ended.status == "failed"
    assert (tmp_path / "log").read_text() == undone(14)
    assert await histories_of(forgetful, handle.id) > 1


async def test_cancelled_run_is_undone_when_the_history_is_long(forgetful: RunningWorker, tmp_path: Path):
    handle = await start(forgetful, made(tmp_path / "log", "{id: last, type: shell, command: sleep 600}", count=14))
    latest = forgetful.client.get_workflow_handle(handle.id)
    await until_step(latest, "last", "running")
    await latest.cancel()
    ended = await finished(latest)
    assert ended.status == "cancelled"
    assert (tmp_path / "log").read_text() == undone(14)


async def test_cancel_is_not_lost_when_it_comes_while_the_run_continues_as_new(
    forgetful: RunningWorker, tmp_path: Path
):
    """The cancel comes at every moment of a run that continues as new all the time; no run may outlive it."""
    steps = "".join(f"  - {{id: s{number}, type: shell, command: 'true'}}\n" for number in range(80))
    for number in range(4):
        handle = await start(forgetful, f"workspace: {{from: none}}\nsteps:\n{steps}")
        latest = forgetful.client.get_workflow_handle(handle.id)

        async def has_come_so_far(wanted: int = 7 + number, run: WorkflowHandle = latest) -> bool:
            return (await status(run)).completed_steps >= wanted

        await until(has_come_so_far, "the run to come so far")
        await latest.cancel()
        ended = await finished(latest)
        assert (ended.status, ended.completed_steps < 60) == ("cancelled", True)


async def test_undoing_that_a_cancel_interrupts_is_done_anew(worker: RunningWorker, tmp_path: Path):
    text = made(tmp_path / "log", "{id: bad, type: shell, command: exit 1}")
    slow = f"if [ -e {tmp_path}/begun ]; then echo again >> {tmp_path}/log; else touch {tmp_path}/begun; sleep 600; fi"
    text = text.replace(
        "  - {id: bad",
        f"  - {{id: s, type: shell, command: 'true', compensate: {{type: shell, command: '{slow}'}}}}\n  - {{id: bad",
    )
    handle = await start(worker, text)
    await until_step(handle, "s/compensate/undo_s", "running")
    await handle.cancel()
    ended = await finished(handle)
    assert ended.status == "cancelled"
    assert (tmp_path / "log").read_text() == "again\n" + undone()


async def test_cancel_is_not_lost_when_the_running_step_of_a_paused_run_ends_well(worker: RunningWorker):
    text = """
workspace: {from: none}
steps:
  - {id: a, type: shell, command: "trap '' TERM; sleep 0.5"}
  - {id: b, type: shell, command: "true"}
"""
    handle = await start(worker, text)
    await until_step(handle, "a", "running")
    await handle.execute_update("pause", {"by": "ana"})
    await handle.cancel()
    ended = await finished(handle)
    assert ended.status == "cancelled"
    assert "b" not in ended.steps


async def test_cancel_is_not_lost_when_the_step_that_it_ends_fails_and_would_be_held(worker: RunningWorker):
    text = """
workspace: {from: none}
steps: [{id: a, type: activity, activity: stubborn, heartbeat_timeout: 5s, on_failure: pause, task_queue: QUEUE}]
"""
    queue = f"{worker.task_queue}-stubborn"
    async with Worker(worker.client, task_queue=queue, activities=[stubborn]):
        handle = await start(worker, text.replace("QUEUE", queue))
        await until_step(handle, "a", "running")
        await BEGUN.wait()
        await handle.cancel()
        ended = await finished(handle)
    assert ended.status == "cancelled"
