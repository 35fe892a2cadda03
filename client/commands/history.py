"""`history`: who did what to a run and when, and each attempt of its steps."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from client.exit_codes import ExitCode
from client.messages import amount_words
from client.options import json_option, profile_option, run_argument
from client.output import one_line, value_text, write_json

if TYPE_CHECKING:
    from client.connection import Connection
    from client.histories import Entry

_WORDS = {
    "run_started": "run started",
    "run_continued": "went on in a new history",
    "cancel_requested": "cancel requested",
    "prepare": "prepared",
    "run_completed": "run completed",
    "run_failed": "run failed",
    "run_cancelled": "run cancelled",
    "run_terminated": "run terminated",
}


@click.command(short_help="Tell who did what to a run, and each attempt of its steps.")
@run_argument
@json_option()
@profile_option
def history(execution_id: str, as_json: bool, profile: str | None) -> ExitCode:
    """Tell what happened to the run ID, from the server's history alone: no worker is needed."""
    from client.connection import run_connected

    async def read(connection: Connection) -> list[Entry]:
        from client.histories import read_history

        return await read_history(connection.client, execution_id)

    entries = run_connected(read, profile)
    if as_json:
        write_json([entry.model_dump(mode="json", exclude_none=True) for entry in entries])
        return ExitCode.SUCCESS
    for line in lines_of(entries):
        click.echo(line)
    return ExitCode.SUCCESS


def lines_of(entries: list[Entry]) -> Iterator[str]:
    """Yield a line for each entry."""
    day = None
    for entry in entries:
        moment = entry.timestamp.astimezone()
        if moment.date() != day:
            day = moment.date()
            yield f"{day:%Y-%m-%d}"
        yield f"  {moment:%H:%M:%S} {_what(entry)}"


def _what(entry: Entry) -> str:
    if entry.kind == "attempt":
        return _attempt(entry)
    word = _WORDS.get(entry.kind, entry.kind)
    if entry.kind == "signal":
        word = f"signal {one_line(str(entry.details.get('name')), 60)}"
    if entry.kind == "decide":
        verdict = {"approve": "approved", "reject": "rejected"}.get(str(entry.details.get("verdict")), "decided")
        word = f"{one_line(entry.step or 'the open gate', 80)}  {verdict}"
    who = f" by {one_line(entry.by, 60)}" if entry.by and entry.kind != "prepare" else ""
    return f"{word}{who}{_facts(entry)}"


def _attempt(entry: Entry) -> str:
    number = f"attempt {entry.attempt} " if entry.attempt and entry.attempt > 1 else ""
    spent = "" if entry.seconds is None else amount_words.span(timedelta(seconds=entry.seconds))
    remarks = ["from the cache" if entry.details.get("cached") else spent]
    lost = entry.details.get("lost_workers")
    remarks += [f"its worker was lost {amount_words.amount(lost, 'time')}"] if isinstance(lost, int) else []
    text = ", ".join(filter(None, remarks))
    error = entry.details.get("error")
    why = f"  {error}: {one_line(str(entry.details.get('message', '')))}" if error else ""
    return f"{one_line(entry.step or '', 120)}  {number}{entry.status}{f'  ({text})' if text else ''}{why}"


def _facts(entry: Entry) -> str:
    """Return what was said with a message, in one line."""
    left_out = {"sent_as", "name", "verdict", "gate", "activity", "decision_id", "digest"}
    facts = [
        f"{name} {one_line(value_text(value), 120)}"
        for name, value in entry.details.items()
        if name not in left_out and value not in ({}, [], "")
    ]
    return f"  {', '.join(facts)}" if facts else ""
