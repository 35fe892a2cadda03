"""`logs`: what the steps of a run printed, also as they print it."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import click

from client import messages
from client.exit_codes import ExitCode
from client.options import json_option, profile_option, run_argument
from client.output import Problem, coloured, say, write_json_line

if TYPE_CHECKING:
    from activities.store.interface import Store
    from client.connection import Connection
    from client.step_logs import Chunk, LogReader

FOLLOW_SECONDS = 0.5


@click.command(short_help="Print what the steps of a run printed.")
@run_argument
@click.argument("step", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on until the run ends.")
@json_option("Print NDJSON: step, attempt, text.")
@profile_option
def logs(execution_id: str, step: str | None, follow: bool, as_json: bool, profile: str | None) -> ExitCode:
    """Print what the steps of the run ID printed, or one STEP (and the steps inside it)."""
    from client.connection import offline_store, run_connected

    if follow:
        printer = Printer(has_heads=step is None, as_json=as_json)
        return run_connected(lambda connection: _follow(connection, execution_id, step, printer), profile)
    return _print_all(offline_store(profile), execution_id, step, Printer(has_heads=step is None, as_json=as_json))


def _print_all(store: Store, execution_id: str, step: str | None, printer: Printer) -> ExitCode:
    from client.step_logs import LogReader

    printer.print_new(LogReader(store, execution_id, step))
    if not printer.has_printed:
        _explain_silence(store, execution_id, step)
    return ExitCode.SUCCESS


def _explain_silence(store: Store, execution_id: str, step: str | None) -> None:
    """Say why nothing came: no such run, no such step, or nothing was printed."""
    from activities.store.keys import run_key
    from client.runs import recorded_status, unknown_run

    status = recorded_status(store, execution_id)
    if status is None and next(iter(store.list_keys(run_key(execution_id, ""))), None) is None:
        raise unknown_run(execution_id)
    if status is not None and step is not None and step not in status.steps:
        raise Problem(messages.unknown_step(execution_id, step), code=ExitCode.USAGE, slug="unknown-step")
    say(messages.NO_LOG)


async def _follow(connection: Connection, execution_id: str, step: str | None, printer: Printer) -> ExitCode:
    from client.runs import NoAnswer, current_status
    from client.step_logs import LogReader
    from definitions.records import ENDED

    reader = LogReader(connection.store, execution_id, step)
    has_ended = False
    while not has_ended:
        try:
            has_ended = (await current_status(connection, execution_id)).status in ENDED
        except NoAnswer:
            has_ended = False
        await asyncio.to_thread(printer.print_new, reader)
        if not has_ended:
            await asyncio.sleep(FOLLOW_SECONDS)
    return ExitCode.SUCCESS


class Printer:
    """Writes chunks to stdout: as they are into a file, without escapes that a terminal would act on."""

    def __init__(self, *, has_heads: bool, as_json: bool) -> None:
        self._has_heads = has_heads
        self._as_json = as_json
        self._is_terminal = sys.stdout.isatty()
        self._current: tuple[str, int] | None = None
        self.has_printed = False

    def print_new(self, reader: LogReader) -> None:
        """Write what has come since."""
        for chunk, content in reader.new_content():
            self.has_printed = True
            if self._as_json:
                text = content.decode("utf-8", "replace")
                write_json_line({"step": chunk.step, "attempt": chunk.attempt, "text": text})
                continue
            self._head(chunk)
            self._write(content)

    def _head(self, chunk: Chunk) -> None:
        if self._has_heads and self._current != (chunk.step, chunk.attempt):
            self._current = (chunk.step, chunk.attempt)
            attempt = f" attempt {chunk.attempt}" if chunk.attempt > 1 else ""
            click.echo(f"==> {chunk.step}{attempt} <==")

    def _write(self, content: bytes) -> None:
        if self._is_terminal:
            click.echo(coloured(content.decode("utf-8", "replace")), nl=False, color=True)
        else:
            click.echo(content, nl=False)
