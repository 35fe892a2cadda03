"""Our worker in a thread of its own: a test starts and stops it while its own thread runs commands."""

import asyncio
import threading
from pathlib import Path

from client.connection import open_client
from tests.support.workers import running_worker

LIMIT_SECONDS = 60


class ThreadedWorker:
    """A worker of `task_queue`; its content is kept in `home / "store"`."""

    def __init__(self, address: str, task_queue: str, home: Path) -> None:
        self._address = address
        self._queue = task_queue
        self._home = home
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._failure: BaseException | None = None

    def start(self) -> None:
        """Start it; return when it serves."""
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(LIMIT_SECONDS)
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Stop it; return when it is gone. Nothing happens where it does not run."""
        if self._thread is None or self._loop is None or self._stop is None:
            return
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(LIMIT_SECONDS)
        assert not self._thread.is_alive()
        self._thread = None

    def _run(self, ready: threading.Event) -> None:
        try:
            asyncio.run(self._serve(ready))
        except BaseException as error:  # whatever it is belongs to the test's thread
            self._failure = error
            ready.set()

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        client = await open_client({"target_host": self._address})
        async with running_worker(client, self._queue, self._home):
            ready.set()
            await self._stop.wait()
