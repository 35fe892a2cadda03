"""A worker process from its start to its end.

It claims a work folder of its own, ends what a worker killed before it left behind there, connects, and serves.
The embedded one also brings the namespace in order and keeps the logs of server and worker small.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import Generator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel

from definitions.errors import EnvironmentUnfit
from worker import dev_server, leases, log_files, processes
from worker.settings import Settings

WORKER_LEASE = "worker.lock"
READY = "ready"

_log = logging.getLogger("perdure.worker")
_LEASE_WAIT = timedelta(seconds=5)
_STRANGER_CHECK = timedelta(milliseconds=250)
_LOG_CHECK = timedelta(seconds=30)


class UnfitMessage(BaseModel):
    """What a worker that cannot serve says on its pipe, instead of `READY`."""

    message: str
    remedy: str


def run(settings: Settings, *, address: str | None = None, ready: int | None = None) -> None:
    """Serve until a signal says stop.

    Args:
        settings: What to serve.
        address: The server; None: as the Temporal CLI's configuration says.
        ready: A descriptor that is told `ready`, or as JSON why not.

    Raises:
        EnvironmentUnfit: this machine lacks something.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        with claimed_work(settings) as claimed:
            asyncio.run(_live(claimed, address, ready))
    except EnvironmentUnfit as error:
        _tell(ready, UnfitMessage(message=error.message, remedy=error.remedy).model_dump_json())
        raise


@contextlib.contextmanager
def claimed_work(settings: Settings) -> Generator[Settings]:
    """Hold a work folder that no other worker uses: the embedded one, or the first that is free.

    Raises:
        EnvironmentUnfit: another embedded worker does not let go, or the folder cannot be written.
    """
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        folder, lease = _embedded_work(settings) if settings.is_embedded else _free_work(settings)
        folder.mkdir(parents=True, exist_ok=True)
        if us := processes.identify(os.getpid()):
            leases.sign(lease, us)
    except OSError as error:
        raise unwritable(settings.home, error) from error
    try:
        yield replace(settings, work=folder)
    finally:
        os.close(lease)


def unwritable(home: Path, error: OSError) -> EnvironmentUnfit:
    """Return the error for a home folder that cannot be used."""
    return EnvironmentUnfit(
        f"the folder `{home}` cannot be written: {error.strerror or error}",
        "set `PERDURE_HOME` to a folder that you may write, with some space on its disk",
    )


def _embedded_work(settings: Settings) -> tuple[Path, int]:
    lease = leases.take(settings.home / WORKER_LEASE, _LEASE_WAIT)
    if lease is None:
        raise EnvironmentUnfit(f"another worker serves `{settings.home}`", "run `perdure dev stop`")
    return settings.work, lease


def _free_work(settings: Settings) -> tuple[Path, int]:
    number = 1
    while (lease := leases.take(settings.home / f"work-{number}.lock")) is None:
        number += 1
    return settings.home / f"work-{number}", lease


async def _live(settings: Settings, address: str | None, ready: int | None) -> None:
    # The SDK takes most of a second to import, and only a process that serves needs it.
    from activities.process import strays
    from worker import service
    from worker.namespace import prepare_namespace

    stop = asyncio.Event()
    service.stop_on_signals(stop)
    if ended := await asyncio.to_thread(strays.sweep, settings.work):
        _log.warning("ended what a killed worker had left running: %s", ended)
    client = await service.connect(settings, address, stop)
    if client is None:
        return
    if settings.is_embedded:
        await prepare_namespace(client)
        await _bound_logs(settings)

    def on_ready() -> None:
        _log.info("serving `%s` and `%s`", settings.task_queue, settings.agent_queue)
        _tell(ready, READY)

    keeping: list[asyncio.Task[None]] = []
    if settings.is_embedded:
        keeping = [
            asyncio.create_task(_keep_logs_small(settings)),
            asyncio.create_task(_shun_strangers(settings)),
        ]
    try:
        await service.serve(settings, client, stop, on_ready)
    finally:
        for task in keeping:
            task.cancel()


async def _keep_logs_small(settings: Settings) -> None:
    while True:
        await asyncio.sleep(_LOG_CHECK.total_seconds())
        await _bound_logs(settings)


async def _bound_logs(settings: Settings) -> None:
    for log in (settings.home / "logs").glob("*.log"):
        await asyncio.to_thread(log_files.bound, log)


async def _shun_strangers(settings: Settings) -> None:
    """End this process when another home's server answers at our server's address: its runs need another store.

    At once, not politely: the stranger must not be asked for work, and what runs here belongs to a server that is gone.
    """
    while True:
        if await asyncio.to_thread(dev_server.is_taken_over, settings.home):
            _log.warning("another server answers at this home's address; this worker ends")
            processes.kill(processes.descendants(os.getpid()))
            processes.leave(1)
        await asyncio.sleep(_STRANGER_CHECK.total_seconds())


def _tell(ready: int | None, text: str) -> None:
    if ready is None:
        return
    # Whoever waited may be gone; that is no reason to stop.
    with contextlib.suppress(OSError):
        os.write(ready, text.encode())
        os.close(ready)
