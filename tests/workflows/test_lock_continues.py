"""A lock and a waiting run whose histories grow long: the server suggests continuing as new after 60 events."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from definitions.concurrency import Claim, LockStanding, lock_id
from tests.support.live_runs import finished, report, start, status, until, until_step
from tests.support.servers import connected, running_server
from tests.support.workers import RunningWorker, running_worker

pytestmark = pytest.mark.server

LAST = "  - {id: last, type: wait, signal: go}\n"
WORK = "workspace: {from: none}\nconcurrency: {group: long}\nsteps: [{id: a, type: wait, signal: go}]\n"


@pytest.fixture(scope="module")
async def forgetful(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningWorker]:
    folder = tmp_path_factory.mktemp("forgetful-lock")
    with running_server(folder / "server.log", limit_historyCount_suggestContinueAsNew="60") as address:
        client = await connected(address)
        async with running_worker(client, "forgetful-lock", folder / "home") as worker:
            yield worker


async def histories(worker: RunningWorker, execution: str) -> int:
    """Return how many runs of the server an execution took."""
    handle, count = worker.client.get_workflow_handle(execution), 1
    history = await handle.fetch_history()
    while previous := history.events[0].workflow_execution_started_event_attributes.continued_execution_run_id:
        count += 1
        history = await worker.client.get_workflow_handle(execution, run_id=previous).fetch_history()
    return count


async def test_holder_and_line_are_carried_when_the_lock_continues_as_new(forgetful: RunningWorker):
    first = await start(forgetful, WORK)
    await until_step(first, "a", "running")
    others = []
    for _ in range(3):
        others.append(await start(forgetful, WORK))
        now = others[-1]

        async def waits(handle=now) -> bool:
            return (await status(handle)).status == "pending" and (await status(handle)).reason is not None

        await until(waits, "the run to wait")
    lock = forgetful.client.get_workflow_handle(lock_id("long"))
    again = Claim(execution_id=first.id, token=(await first.describe()).run_id)

    async def has_continued() -> bool:
        await lock.signal("acquire", again)
        await asyncio.sleep(0.3)  # it continues as new when nothing waits to be read
        return await histories(forgetful, lock_id("long")) > 2

    await until(has_continued, "the lock to continue as new")
    held = await lock.query("standing", result_type=LockStanding)
    assert held == LockStanding(group="long", holder=first.id, waiting=[one.id for one in others])
    for handle in (first, *others):
        await handle.signal("go")
        assert (await finished(handle)).status == "completed"


async def test_waiting_run_keeps_its_place_when_it_continues_as_new(
    forgetful: RunningWorker, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("workflows.turns.ASK_AGAIN", timedelta(milliseconds=20))
    first = await start(forgetful, WORK.replace("long", "patient"))
    await until_step(first, "a", "running")
    second = await start(forgetful, WORK.replace("long", "patient"))

    async def has_continued() -> bool:
        return await histories(forgetful, second.id) > 1

    await until(has_continued, "the waiting run to continue as new")
    monkeypatch.undo()
    third = await start(forgetful, WORK.replace("long", "patient"))
    await forgetful.client.get_workflow_handle(first.id).signal("go")
    handle = forgetful.client.get_workflow_handle(second.id)
    await until_step(handle, "a", "running")
    await handle.signal("go")
    ended = await finished(handle)
    assert (ended.status, ended.reason) == ("completed", None)
    assert [event.type for event in (await report(handle)).events].count("run_started") == 1
    await third.signal("go")
    assert (await finished(third)).status == "completed"


async def test_turn_is_kept_when_the_run_that_has_it_continues_as_new(forgetful: RunningWorker):
    steps = "".join(f"  - {{id: s{number}, type: shell, command: 'true'}}\n" for number in range(15))
    text = WORK.replace("long", "busy").replace("steps: [{id: a, type: wait, signal: go}]", f"steps:\n{steps}{LAST}")
    first = await start(forgetful, text)
    await until_step(forgetful.client.get_workflow_handle(first.id), "last", "running")
    assert await histories(forgetful, first.id) > 1
    second = await start(forgetful, WORK.replace("long", "busy"))

    async def waits() -> bool:
        return f"`{first.id}`" in ((await status(second)).reason or "")

    await until(waits, "the second run to wait")
    await second.signal("go")
    latest = forgetful.client.get_workflow_handle(first.id)
    await latest.signal("go")
    assert (await finished(second)).status == "completed"
    assert (await finished(latest)).status == "completed"
