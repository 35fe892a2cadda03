"""A server and workers for tests of definitions: in memory, in this process, gone with it.

passing_home     a folder for what tests keep; what a killed process left of its own is removed by the next
passing_server   a Temporal server that lasts as long as a block, and never longer than this process
rehearsing       a worker in this process, on a task queue of its own, with a store of its own
"""

import asyncio
import contextlib
import functools
import logging
import os
import shutil
import socket
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from temporalio.client import Client

from activities.executors.interface import Executor
from activities.process.isolation import end_with_socket
from definitions.errors import EnvironmentUnfit
from definitions.messages import SEARCH_ATTRIBUTES
from worker import dev_server, leases, log_files, processes
from worker.processes import ProcessIdentity
from worker.server_binary import ServerBinary, find_binary
from worker.service import serve
from worker.settings import DefinitionSources, Settings
from worker.tuning import applicable

START_LIMIT = timedelta(seconds=60)
_STOP_LIMIT = 15
_PREFIX = "perdure-test-"
_LEASE = "in-use.lock"
_YOUNG = timedelta(minutes=10)
_ATTEMPTS = 3
"""Another process may take the port between our look and the server's start."""


@contextlib.contextmanager
def passing_home() -> Generator[Path]:
    """Give a folder that is there while the block lasts, and remove those of processes that were killed. Blocks.

    Raises:
        EnvironmentUnfit: the folder for temporary files cannot be written.
    """
    try:
        for old in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
            _remove_abandoned(old)
        home = Path(tempfile.mkdtemp(prefix=_PREFIX))
        lease = leases.take(home / _LEASE)
    except OSError as error:
        raise EnvironmentUnfit(
            f"no temporary folder can be made for the tests: {error.strerror or error}",
            "free some space, or set `TMPDIR` to a folder on another disk",
        ) from error
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)
        if lease is not None:
            os.close(lease)


def _remove_abandoned(folder: Path) -> None:
    """Remove a folder of ours that nobody holds; one that was just made may not be held yet."""
    lease = folder / _LEASE
    with contextlib.suppress(OSError):
        is_ours = folder.lstat().st_uid == os.getuid() and not folder.is_symlink()
        if not is_ours or _age(lease) < _YOUNG:
            return
        with leases.exclusive(lease, timedelta(0)) as is_free:
            if is_free:
                shutil.rmtree(folder, ignore_errors=True)


def _age(path: Path) -> timedelta:
    return datetime.now(UTC) - datetime.fromtimestamp(path.stat().st_mtime, UTC)


@contextlib.contextmanager
def passing_server(home: Path, environment: Mapping[str, str], report: Callable[[str], None]) -> Generator[str]:
    """Run a server while the block lasts; yield its address. Its log is `home/server.log`. Blocks until it answers.

    Raises:
        EnvironmentUnfit: there is no server program, or it does not start.
    """
    binary = find_binary(environment, report)
    with contextlib.ExitStack() as stack:
        yield _started(stack, home, binary, environment)


def _started(stack: contextlib.ExitStack, home: Path, binary: ServerBinary, environment: Mapping[str, str]) -> str:
    for _ in range(_ATTEMPTS - 1):
        with contextlib.suppress(dev_server.PortTaken):
            return stack.enter_context(_server(home, binary, environment))
    return stack.enter_context(_server(home, binary, environment))


@contextlib.contextmanager
def _server(home: Path, binary: ServerBinary, environment: Mapping[str, str]) -> Generator[str]:
    port = dev_server.free_port()
    ours, its = socket.socketpair()
    with ours, its:
        identity = processes.start_detached(
            _arguments(binary, port),
            log=home / "server.log",
            environment=dev_server.server_environment(environment),
            folder=home,
            keep=[its.fileno()],
        )
        try:
            _tie(identity, ours, its)
            _wait_ready(home, identity, port)
            yield f"127.0.0.1:{port}"
        finally:
            processes.kill([identity])  # it keeps nothing, so there is nothing to end politely


def _arguments(binary: ServerBinary, port: int) -> list[str]:
    argv = [str(binary.path), "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(port)]
    argv += ["--log-level", "warn"]
    for setting in applicable(binary.version):
        argv += ["--dynamic-config-value", f"{setting.key}={setting.value}"]
    for name, kind in SEARCH_ATTRIBUTES.items():
        argv += ["--search-attribute", f"{name}={kind}"]
    return argv


def _tie(identity: ProcessIdentity, ours: socket.socket, its: socket.socket) -> None:
    """Have the kernel kill the server when this process is gone, however it went (Linux)."""
    with contextlib.suppress(AttributeError):  # other kernels have no F_SETSIG
        end_with_socket(identity.pid, ours, its)
    its.close()


def _wait_ready(home: Path, identity: ProcessIdentity, port: int) -> None:
    deadline = time.monotonic() + START_LIMIT.total_seconds()
    while processes.is_alive(identity) and time.monotonic() < deadline:
        if dev_server.is_listening(port) and processes.owns_listener(identity.pid, port) is not False:
            return
        time.sleep(0.02)
    last = log_files.tail(home / "server.log", 2) or "it left no message"
    kind = dev_server.PortTaken if "address already in use" in last else EnvironmentUnfit
    raise kind(f"the Temporal server for tests did not start: {last}", "`perdure doctor` checks this machine")


@contextlib.asynccontextmanager
async def rehearsing(
    client: Client, home: Path, task_queue: str, workflow: type, executors: Mapping[str, Executor]
) -> AsyncGenerator[str]:
    """Serve a task queue while the block lasts, all content under `home`; yield the store's location."""
    settings = Settings(
        home=home,
        store=str(home / "store"),
        work=home / "work",
        task_queue=task_queue,
        definitions=DefinitionSources(inline=True),
        graceful_shutdown=timedelta(0),
        is_embedded=True,
    )
    # A log that nobody has asked for would stand between verdicts: a step's trouble is in its record, and in them.
    _quiet()
    stop, begun = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(serve(settings, client, stop, begun.set, workflow=workflow, executors=executors))
    serving.add_done_callback(lambda _: begun.set())
    try:
        await begun.wait()
        if serving.done():
            serving.result()
        yield settings.store
    finally:
        stop.set()
        # A step that does not heed its cancellation must not keep the command; the server goes, and it with us.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(asyncio.gather(serving, return_exceptions=True)), _STOP_LIMIT)


@functools.cache
def _quiet() -> None:
    logging.getLogger("temporalio").addHandler(logging.NullHandler())
