"""`logs`: what the steps of a run printed, also as they print it."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING

import click

from client.exit_codes import ExitCode
from client.messages import log_words, run_words
from client.options import json_option, profile_option, run_argument
from client.output import Problem, coloured, say, write_json_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from activities.store.interface import Store
    from client.connection import Connection
    from client.earlier_logs import EarlierLog
    from client.log_parts import Part
    from client.step_logs import Chunk, LogReader
    from definitions.records import StepRecord
    from definitions.statuses import StepStatus

    Steps = Mapping[str, StepRecord] | Mapping[str, StepStatus]

FOLLOW_SECONDS = 0.5


@click.command(short_help="Print what the steps of a run printed.")
@run_argument
@click.argument("step", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on until the run ends.")
@click.option("-n", "--lines", type=click.IntRange(min=0), metavar="N", help="The last N lines of each log.")
@click.option("--bytes", "byte_range", metavar="RANGE", help="A range of each log: `0-99`, `100-`, `-100`.")
@click.option("--since", metavar="TIME", help="What was printed in so long a time up to now: `10m`.")
@click.option("--attempt", type=click.IntRange(min=1), metavar="N", help="One attempt.")
@json_option("Print NDJSON: step, attempt, text; and the run where it was another.")
@profile_option
def logs(
    execution_id: str,
    step: str | None,
    follow: bool,
    lines: int | None,
    byte_range: str | None,
    since: str | None,
    attempt: int | None,
    as_json: bool,
    profile: str | None,
) -> ExitCode:
    """Print what the steps of the run ID printed, or one STEP (and the steps inside it).

    What a rerun kept, or the cache had, was printed in an earlier run, which is named.
    """
    from client.connection import run_connected

    printer = Printer(step, _part(lines, byte_range, since, attempt, follow=follow), as_json=as_json)
    if follow:
        return run_connected(lambda connection: _follow(connection, execution_id, step, printer), profile)
    return _print_all(execution_id, step, printer, profile)


def _part(lines: int | None, byte_range: str | None, since: str | None, attempt: int | None, *, follow: bool) -> Part:
    """Return the part that the options name."""
    from client.log_parts import Part, parse_range
    from definitions.durations import parse_duration

    if byte_range is not None and (follow or lines is not None):
        raise click.UsageError(f"`--bytes` and `{'--follow' if follow else '--lines'}` exclude each other")
    try:
        return Part(
            lines,
            None if byte_range is None else parse_range(byte_range),
            None if since is None else datetime.now(UTC) - parse_duration(since),
            attempt,
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _print_all(execution_id: str, step: str | None, printer: Printer, profile: str | None) -> ExitCode:
    from client.connection import offline_store
    from client.earlier_logs import recorded_steps
    from client.step_logs import LogReader

    store = offline_store(profile)
    steps: Steps | None = recorded_steps(store, execution_id)
    if steps is not None:
        _tell_earlier(store, execution_id, step, steps, printer)
    printer.print_new(LogReader(store, execution_id, step, printer.part))
    if steps is None and not printer.has_printed and (steps := _live_steps(execution_id, profile)) is not None:
        _tell_earlier(store, execution_id, step, steps, printer)
    if not printer.has_printed:
        _explain_silence(store, execution_id, step, steps)
    return ExitCode.SUCCESS


def _live_steps(execution_id: str, profile: str | None) -> Mapping[str, StepStatus] | None:
    """Return the steps of a run of which the store has no record yet; None where nobody answers."""
    from client.recorded import status_and_store

    try:
        return status_and_store(execution_id, profile)[0].steps
    except Problem:
        return None


def _tell_earlier(store: Store, execution_id: str, step: str | None, steps: Steps, printer: Printer) -> None:
    """Print what the steps at or in `step` printed in earlier runs, and say which; of a whole run only how many."""
    from client.earlier_logs import earlier_logs

    logs = earlier_logs(store, execution_id, step, steps)
    if step is None:
        if logs:
            say(log_words.earlier_logs(execution_id, len(logs)))
        return
    for (run, is_kept), of_run in groupby(logs, key=lambda log: (log.run, log.is_kept)):
        named = [log.step for log in of_run]
        say(log_words.earlier_log(named, run, is_kept))
    for log in logs:
        printer.print_earlier(store, log)


def _explain_silence(store: Store, execution_id: str, step: str | None, steps: Steps | None) -> None:
    """Say why nothing came: no such run, no such step, or nothing was printed."""
    from activities.store.keys import run_key
    from client.runs import unknown_run

    if steps is None and next(iter(store.list_keys(run_key(execution_id, ""))), None) is None:
        raise unknown_run(execution_id)
    if steps is not None and step is not None and step not in steps:
        raise Problem(run_words.unknown_step(execution_id, step), code=ExitCode.USAGE, slug="unknown-step")
    say(log_words.NO_LOG)


async def _follow(connection: Connection, execution_id: str, step: str | None, printer: Printer) -> ExitCode:
    from client.runs import NoAnswer, current_status
    from client.step_logs import LogReader
    from definitions.statuses import ENDED

    reader = LogReader(connection.store, execution_id, step, printer.part)
    has_ended, is_first = False, True
    while not has_ended:
        with suppress(NoAnswer):
            status = await current_status(connection, execution_id)
            has_ended = status.status in ENDED
            if is_first:
                await asyncio.to_thread(_tell_earlier, connection.store, execution_id, step, status.steps, printer)
            is_first = False
        await asyncio.to_thread(printer.print_new, reader)
        if not has_ended:
            await asyncio.sleep(FOLLOW_SECONDS)
    return ExitCode.SUCCESS


class Printer:
    """Writes chunks to stdout: as they are into a file, without escapes that a terminal would act on."""

    def __init__(self, step: str | None, part: Part | None = None, *, as_json: bool) -> None:
        from client.log_parts import WHOLE

        self.part = part or WHOLE
        self._step = step
        """Whose log is printed without a head."""
        self._as_json = as_json
        self._is_terminal = sys.stdout.isatty()
        self._current: tuple[str, int] | None = None
        self.has_printed = False

    def print_new(self, reader: LogReader) -> None:
        """Write what has come since."""
        for chunk, content in reader.new_content():
            self._print(chunk, content)

    def print_earlier(self, store: Store, log: EarlierLog) -> None:
        """Write what a step printed in an earlier run."""
        from client.log_parts import pieces

        for chunk, content in pieces(lambda key: store.read_document(key) or b"", log.chunks, self.part):
            self._print(chunk, content, log.run)

    def _print(self, chunk: Chunk, content: bytes, run: str | None = None) -> None:
        self.has_printed = True
        if not self._as_json:
            self._head(chunk)
            self._write(content)
            return
        line = {"step": chunk.step, "attempt": chunk.attempt, "text": content.decode("utf-8", "replace")}
        write_json_line(line if run is None else {**line, "run": run})

    def _head(self, chunk: Chunk) -> None:
        if chunk.step != self._step and self._current != (chunk.step, chunk.attempt):
            self._current = (chunk.step, chunk.attempt)
            attempt = f" attempt {chunk.attempt}" if chunk.attempt > 1 else ""
            click.echo(f"==> {chunk.step}{attempt} <==")

    def _write(self, content: bytes) -> None:
        if self._is_terminal:
            click.echo(coloured(content.decode("utf-8", "replace")), nl=False, color=True)
        else:
            click.echo(content, nl=False)
