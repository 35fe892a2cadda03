"""The histories of a lock and of a run that waits for its turn: several runs of one group, played together.

turn           a run that waits behind another, and goes
lock           the lock: a turn given back, one in line that leaves it, another turn
lock_flooded   the lock under claims without a pause, until it continues as new with messages unread
"""

import asyncio

from temporalio.client import WorkflowHandle

from definitions.locks import Claim, lock_id
from tests.support.live_runs import finished, histories_of, start, status, until, until_step
from tests.support.workers import RunningWorker

TURNS = ("turn", "lock")
FLOODED = "lock_flooded"
SUGGESTED_AFTER = "60"
"""Events after which the server of the flooded lock suggests to continue as new."""


def _definition(group: str) -> str:
    return (
        f"workspace: {{from: none}}\nconcurrency: {{group: {group}}}\nsteps: [{{id: work, type: wait, signal: go}}]\n"
    )


async def _waiting(worker: RunningWorker, group: str) -> WorkflowHandle:
    handle = await start(worker, _definition(group))

    async def waits() -> bool:
        return (await status(handle)).reason is not None

    await until(waits, "the run to wait")
    return handle


async def play_turns(worker: RunningWorker) -> dict[str, WorkflowHandle]:
    """Play three runs of a group; return by name whose histories are to be kept."""
    first = await start(worker, _definition("replay"))
    await until_step(first, "work", "running")
    leaving, second = await _waiting(worker, "replay"), await _waiting(worker, "replay")
    lock = await _latest(worker, "replay")
    await leaving.cancel()
    await finished(leaving)
    for handle in (first, second):
        await handle.signal("go")
        await finished(handle)
    await lock.result()
    return {"turn": second, "lock": lock}


async def play_flooded(worker: RunningWorker) -> dict[str, WorkflowHandle]:
    """Play a lock that continues as new in a flood; return the history that it left."""
    first = await start(worker, _definition("flooded"))
    await until_step(first, "work", "running")
    second = await _waiting(worker, "flooded")
    lock = await _latest(worker, "flooded")
    claim = Claim(execution_id=second.id, token=(await second.describe()).run_id)
    anew = worker.client.get_workflow_handle(lock_id("flooded"))
    while await histories_of(worker, anew.id) == 1:
        await asyncio.gather(*(anew.signal("acquire", claim) for _ in range(8)))
    for handle in (first, second):
        await handle.signal("go")
        await finished(handle)
    return {FLOODED: lock}


async def _latest(worker: RunningWorker, group: str) -> WorkflowHandle:
    """Return the lock in the history that it has now."""
    identity = lock_id(group)
    description = await worker.client.get_workflow_handle(identity).describe()
    return worker.client.get_workflow_handle(identity, run_id=description.run_id)
