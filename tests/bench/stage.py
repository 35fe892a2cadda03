"""Where benchmarks run: real dev servers (stock and tuned), our worker, the hand-written one."""

import asyncio
import contextlib
import os
import statistics
import subprocess
import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from temporalio.client import Client, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.definition_sources import DefinitionPolicy
from activities.registry import ActivitySettings, activities
from activities.store.interface import Store
from activities.store.opening import open_store
from definitions.messages import SEARCH_ATTRIBUTES, WORKFLOW_TYPE
from tests.bench.baseline import (
    FanOutByHand,
    ParallelByHand,
    SequentialByHand,
    nothing_by_hand,
    shell_by_hand,
)
from worker.service import build_worker
from worker.settings import Settings
from worker.tuning import SQLITE_PRAGMAS, applicable, server_version
from workflows.run_definition import RunDefinition

BINARY = os.environ.get("PERDURE_TEMPORAL_BIN", str(Path.home() / ".cache/perdure/bin/temporal"))
BY_HAND = "by-hand"
ELSEWHERE = "elsewhere"
"""The queue of a worker that has activities only."""


@dataclass
class Stage:
    """A server with both workers on it."""

    client: Client
    store: Store

    async def by_hand(self, workflow: type, *arguments: str | int) -> WorkflowHandle:
        """Run the hand-written workflow to its end."""
        handle = await self.client.start_workflow(
            workflow.run, args=[*arguments], id=uuid.uuid4().hex, task_queue=BY_HAND
        )
        await handle.result()
        return handle

    async def start(self, definition: dict, **request: object) -> WorkflowHandle:
        """Start a run of ours."""
        body = {"definition": definition, **request}
        return await self.client.start_workflow(WORKFLOW_TYPE, body, id=uuid.uuid4().hex, task_queue="perdure")

    async def ours(self, definition: dict) -> WorkflowHandle:
        """Run a definition to its end."""
        handle = await self.start(definition)
        await handle.result()
        return handle


@contextlib.asynccontextmanager
async def stage(folder: Path, *, tuned: bool) -> AsyncGenerator[Stage]:
    """Start a server with a database file, our worker and the hand-written one."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    attributes = [f"{name}={kind}" for name, kind in SEARCH_ATTRIBUTES.items()]
    extra = [part for attribute in attributes for part in ("--search-attribute", attribute)]
    environment = await WorkflowEnvironment.start_local(
        dev_server_existing_path=BINARY,
        dev_server_database_filename=str(folder / "temporal.db"),
        dev_server_log_level="never",
        dev_server_extra_args=[*extra, *(tuning() if tuned else [])],
        data_converter=pydantic_data_converter,
    )
    store = open_store(str(folder / "store"))
    policy = ActivitySettings(definitions=DefinitionPolicy(allows_inline=True, allows_paths=True))
    light, agent = activities(store, folder / "work", environment.client, policy)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(environment.shutdown)
        settings = Settings.from_environment({"HOME": str(folder)})
        own = [*light, nothing_by_hand]
        ours = build_worker(settings, environment.client, "perdure", settings.light_slots, own, [RunDefinition])
        agents = build_worker(settings, environment.client, "perdure.agent", settings.agent_slots, agent, [])
        for worker in (ours, agents):
            await stack.enter_async_context(worker)
        by_hand = Worker(
            environment.client,
            task_queue=BY_HAND,
            workflows=[SequentialByHand, ParallelByHand, FanOutByHand],
            activities=[shell_by_hand, nothing_by_hand],
            max_concurrent_activities=200,
        )
        elsewhere = Worker(
            environment.client, task_queue=ELSEWHERE, activities=[nothing_by_hand], max_concurrent_activities=200
        )
        for worker in (by_hand, elsewhere):
            await stack.enter_async_context(worker)
        yield Stage(environment.client, store)


def tuning() -> list[str]:
    """Return the arguments that make the embedded default quick (`worker/tuning.py`)."""
    said = subprocess.run([BINARY, "--version"], capture_output=True, text=True, check=True).stdout
    settings = applicable(server_version(said))
    values = [part for setting in settings for part in ("--dynamic-config-value", f"{setting.key}={setting.value}")]
    return values + [part for name, value, _ in SQLITE_PRAGMAS for part in ("--sqlite-pragma", f"{name}={value}")]


def sequence(count: int, command: str = "true") -> dict:
    """Return a definition of so many shell steps, one after the other."""
    steps = [{"id": f"s{number}", "type": "shell", "command": command} for number in range(count)]
    return {"name": "sequence", "workspace": {"from": "empty"}, "steps": steps}


async def timed(run: Callable[[], Awaitable[object]]) -> float:
    """Return the seconds that a call takes."""
    begin = time.perf_counter()
    await run()
    return time.perf_counter() - begin


async def in_turn(rounds: int, **arms: Callable[[], Awaitable[object]]) -> dict[str, list[float]]:
    """Time each arm once a round, in turn, after one round that does not count; seconds by arm."""
    times: dict[str, list[float]] = {name: [] for name in arms}
    for number in range(rounds + 1):
        for name, run in arms.items():
            seconds = await timed(run)
            if number:
                times[name].append(seconds)
    return times


def median_ms(times: list[float]) -> float:
    """Return the median in milliseconds."""
    return statistics.median(times) * 1000


def percentile(times: list[float], share: float) -> float:
    """Return a percentile in milliseconds."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000


async def history_length(handle: WorkflowHandle) -> int:
    """Return the events of a run's history."""
    return len((await handle.fetch_history()).events)
