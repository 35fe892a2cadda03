"""A lock and a waiting run whose histories grow long: the server suggests continuing as new after 60 events."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import timedelta

import pytest
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError

from definitions.locks import LOCK_TYPE, Claim, LockInput, LockStanding, Release, Unread, lock_id
from tests.support.live_runs import finished, report, start, status, until, until_step
from tests.support.servers import connected, running_server
from tests.support.workers import RunningWorker, running_worker

pytestmark = pytest.mark.server

LAST = "  - {id: last, type: wait, signal: go}\n"
LAST_ALONE = f"workspace: {{from: none}}\nsteps:\n{LAST}"
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


async def waiting_behind(worker: RunningWorker, group: str) -> WorkflowHandle:
    """Start a run whose turn has not come; return it once it waits."""
    handle = await start(worker, WORK.replace("long", group))

    async def waits() -> bool:
        now = await status(handle)
        return now.status == "pending" and now.reason is not None

    await until(waits, "the run to wait")
    return handle


@contextlib.asynccontextmanager
async def flooded(lock: WorkflowHandle, message: Claim, senders: int = 4) -> AsyncGenerator[None]:
    """Send a claim again and again, without a pause, while the block lasts and the lock lives."""
    is_enough = False

    async def send() -> None:
        with contextlib.suppress(RPCError):  # it has ended
            while not is_enough:
                await lock.signal("acquire", message)

    sending = [asyncio.create_task(send()) for _ in range(senders)]
    try:
        yield
    finally:
        is_enough = True
        await asyncio.gather(*sending)


async def test_holder_and_line_are_carried_when_claims_come_without_a_pause(forgetful: RunningWorker):
    first = await start(forgetful, WORK)
    await until_step(first, "a", "running")
    others = [await waiting_behind(forgetful, "long") for _ in range(2)]
    lock = forgetful.client.get_workflow_handle(lock_id("long"))
    again = Claim(execution_id=first.id, token=(await first.describe()).run_id)

    async def has_continued() -> bool:
        return await histories(forgetful, lock_id("long")) > 3

    async with flooded(lock, again):
        await until(has_continued, "the lock to continue as new")
        others.append(await waiting_behind(forgetful, "long"))
    held = await lock.query("standing", result_type=LockStanding)
    assert held == LockStanding(group="long", holder=first.id, waiting=[one.id for one in others])
    for handle in (first, *others):
        await handle.signal("go")
        assert (await finished(handle)).status == "completed"
    starts = [(await status(handle)).steps["a"].started_at for handle in (first, *others)]
    assert starts == sorted(starts), "first come, first served"


async def test_turn_goes_on_when_it_is_given_back_in_a_flood(forgetful: RunningWorker):
    first = await start(forgetful, WORK.replace("long", "flooded"))
    await until_step(first, "a", "running")
    others = [await waiting_behind(forgetful, "flooded") for _ in range(2)]
    lock = forgetful.client.get_workflow_handle(lock_id("flooded"))
    again = Claim(execution_id=others[-1].id, token=(await others[-1].describe()).run_id)
    async with flooded(lock, again):
        for handle in (first, *others):
            await handle.signal("go")
            assert (await finished(handle)).status == "completed"


async def test_messages_are_read_in_order_when_they_are_handed_on_unread(forgetful: RunningWorker):
    runs = [await start(forgetful, LAST_ALONE) for _ in range(3)]
    claims = [Claim(execution_id=one.id, token=(await one.describe()).run_id) for one in runs]
    inbox = [*(Unread(acquire=claim) for claim in claims), Unread(release=Release(execution_id=runs[1].id))]
    lock = await forgetful.client.start_workflow(
        LOCK_TYPE, LockInput(inbox=[*inbox, Unread()]), id=lock_id("handed-on"), task_queue=forgetful.task_queue
    )

    async def is_read() -> bool:
        held = await lock.query("standing", result_type=LockStanding)
        return (held.holder, held.waiting) == (runs[0].id, [runs[2].id])

    await until(is_read, "the messages to be read")
    await lock.terminate()
    for handle in runs:
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
