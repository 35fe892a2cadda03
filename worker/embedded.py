"""The embedded default: a server and a worker of our own for a home folder, found or started.

A warm look costs a few milliseconds and takes no lock: both processes are who `dev.json` says, the server's port
answers, the worker runs the code we run. Everything else happens under `dev.lock`, so that two commands at once
from nothing share one server. What died is started again on the same database and, if free, the same port.
"""

import contextlib
import os
import select
import shutil
import sys
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from pydantic import ValidationError

from definitions.errors import EnvironmentUnfit
from worker import dev_record, dev_server, leases, log_files, processes
from worker.dev_record import DevRecord, ServerRecord, WorkerRecord
from worker.fingerprint import CODE_ROOT, fingerprint, version
from worker.lifetime import READY, WORKER_LEASE, UnfitMessage, unwritable
from worker.server_binary import find_binary
from worker.settings import Settings

Report = Callable[[str], None]

LOCK = "dev.lock"
WORKER_LOG = "worker.log"

_LOCK_LIMIT = timedelta(minutes=20)
"""Longer than building the server takes: whoever holds the lock may be doing that."""
_WORKER_LIMIT = timedelta(seconds=60)
_ANSWER_LIMIT = timedelta(seconds=3)
LEAST_SPACE = 32 * 1024 * 1024

_WORKER_SCRIPT = """
import sys
root, *arguments = sys.argv[1:]
if root not in sys.path:
    sys.path.insert(0, root)
from client.dev import embedded_worker
embedded_worker(arguments)
"""
"""`-m` would let a `worker/` in the caller's folder win; `-P` and our own root do not."""


@dataclass(frozen=True, slots=True)
class Running:
    """Both parts, as they are now."""

    server: ServerRecord
    worker: WorkerRecord


def bring_up(settings: Settings, environment: Mapping[str, str], report: Report) -> Running:
    """Return the running server and worker of a home folder, starting what is not there.

    Raises:
        EnvironmentUnfit: they cannot be started; says what to do.
    """
    code = worker_code(settings)
    if warm := look(settings, code):
        return warm
    with _locked(settings):
        return look(settings, code) or _start_anywhere(settings, code, environment, report)


def heal(settings: Settings, environment: Mapping[str, str], report: Report) -> Running | None:
    """Start again what died; None when it was ended on purpose.

    Raises:
        EnvironmentUnfit: it cannot be started; says what to do.
    """
    code = worker_code(settings)
    if warm := look(settings, code):
        return warm
    with _locked(settings):
        # Asked under the lock: whoever ends all holds it until the record says so.
        if dev_record.read(settings.home).worker is None:
            return None
        return look(settings, code) or _start_anywhere(settings, code, environment, report)


def look(settings: Settings, code: str) -> Running | None:
    """Return what runs, if all of it lives, answers, and is what we would start.

    Raises:
        EnvironmentUnfit: a living worker serves another store or task queue than asked for.
    """
    record = dev_record.read(settings.home)
    server, worker = record.server, record.worker
    if server is None or worker is None or not processes.is_alive(worker.identity):
        return None
    _check_same(settings, worker)
    if worker.fingerprint != code or worker.address != server.address:
        return None
    if not processes.is_alive(server.identity) or not dev_server.is_listening(server.port):
        return None
    return Running(server, worker)


def worker_code(settings: Settings) -> str:
    """Return what a worker must have been started with to be kept: its code, and which definitions it takes."""
    sources = settings.definitions
    return f"{fingerprint(CODE_ROOT)} folder={sources.folder} inline={sources.inline}"


def end(settings: Settings) -> bool:
    """End worker, server, and every process of a step. Return whether anything ran.

    Raises:
        EnvironmentUnfit: the home folder cannot be written.
    """
    if not settings.home.is_dir():
        return False
    try:
        # A command that is just starting things finishes first; one that hangs does not keep us from ending them.
        with leases.exclusive(settings.home / LOCK, timedelta(seconds=30)):
            record = dev_record.read(settings.home)
            ended = _end_workers(settings, record)
            ended = dev_server.stop(settings.home, record.server) or ended
            _end_strays(settings)
            dev_record.write(settings.home, DevRecord(server=record.server))
    except OSError as error:
        raise unwritable(settings.home, error) from error
    return ended


@contextlib.contextmanager
def _locked(settings: Settings) -> Generator[None]:
    try:
        _prepare_home(settings)
        with leases.exclusive(settings.home / LOCK, _LOCK_LIMIT) as is_ours:
            if not is_ours:
                raise EnvironmentUnfit(
                    f"another command has held `{settings.home / LOCK}` for {_LOCK_LIMIT}", "run `perdure dev stop`"
                )
            yield
    except OSError as error:
        raise unwritable(settings.home, error) from error


def _prepare_home(settings: Settings) -> None:
    (settings.home / "logs").mkdir(parents=True, exist_ok=True)
    settings.home.chmod(0o700)
    free = shutil.disk_usage(settings.home).free
    if free < LEAST_SPACE:
        raise EnvironmentUnfit(
            f"the disk of `{settings.home}` is full: {free // 1024} KB are free",
            "free some space, or set `PERDURE_HOME` to a folder on another disk",
        )


def _start_anywhere(settings: Settings, code: str, environment: Mapping[str, str], report: Report) -> Running:
    try:
        return _start(settings, code, environment, report)
    except dev_server.PortTaken:
        return _start(settings, code, environment, report)


def _start(settings: Settings, code: str, environment: Mapping[str, str], report: Report) -> Running:
    record = dev_record.read(settings.home)
    server = record.server if _answers(record.server) else None
    was_running = server is not None
    if server is None:
        server = _start_server(settings, record, environment, report)
    worker = record.worker
    if worker is None or not _fits(worker, server, code):
        _end_workers(settings, record)
        worker = _start_worker(settings, server, code, environment, report, awaits_server=not was_running)
    elif not was_running:
        dev_server.wait_ready(settings.home, server)
    return Running(server, worker)


def _answers(server: ServerRecord | None) -> bool:
    if server is None:
        return False
    deadline = time.monotonic() + _ANSWER_LIMIT.total_seconds()
    while processes.is_alive(server.identity) and time.monotonic() < deadline:
        if dev_server.is_listening(server.port):
            return True
        time.sleep(0.05)
    return False


def _fits(worker: WorkerRecord, server: ServerRecord, code: str) -> bool:
    return processes.is_alive(worker.identity) and worker.fingerprint == code and worker.address == server.address


def _start_server(
    settings: Settings, record: DevRecord, environment: Mapping[str, str], report: Report
) -> ServerRecord:
    dev_server.stop(settings.home, record.server)
    binary = find_binary(environment, report)
    report("starting the embedded Temporal server")
    server = dev_server.launch(settings.home, binary, environment, record.server)
    dev_record.write(settings.home, DevRecord(server=server, worker=record.worker))
    return server


def _start_worker(
    settings: Settings,
    server: ServerRecord,
    code: str,
    environment: Mapping[str, str],
    report: Report,
    *,
    awaits_server: bool,
) -> WorkerRecord:
    """Start the worker while the server still starts, and wait for both."""
    report("starting the embedded worker")
    log = settings.home / "logs" / WORKER_LOG
    log_files.bound(log)
    answer, ready = os.pipe()
    try:
        arguments = [str(CODE_ROOT), "--address", server.address, "--ready", str(ready)]
        identity = processes.start_detached(
            [sys.executable, "-P", "-c", _WORKER_SCRIPT, *arguments],
            log=log,
            environment={
                **environment,
                "PERDURE_HOME": str(settings.home),
                "PERDURE_STORE": settings.store,
                "PERDURE_TASK_QUEUE": settings.task_queue,
                "PERDURE_PROJECT": "",  # the two above are the project's already
            },
            folder=settings.home,
            keep=[ready],
        )
        os.close(ready)
        worker = WorkerRecord(
            pid=identity.pid,
            started=identity.started,
            address=server.address,
            version=version(),
            fingerprint=code,
            task_queue=settings.task_queue,
            store=settings.store,
        )
        dev_record.write(settings.home, DevRecord(server=server, worker=worker))
        if awaits_server:
            dev_server.wait_ready(settings.home, server)
        _await_ready(answer, settings)
    except BaseException:
        _end_workers(settings, dev_record.read(settings.home))
        raise
    finally:
        os.close(answer)
    return worker


def _await_ready(answer: int, settings: Settings) -> None:
    """Wait for the worker's word on its pipe. Raises EnvironmentUnfit with what it says, or how its log ends."""
    log = settings.home / "logs" / WORKER_LOG
    readable, _, _ = select.select([answer], [], [], _WORKER_LIMIT.total_seconds())
    text = os.read(answer, 65536).decode() if readable else ""
    if text == READY:
        return
    try:
        said = UnfitMessage.model_validate_json(text)
    except ValidationError:
        last = log_files.tail(log, 1) or "it left no message"
        why = "ended" if readable else f"was not ready after {_WORKER_LIMIT}"
        raise EnvironmentUnfit(f"the embedded worker {why}: {last}", f"see `{log}`") from None
    raise EnvironmentUnfit(said.message, said.remedy)


def _check_same(settings: Settings, worker: WorkerRecord) -> None:
    for name, has, wanted in (
        ("store", worker.store, settings.store),
        ("task queue", worker.task_queue, settings.task_queue),
    ):
        if has != wanted:
            raise EnvironmentUnfit(
                f"the embedded worker runs with the {name} `{has}`, not `{wanted}`",
                "run `perdure dev stop` first, or set `PERDURE_HOME` to another folder",
            )


def _end_workers(settings: Settings, record: DevRecord) -> bool:
    """End the recorded worker, and one that only the lease tells of; politely, then hard, with all below them."""
    known = {
        identity
        for identity in (record.worker and record.worker.identity, leases.signed_by(settings.home / WORKER_LEASE))
        if identity and processes.is_alive(identity)
    }
    for identity in known:
        processes.end(identity, settings.graceful_shutdown + timedelta(seconds=5))
    return bool(known)


def _end_strays(settings: Settings) -> None:
    """End what steps of a killed worker left running."""
    if settings.work.is_dir():
        from activities.process import strays

        strays.sweep(settings.work)
