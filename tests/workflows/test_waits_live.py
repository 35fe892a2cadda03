"""`wait: signal` on a real server: early, late, twice, nonsense, by other tools, over several histories."""

import asyncio
import json

import pytest

from tests.support.live_runs import finished, histories_of, start, status, until, until_open, until_step
from tests.support.servers import server_binary
from tests.support.workers import RunningWorker

pytestmark = pytest.mark.server

DEPLOYED = """
workspace: {from: none}
outputs: {got: {value: "{{ steps.await.outputs.payload }}"}}
steps:
  - {id: ok, type: approval}
  - {id: await, type: wait, signal: deployed, timeout: 1h}
"""


async def test_last_signal_is_kept_when_it_comes_before_the_wait(worker: RunningWorker):
    handle = await start(worker, DEPLOYED)
    await handle.signal("deployed", {"version": 1})
    await handle.signal("deployed", {"version": 2})
    await handle.signal("something-else", [1])
    await until_open(handle, "ok")
    await handle.signal("decide", {"verdict": "approve"})
    assert (await finished(handle)).outputs == {"got": {"version": 2}}


async def test_wait_is_over_when_the_signal_of_the_temporal_command_comes(worker: RunningWorker):
    handle = await start(worker, DEPLOYED.replace("  - {id: ok, type: approval}\n", ""))
    await until_step(handle, "await", "running")
    address = worker.client.service_client.config.target_host
    command = [str(server_binary().path), "workflow", "signal", "--address", address, "-w", handle.id]
    process = await asyncio.create_subprocess_exec(*command, "--name", "deployed", "--input", '{"version": 3}')
    assert await process.wait() == 0
    assert (await finished(handle)).outputs == {"got": {"version": 3}}


async def test_signal_without_content_gives_null(worker: RunningWorker):
    handle = await start(worker, DEPLOYED.replace("  - {id: ok, type: approval}\n", ""))
    await handle.signal("deployed")
    assert (await finished(handle)).outputs == {"got": None}


async def test_signal_is_carried_into_the_next_history(forgetful: RunningWorker):
    steps = "".join(f"  - {{id: s{number}, type: shell, command: 'true'}}\n" for number in range(24))
    handle = await start(forgetful, f"workspace: {{from: none}}\nsteps:\n{steps}  - {{id: w, type: wait, signal: go}}")
    await handle.signal("go", "early")
    ended = await finished(handle)
    assert ended.steps["w"].outputs is not None
    assert ended.steps["w"].outputs["payload"] == "early"
    assert await histories_of(forgetful, handle.id) > 1


async def test_run_that_only_waits_goes_on_in_a_new_history_when_messages_flood_it(forgetful: RunningWorker):
    handle = await start(forgetful, DEPLOYED.replace("  - {id: ok, type: approval}\n", ""))
    await until_step(handle, "await", "running")
    latest = forgetful.client.get_workflow_handle(handle.id)

    async def is_over() -> bool:
        await latest.signal("noise", {"n": 1})
        return await histories_of(forgetful, handle.id) > 1

    await until(is_over, "the second history")
    await latest.signal("deployed", "late")
    assert (await finished(handle)).outputs == {"got": "late"}


async def test_nonsense_signals_do_no_harm_while_it_waits(worker: RunningWorker):
    handle = await start(worker, DEPLOYED.replace("  - {id: ok, type: approval}\n", ""))
    await until_step(handle, "await", "running")
    for number in range(60):
        await handle.signal(f"other-{number}", number)
    await handle.signal("deployed", "x" * 5000)
    await handle.signal("resume", {"steps": {"await": "retry"}})
    assert (await status(handle)).status == "running"
    await handle.signal("other-1", "again")
    await handle.execute_update("pause", {"by": "ana"})
    await handle.execute_update("resume", {"by": "ana"})
    ledger = await handle.query("ledger")
    assert len(ledger["signals"]) <= 50
    assert len(json.dumps(ledger)) < 20_000
    await handle.cancel()
    assert (await finished(handle)).status == "cancelled"


async def test_wait_fails_of_class_timeout_when_no_signal_comes(worker: RunningWorker):
    handle = await start(worker, "steps: [{id: w, type: wait, signal: go, timeout: 300ms}]")
    ended = await finished(handle)
    assert ended.error is not None
    assert ended.error.type == "timeout"
    assert "`go`" in ended.error.message
