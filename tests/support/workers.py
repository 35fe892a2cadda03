"""Our worker in the test's own process, on task queues of its own."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from temporalio.client import Client

from activities.store.interface import Store
from activities.store.opening import open_store
from worker.service import serve
from worker.settings import DefinitionSources, Settings


@dataclass(frozen=True, slots=True)
class RunningWorker:
    """What a test needs to start runs and to look at what they left."""

    client: Client
    task_queue: str
    store: Store
    settings: Settings


@contextlib.asynccontextmanager
async def running_worker(client: Client, task_queue: str, home: Path) -> AsyncGenerator[RunningWorker]:
    """Serve `task_queue` and its agent queue while the block lasts; content is kept under `home`."""
    settings = Settings(
        home=home,
        store=str(home / "store"),
        work=home / "work",
        task_queue=task_queue,
        definitions=DefinitionSources(inline=True),
        secrets=(f"folder:{home / 'secrets'}",),
        graceful_shutdown=timedelta(seconds=1),
        is_embedded=True,
    )
    stop = asyncio.Event()
    begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def begin() -> None:
        if not begun.done():
            begun.set_result(None)

    serving = asyncio.create_task(serve(settings, client, stop, begin))
    serving.add_done_callback(lambda _: begin())  # a worker that cannot start must not look like a hang
    try:
        await begun
        if serving.done():
            await serving
        yield RunningWorker(client, task_queue, open_store(settings.store), settings)
    finally:
        stop.set()
        await serving
