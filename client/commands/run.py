"""`run` and `watch`: start a run, follow one, and end with what became of it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from client.conclusion import closing_lines, exit_code_of, headline
from client.exit_codes import ExitCode
from client.messages import file_words, run_words
from client.options import (
    json_option,
    profile_option,
    read_execution_id,
    run_argument,
    strict_option,
    timeout_option,
)
from client.output import Problem, is_live_terminal, say, write_json_line
from definitions.durations import format_duration

if TYPE_CHECKING:
    from client.connection import Connection
    from client.progress import Progress
    from client.starting import Request
    from definitions.models import Definition
    from definitions.statuses import Status


class Follower:
    """Watches one run and tells its end; knows what to say when it is interrupted."""

    def __init__(self, *, as_json: bool, strict: bool, timeout: timedelta | None) -> None:
        self._as_json = as_json
        self._strict = strict
        self._timeout = timeout
        self.execution_id: str | None = None

    async def follow(self, connection: Connection, execution_id: str) -> ExitCode:
        """Watch the run to its end, or until the time is up; return the exit code."""
        from client.watching import watch

        self.execution_id = execution_id
        _detach_on_terminate()
        progress = self._progress(connection, execution_id)
        seconds = None if self._timeout is None else self._timeout.total_seconds()
        try:
            status = await asyncio.wait_for(watch(connection, execution_id, progress), seconds)
        except TimeoutError:
            progress.close()
            return await self._still_waiting(connection, execution_id)
        finally:
            progress.close()
        return await self._tell(connection, status)

    def interrupted(self) -> ExitCode:
        """Say how to come back; the run goes on."""
        if self.execution_id is None:
            say(run_words.INTERRUPTED_EARLY)
        else:
            for line in run_words.detached(self.execution_id):
                say(line)
        return ExitCode.DETACHED

    def _progress(self, connection: Connection, execution_id: str) -> Progress:
        from client.progress import JsonProgress, LineProgress

        if self._as_json:
            return JsonProgress()
        if not is_live_terminal():
            return LineProgress()
        from client.live_progress import LiveProgress
        from client.step_logs import last_lines

        return LiveProgress(lambda step: "".join(last_lines(connection.store, execution_id, step, 1)))

    async def _still_waiting(self, connection: Connection, execution_id: str) -> ExitCode:
        from client.runs import NoAnswer, current_status

        for line in run_words.still_waiting(execution_id, format_duration(self._timeout or timedelta())):
            say(line)
        if self._as_json:
            with suppress(NoAnswer):
                write_json_line((await current_status(connection, execution_id)).model_dump(mode="json"))
        return ExitCode.WAITING

    async def _tell(self, connection: Connection, status: Status) -> ExitCode:
        """Write the record for programs, the last words for people."""
        if self._as_json:
            write_json_line(status.model_dump(mode="json"))
            return exit_code_of(status, strict=self._strict)
        style = {"completed": "green", "cancelled": "yellow"}.get(status.status, "red")
        say(headline(status), style=style)
        for line in closing_lines(status, await asyncio.to_thread(_last_log, connection, status)):
            say(line)
        return exit_code_of(status, strict=self._strict)


def _read_trust(_context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    from definitions.trust import parse_trust

    try:
        return parse_trust(value).name
    except ValueError as error:
        raise click.BadParameter(str(error), param=parameter) from error


@click.command(short_help="Start a run and watch it.")
@click.argument("definition")
@click.option("-i", "--input", "assignments", multiple=True, metavar="NAME=VALUE", help="An input; may be repeated.")
@click.option("--inputs", "inputs_file", type=click.Path(path_type=Path), help="A YAML or JSON file of inputs.")
@click.option(
    "--workspace", type=click.Path(path_type=Path), default=".", show_default=True, help="The folder to start with."
)
@click.option("--id", "execution_id", callback=read_execution_id, help="The run's id; made up where it is not given.")
@click.option("--provider", envvar="PERDURE_PROVIDER", help="Runs agent steps that name another provider, or none.")
@click.option("--script", type=click.Path(path_type=Path), help="Answers of the scripted provider, by step path.")
@click.option("--trust", metavar="TRUST", callback=_read_trust, help="`untrusted/SCOPE` keeps what it caches apart.")
@click.option("--detach", is_flag=True, help="Start, and do not watch.")
@click.option("--dry-run", is_flag=True, help="Say what each step would do; start nothing, ask no server.")
@strict_option
@timeout_option
@json_option("Print events as NDJSON; the last line is the run record. With --dry-run, the plan.")
@profile_option
def run(
    definition: str,
    assignments: tuple[str, ...],
    inputs_file: Path | None,
    workspace: Path,
    execution_id: str | None,
    provider: str | None,
    script: Path | None,
    trust: str | None,
    detach: bool,
    dry_run: bool,
    strict: bool,
    timeout: timedelta | None,
    as_json: bool,
    profile: str | None,
) -> ExitCode:
    """Start a run of DEFINITION and watch it until it ends.

    Ctrl-C detaches; the run goes on. Nothing is started, and no server is launched, where the definition or
    its inputs are not valid.
    """
    from client.request_files import gather_inputs, read_mapping, require_definition, with_names
    from client.starting import Request

    chosen = known_provider(provider)
    folder = _folder(workspace)
    source = with_names(require_definition(definition), folder, chosen)
    request = Request(
        source=source,
        inputs=gather_inputs(source.definition, assignments, inputs_file),
        workspace=folder,
        execution_id=execution_id,
        provider=chosen,
        trust=trust,
        script=None if script is None else read_mapping(script, "answers by step path"),
    )
    if dry_run:
        return _show_plan(request, profile, as_json=as_json)
    follower = Follower(as_json=as_json, strict=strict, timeout=timeout)
    return interruptible(follower, lambda: _run(request, follower, profile, detach=detach, as_json=as_json))


@click.command(short_help="Watch a run until it ends.")
@run_argument
@strict_option
@timeout_option
@json_option("Print events as NDJSON; the last line is the run record.")
@profile_option
def watch(execution_id: str, strict: bool, timeout: timedelta | None, as_json: bool, profile: str | None) -> ExitCode:
    """Watch the run ID from its beginning until it ends; the exit code says how it ended. Ctrl-C detaches."""
    follower = Follower(as_json=as_json, strict=strict, timeout=timeout)

    def watched() -> ExitCode:
        from client.connection import run_connected

        return run_connected(lambda connection: follower.follow(connection, execution_id), profile)

    follower.execution_id = execution_id
    return interruptible(follower, watched)


def _run(request: Request, follower: Follower, profile: str | None, *, detach: bool, as_json: bool) -> ExitCode:
    from client.connection import run_connected

    async def started(connection: Connection) -> ExitCode:
        from client.starting import start_run

        endpoint = connection.endpoint
        say(run_words.connected(endpoint.address, endpoint.namespace, is_embedded=endpoint.is_embedded))
        execution_id = await start_run(connection, request)
        say(run_words.run_started(execution_id, page_of(connection, execution_id)))
        if not detach:
            return await follower.follow(connection, execution_id)
        tell_detached(execution_id, request.source.definition, as_json=as_json)
        return ExitCode.SUCCESS

    return run_connected(started, profile)


def _show_plan(request: Request, profile: str | None, *, as_json: bool) -> ExitCode:
    """Print what each step would do."""
    from dataclasses import asdict

    from temporalio.exceptions import ApplicationError

    from client.connection import names_a_cluster, offline_store
    from client.dry_run import dry_run
    from client.output import write_json, write_table

    store = offline_store(profile)
    try:
        rows = asyncio.run(dry_run(store, request, is_embedded=not names_a_cluster(profile)))
    except ApplicationError as error:
        raise Problem(error.message, code=ExitCode.INVALID, slug=error.type) from error
    if as_json:
        write_json([asdict(row) for row in rows])
    else:
        write_table(("STEP", "TYPE", "PLAN"), ((row.path, row.type, row.text) for row in rows))
    return ExitCode.SUCCESS


def tell_detached(execution_id: str, definition: Definition, *, as_json: bool) -> None:
    """Print the id as data: scripts go on with it."""
    from definitions.statuses import Status

    if not as_json:
        click.echo(execution_id)
        return
    record = Status(execution_id=execution_id, definition_id=definition.id, status="pending")
    write_json_line(record.model_copy(update={"definition_name": definition.name}).model_dump(mode="json"))


def interruptible(follower: Follower, work: Callable[[], ExitCode]) -> ExitCode:
    """Do `work`; Ctrl-C and SIGTERM detach from the run."""
    try:
        return work()
    except (KeyboardInterrupt, asyncio.CancelledError):
        return follower.interrupted()


def _detach_on_terminate() -> None:
    """Have SIGTERM do what Ctrl-C does."""
    task = asyncio.current_task()
    if task is not None:
        with suppress(NotImplementedError, RuntimeError, ValueError):  # not the main thread
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


def page_of(connection: Connection, execution_id: str) -> str | None:
    """Return the run's address in the Web UI."""
    from urllib.parse import quote

    base = connection.endpoint.ui_url
    if not base:
        return None
    return f"{base.rstrip('/')}/namespaces/{connection.endpoint.namespace}/workflows/{quote(execution_id, safe='')}"


def _last_log(connection: Connection, status: Status) -> list[str]:
    """Return the end of what the failed step printed."""
    if status.error is None or not status.error.step:
        return []
    from client.output import plain
    from client.step_logs import last_lines

    return [plain(line) for line in last_lines(connection.store, status.execution_id, status.error.step, 10)]


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise Problem(file_words.no_folder(path), code=ExitCode.USAGE, slug="no-such-folder")
    return Path(os.path.abspath(path))


def known_provider(name: str | None) -> str | None:
    """Return the provider. Raises `Problem` where it is planned or unknown."""
    from typing import get_args

    from definitions.steps.agent import PLANNED_PROVIDERS, Provider
    from definitions.suggestions import did_you_mean

    known = tuple(name for name in get_args(Provider) if name not in PLANNED_PROVIDERS)
    if not name or name in known:
        return name or None
    if name in PLANNED_PROVIDERS:
        message = f"the provider `{name}` is planned, not there yet"
    else:
        message = f"no provider is called `{name}`"
    remedy = did_you_mean(name, known) or run_words.providers(known)
    raise Problem(message, code=ExitCode.USAGE, slug="unknown-provider", remedy=remedy)
