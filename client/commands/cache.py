"""`cache explain | stats | clear`: why a step was or was not taken from the cache, and what the cache holds."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from client import messages
from client.exit_codes import ExitCode
from client.options import json_option, profile_option, run_argument
from client.output import Problem, one_line, say, write_json

if TYPE_CHECKING:
    from activities.cache.explanations import Explanation
    from activities.cache.housekeeping import CacheStats
    from definitions.records import Status, StepStatus


@click.group(short_help="Explain, count and clear cached steps.")
def cache() -> None:
    """Explain, count and clear cached steps."""


@cache.command(short_help="Say why a step was or was not taken from the cache.")
@run_argument
@click.argument("step")
@json_option()
@profile_option
def explain(execution_id: str, step: str, as_json: bool, profile: str | None) -> ExitCode:
    """Say why STEP of the run ID was or was not taken from the cache: the fields of its key that differ."""
    from activities.cache.explanations import explain_step
    from client.recorded import status_and_store

    status, store = status_and_store(execution_id, profile)
    record = _step(status, step)
    if record.cache_key is None:
        raise Problem(messages.step_without_key(step), slug="no-cache-key", remedy=messages.not_cached_hint(step))
    explanation = explain_step(store, status.definition_id, step, record.cache_key)
    if as_json:
        write_json({"execution_id": execution_id, "step": step, "cached": record.cached, **_as_json(explanation)})
    else:
        _print(step, explanation, is_hit=record.cached)
    return ExitCode.SUCCESS


@cache.command(short_help="Count what the cache holds.")
@json_option()
@profile_option
def stats(as_json: bool, profile: str | None) -> ExitCode:
    """Count what the cache holds, by definition, and what it saves."""
    from activities.cache.housekeeping import stats as stats_of
    from client.connection import offline_store

    store = offline_store(profile)
    found = stats_of(store)
    if as_json:
        write_json({"location": store.location, **_figures(found)})
        return ExitCode.SUCCESS
    click.echo(messages.cache_figures(found.records, found.damaged, found.seconds, found.usd, store.location))
    for name, count in found.definitions:
        click.echo(f"  {count:6}  {one_line(name)}")
    return ExitCode.SUCCESS


@cache.command(short_help="Forget all cached steps.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option()
@profile_option
def clear(yes: bool, as_json: bool, profile: str | None) -> ExitCode:
    """Forget all cached steps: each runs anew once. Runs, logs and files stay."""
    from activities.cache import housekeeping
    from client.connection import offline_store

    store = offline_store(profile)
    count = housekeeping.stats(store).records
    if count and not yes and not click.confirm(messages.confirm_clear(count, store.location), err=True):
        say(messages.NOTHING_DONE)
        return ExitCode.SUCCESS
    removed = housekeeping.clear(store)
    if as_json:
        write_json({"location": store.location, "removed": removed})
    else:
        say(messages.cache_cleared(removed))
    return ExitCode.SUCCESS


def _step(status: Status, step: str) -> StepStatus:
    from definitions.suggestions import did_you_mean

    if step not in status.steps:
        message = messages.unknown_step(status.execution_id, step)
        remedy = did_you_mean(step, status.steps) or f"`perdure show {status.execution_id}` lists its steps"
        raise Problem(message, code=ExitCode.USAGE, slug="unknown-step", remedy=remedy)
    return status.steps[step]


def _print(step: str, explanation: Explanation, *, is_hit: bool) -> None:
    click.echo(messages.cache_verdict(step, explanation.key, is_hit=is_hit))
    if is_hit:
        record = explanation.record
        if record is not None:
            click.echo(f"  made by {record.produced_by.execution_id} at {record.created_at:%Y-%m-%d %H:%M:%S} UTC")
        return
    click.echo(messages.CACHE_VERDICTS[explanation.verdict])
    for found in explanation.differences:
        before, after = one_line(json.dumps(found.before), 80), one_line(json.dumps(found.after), 80)
        click.echo(f"    {one_line(found.field)}: {before} -> {after}")


def _as_json(explanation: Explanation) -> dict[str, object]:
    return {
        "verdict": explanation.verdict,
        "key": explanation.key,
        "record": None if explanation.record is None else explanation.record.model_dump(mode="json"),
        "earlier": None if explanation.earlier is None else explanation.earlier.model_dump(mode="json"),
        "differences": [asdict(found) for found in explanation.differences],
    }


def _figures(found: CacheStats) -> dict[str, object]:
    return {
        "records": found.records,
        "damaged": found.damaged,
        "seconds": found.seconds,
        "usd": found.usd,
        "oldest": None if found.oldest is None else found.oldest.isoformat(),
        "newest": None if found.newest is None else found.newest.isoformat(),
        "definitions": dict(found.definitions),
    }
