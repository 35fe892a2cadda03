"""`store gc | verify`: removing what nothing needs any more, and checking all that is there."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from client.asking import confirmed
from client.exit_codes import ExitCode
from client.messages import asking_words, store_words
from client.options import json_option, profile_option
from client.output import Problem, one_line, say, write_json

if TYPE_CHECKING:
    from activities.garbage.collecting import Collected, Retention
    from activities.garbage.verifying import Verified
    from activities.store.interface import Store
    from client.connection import Connection
    from client.open_runs import OpenRuns


@click.group(short_help="Collect garbage in the store, and verify it.")
def store() -> None:
    """Collect garbage in the store, and verify it."""


@store.command(short_help="Remove what nothing needs any more.")
@click.option("--dry-run", is_flag=True, help="Remove nothing; say what would go.")
@click.option("--runs", "runs", metavar="TIME", default="90d", show_default=True, help="Keep ended runs for so long.")
@click.option("--cache", "cached", metavar="TIME", default="30d", show_default=True, help="Keep cached steps so long.")
@click.option("--grace", metavar="TIME", default="7d", show_default=True, help="Keep what nothing refers to, so long.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option()
@profile_option
def gc(dry_run: bool, runs: str, cached: str, grace: str, yes: bool, as_json: bool, profile: str | None) -> ExitCode:
    """Remove ended runs and cached steps that are old, and the content that nothing refers to any more.

    Runs may go on meanwhile. The server is asked which runs are open: their files stay, however old.
    """
    from client.connection import run_connected

    retention = _retention(runs, cached, grace)
    found, store = run_connected(_open_runs, profile)
    planned = _collected(store, found, retention, dry_run=True)
    collected = planned
    if not dry_run and _has_work(planned):
        if not yes and not confirmed(store_words.confirm_collect(planned, store.location)):
            say(asking_words.NOTHING_DONE)
            return ExitCode.SUCCESS
        collected = _collected(store, found, retention, dry_run=False)
    if as_json:
        write_json({"location": store.location, "dry_run": dry_run, **asdict(collected)})
    else:
        for line in store_words.collected_lines(collected, store.location, dry_run=dry_run):
            click.echo(one_line(line))
    return ExitCode.SUCCESS


@store.command(short_help="Hash everything again, and report what is damaged.")
@json_option()
@profile_option
def verify(as_json: bool, profile: str | None) -> ExitCode:
    """Read everything in the store and hash it again. Exit code 1 where something is damaged or gone.

    A damaged blob is put aside, as at any read: the step that made it runs again where it is needed.
    """
    from activities.garbage.verifying import verify as verified
    from client.connection import offline_store

    store = offline_store(profile)
    found = verified(store, _progress)
    if as_json:
        write_json({"location": store.location, **asdict(found)})
    else:
        click.echo(store_words.verified(found.blobs, found.bytes, found.cached_steps, found.trees, store.location))
        for damage in found.damages:
            click.echo(f"  {damage.kind} {one_line(damage.name)}: {one_line(damage.message)}")
    return ExitCode.FAILED if found.damages else ExitCode.SUCCESS


async def _open_runs(connection: Connection) -> tuple[OpenRuns, Store]:
    from client.open_runs import open_runs

    return await open_runs(connection), connection.store


def _collected(store: Store, found: OpenRuns, retention: Retention, *, dry_run: bool) -> Collected:
    from activities.garbage.collecting import collect

    return collect(store, found.execution_ids, found.digests, retention, dry_run=dry_run)


def _has_work(planned: Collected) -> bool:
    return bool(planned.runs or planned.cached_steps or planned.swept.blobs or planned.swept.packs)


def _retention(runs: str, cached: str, grace: str) -> Retention:
    from activities.garbage.collecting import LEAST_GRACE, Retention

    retention = Retention(_span("--runs", runs), _span("--cache", cached), _span("--grace", grace))
    if retention.grace < LEAST_GRACE:
        raise Problem(store_words.grace_too_short(grace), code=ExitCode.USAGE, slug="usage")
    return retention


def _span(option: str, text: str) -> timedelta:
    from definitions.durations import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise Problem(store_words.bad_span(option, str(error)), code=ExitCode.USAGE, slug="usage") from error


def _progress(found: Verified) -> None:
    if found.blobs % 1000 == 0 and sys.stderr.isatty():
        say(store_words.verifying(found.blobs))
