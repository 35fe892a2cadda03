"""The embedded server and worker, as the command line sees them; the one place in this room that knows the worker.

ensure            find or start them; what nearly every command begins with
dev               `perdure dev`: show them in the foreground; `stop`; `status`
worker            `perdure worker`: serve a cluster's task queues
doctor_checks     what `perdure doctor` says about this machine
"""

import contextlib
import os
import shutil
import signal
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import click

from activities import memory
from client.endpoint import Endpoint
from client.exit_codes import ExitCode
from client.output import Problem, complain, say, write_json
from definitions.errors import EnvironmentUnfit
from worker import dev_record, dev_server, embedded, processes
from worker.embedded import Running
from worker.server_binary import REMEDY, look_for_binary
from worker.settings import Settings

if TYPE_CHECKING:
    from temporalio.client import Client

    from activities.executors.interface import Executor

_WATCH_INTERVAL = 1.0


@dataclass(frozen=True, slots=True)
class Check:
    """One line of `perdure doctor`."""

    name: str
    ok: bool
    detail: str
    remedy: str | None = None


def ensure(environment: Mapping[str, str] | None = None, report: Callable[[str], None] = say) -> Endpoint:
    """Return the embedded endpoint; server and worker are started where they do not run.

    Raises:
        EnvironmentUnfit: they cannot be; says what to do.
    """
    environment = os.environ if environment is None else environment
    return _endpoint(embedded.bring_up(Settings.embedded(environment), environment, report))


def embedded_store_location(environment: Mapping[str, str] | None = None) -> str:
    """Return where the embedded default keeps content; starts nothing."""
    return Settings.embedded(os.environ if environment is None else environment).store


def status(environment: Mapping[str, str] | None = None) -> dict[str, object]:
    """Return what runs for the home folder, as `perdure dev status --json` prints it; starts nothing."""
    settings = Settings.embedded(os.environ if environment is None else environment)
    record = dev_record.read(settings.home)
    server, worker = record.server, record.worker
    server_lives = server is not None and processes.is_alive(server.identity)
    worker_lives = worker is not None and processes.is_alive(worker.identity)
    return {
        "home": str(settings.home),
        "store": worker.store if worker and worker_lives else settings.store,
        "address": server.address if server and server_lives else None,
        "namespace": server.namespace if server and server_lives else None,
        "ui_url": server.ui_url if server and server_lives else None,
        "task_queue": worker.task_queue if worker and worker_lives else settings.task_queue,
        "server": {"pid": server.pid, "version": server.version, "binary": server.binary}
        if server and server_lives
        else None,
        "worker": {"pid": worker.pid, "version": worker.version, "is_current": _is_current(settings, worker)}
        if worker and worker_lives
        else None,
    }


def stop(environment: Mapping[str, str] | None = None) -> bool:
    """End worker, server and all processes of steps. Return whether any ran."""
    return embedded.end(Settings.embedded(os.environ if environment is None else environment))


def foreground(environment: Mapping[str, str] | None = None) -> None:
    """Show server and worker until told to stop, then end both; what dies meanwhile is started again."""
    environment = os.environ if environment is None else environment
    settings = Settings.embedded(environment)
    try:
        running = embedded.bring_up(settings, environment, say)
        told = threading.Event()

        def tell(number: int, frame: FrameType | None) -> None:
            told.set()

        # Only now: before, Ctrl-C has to interrupt a download or a build.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, tell)
        _show(running)
        while not told.wait(_WATCH_INTERVAL):
            if embedded.heal(settings, environment, say) is None:
                say("stopped by `perdure dev stop`")
                return
        say("stopping; running steps have a moment to end")
    except EnvironmentUnfit as error:
        raise Problem(error.message, code=ExitCode.NO_SERVER, slug="no-server", remedy=error.remedy) from error
    finally:
        embedded.end(settings)


def run_worker(settings: Settings) -> None:
    """Serve a cluster's task queues until told to stop."""
    from worker import lifetime

    memory.look_as_usual()

    say(f"serving `{settings.task_queue}` and `{settings.agent_queue}`, store {settings.store}")
    lifetime.run(settings)


def embedded_worker(arguments: list[str]) -> NoReturn:
    """The process of the embedded worker, as `worker.embedded` starts it."""
    from worker import lifetime

    given = dict(zip(arguments[::2], arguments[1::2], strict=True))
    try:
        lifetime.run(Settings.embedded(os.environ), address=given["--address"], ready=int(given["--ready"]))
    except EnvironmentUnfit as error:
        complain(error.message, remedy=error.remedy)
        processes.leave(1)
    processes.leave(0)


@contextlib.contextmanager
def passing_home() -> Generator[Path]:
    """Give a folder for what tests of definitions keep, while the block lasts. Blocks.

    Raises:
        EnvironmentUnfit: it cannot be made.
    """
    from worker import rehearsal

    with rehearsal.passing_home() as home:
        yield home


@contextlib.contextmanager
def passing_server(home: Path) -> Generator[str]:
    """Run a server in memory while the block lasts, for tests of definitions; yield its address. Blocks.

    Raises:
        EnvironmentUnfit: there is no server program, or it does not start.
    """
    from worker import rehearsal

    with rehearsal.passing_server(home, os.environ, say) as address:
        yield address


@contextlib.asynccontextmanager
async def rehearsing(
    client: "Client", home: Path, task_queue: str, workflow: type, executors: "Mapping[str, Executor]"
) -> AsyncGenerator[str]:
    """Serve a task queue from this process while the block lasts; yield where content is kept."""
    from worker import rehearsal

    async with rehearsal.rehearsing(client, home, task_queue, workflow, executors) as store:
        yield store


def doctor_checks(environment: Mapping[str, str] | None = None) -> list[Check]:
    """Return what this machine has and lacks for the embedded default; starts and fetches nothing."""
    environment = os.environ if environment is None else environment
    try:
        settings = Settings.embedded(environment)
    except EnvironmentUnfit as error:
        return [Check("settings", ok=False, detail=error.message, remedy=error.remedy)]
    return [_binary_check(environment), _home_check(settings), _running_check(settings)]


@click.group(invoke_without_command=True)
@click.pass_context
def dev(context: click.Context) -> None:
    """Show the embedded server and worker in the foreground; Ctrl-C ends both."""
    if context.invoked_subcommand is None:
        foreground()


@dev.command("stop")
def stop_command() -> None:
    """End the embedded worker and server, and every process of a step."""
    say("stopped" if stop() else "nothing was running")


@dev.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status_command(as_json: bool) -> None:
    """Say what runs, and where."""
    found = status()
    if as_json:
        write_json(found)
        return
    for name in ("home", "store", "address", "namespace", "ui_url", "task_queue"):
        click.echo(f"{name.replace('_', ' '):<11} {found[name] or '-'}")
    for name in ("server", "worker"):
        click.echo(f"{name:<11} {_process_line(found[name])}")


@click.command("worker")
@click.option("--task-queue", metavar="NAME", help="Serve NAME and NAME.agent (default: perdure).")
@click.option("--store", metavar="FOLDER", help="Where content is kept; the same for all workers and commands.")
@click.option("--profile", metavar="NAME", help="A profile of the Temporal CLI's configuration.")
@click.option("--definitions", metavar="SOURCES", help="Besides the catalog: folder:PATH, inline.")
def worker(task_queue: str | None, store: str | None, profile: str | None, definitions: str | None) -> None:
    """Serve the task queues of a cluster with a worker.

    The connection is the Temporal CLI's own: TEMPORAL_ADDRESS and the like, or a profile.
    """
    given = {"PERDURE_TASK_QUEUE": task_queue, "PERDURE_STORE": store, "PERDURE_DEFINITIONS": definitions}
    environment = {**os.environ, **{name: value for name, value in given.items() if value}}
    settings = Settings.from_environment(environment, profile=profile)
    if not environment.get("PERDURE_STORE"):
        say(f"no `--store` and no `PERDURE_STORE`: content is kept on this machine only, in {settings.store}")
    run_worker(settings)


def _endpoint(running: Running) -> Endpoint:
    server, worker_record = running.server, running.worker
    return Endpoint(
        address=server.address,
        namespace=server.namespace,
        task_queue=worker_record.task_queue,
        store=worker_record.store,
        ui_url=server.ui_url,
        is_embedded=True,
    )


def _is_current(settings: Settings, record: dev_record.WorkerRecord) -> bool:
    return record.fingerprint == embedded.worker_code(settings)


def _show(running: Running) -> None:
    endpoint = _endpoint(running)
    say(f"server     {endpoint.address} (namespace {endpoint.namespace})")
    say(f"web UI     {endpoint.ui_url or '-'}")
    say(f"store      {endpoint.store}")
    say(f"task queue {endpoint.task_queue}")
    say("Ctrl-C ends both; runs go on when they are started again")


def _process_line(found: object) -> str:
    if not isinstance(found, dict):
        return "not running"
    return ", ".join(f"{name} {value}" for name, value in found.items())  # pyright: ignore[reportUnknownVariableType]


def _binary_check(environment: Mapping[str, str]) -> Check:
    try:
        found = look_for_binary(environment)
    except EnvironmentUnfit as error:
        return Check("temporal server", ok=False, detail=error.message, remedy=error.remedy)
    if found:
        return Check("temporal server", ok=True, detail=f"{found.path}: {found.text}")
    can_build = shutil.which("go", path=environment.get("PATH")) is not None
    return Check(
        "temporal server",
        ok=can_build,
        detail="not on this machine; it will be downloaded, or built with Go" if can_build else "not on this machine",
        remedy=None if can_build else REMEDY,
    )


def _home_check(settings: Settings) -> Check:
    home = settings.home
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    if not os.access(there, os.W_OK):
        return Check("home folder", ok=False, detail=f"{home} cannot be written", remedy="set `PERDURE_HOME`")
    free = shutil.disk_usage(there).free // 2**20
    is_enough = free > embedded.LEAST_SPACE // 2**20
    return Check("home folder", is_enough, f"{home}, {free} MB free", None if is_enough else "free some space")


def _running_check(settings: Settings) -> Check:
    record = dev_record.read(settings.home)
    server = record.server
    if server is None or not processes.is_alive(server.identity):
        return Check("embedded server", ok=True, detail="not running; the next command starts it")
    if not dev_server.is_listening(server.port):
        log = settings.home / "logs" / "server.log"
        return Check("embedded server", ok=False, detail=f"does not answer, see {log}", remedy="run `perdure dev stop`")
    return Check("embedded server", ok=True, detail=f"{server.address}, web UI {server.ui_url or 'off'}")
