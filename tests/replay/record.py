"""Makes the committed histories: plays each scenario on a real server and writes what happened."""

import asyncio
import contextlib
import os
import re
import sys
import tempfile
import uuid
from collections.abc import AsyncGenerator
from pathlib import Path

from temporalio.client import WorkflowHandle

from tests.replay.scenarios import SCENARIOS, Scenario
from tests.replay.turns import FLOODED, SUGGESTED_AFTER, TURNS, play_flooded, play_turns
from tests.support.live_runs import finished, start, until_open, until_step
from tests.support.servers import connected, running_server
from tests.support.workers import RunningWorker, running_worker

STACK_TRACE = re.compile(r'"stackTrace": "(?:[^"\\]|\\.)*"')
"""Holds paths of the machine that recorded it; replay does not read it."""
HISTORIES = Path(__file__).parent / "histories"


async def play(worker: RunningWorker, scenario: Scenario) -> WorkflowHandle:
    """Play a scenario to its end."""
    handle = await start(worker, scenario.text, **scenario.request)
    for gate, decision in scenario.decide.items():
        await until_open(handle, gate)
        await handle.execute_update("decide", {"gate": gate, **decision})
    if scenario.pause_during is not None:
        await until_step(handle, scenario.pause_during, "running")
        await handle.signal("pause", {"by": "ana"})
        await until_step(handle, scenario.pause_during, "completed")
        await handle.execute_update("resume", {"by": "ana"})
    if scenario.cancel_during is not None:
        await until_step(handle, scenario.cancel_during, "running")
        await handle.signal("cancel", {"by": "ana"})
    await finished(handle)
    return handle


async def record(names: list[str]) -> None:
    """Write the histories of the named scenarios, or of all."""
    HISTORIES.mkdir(exist_ok=True)
    async with recorder() as worker:
        for scenario in names or SCENARIOS:
            if scenario in SCENARIOS:
                await write({scenario: await play(worker, SCENARIOS[scenario])})
        if not names or not set(TURNS).isdisjoint(names):
            await write(await play_turns(worker))
    if not names or FLOODED in names:
        async with recorder(limit_historyCount_suggestContinueAsNew=SUGGESTED_AFTER) as worker:
            await write(await play_flooded(worker))


@contextlib.asynccontextmanager
async def recorder(**values: str) -> AsyncGenerator[RunningWorker]:
    """Run a server and a worker while the block lasts."""
    with (
        tempfile.TemporaryDirectory() as name,
        running_server(Path(name) / "server.log", **values) as address,
    ):
        client = await connected(address, identity="recorder")
        async with running_worker(client, f"record-{uuid.uuid4().hex[:6]}", Path(name) / "home") as worker:
            yield worker


async def write(played: dict[str, WorkflowHandle]) -> None:
    """Write histories by name."""
    for name, handle in played.items():
        text = STACK_TRACE.sub('"stackTrace": ""', (await handle.fetch_history()).to_json())
        (HISTORIES / f"{name}.json").write_text(text + "\n")
        sys.stdout.write(f"{name}\n")


if __name__ == "__main__":
    asyncio.run(record(sys.argv[1:]))
    sys.stdout.flush()
    os._exit(0)  # the SDK's core can abort at interpreter exit
