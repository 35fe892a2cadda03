"""`cache explain | stats | clear`: why a step was or was not taken from the cache, and what the cache holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from client import messages
from client.exit_codes import ExitCode
from client.options import json_option, profile_option, run_argument
from client.output import Problem, one_line, say, write_json

if TYPE_CHECKING:
    from client.cache_contents import Explanation
    from definitions.records import Status, StepStatus


@click.group(short_help="Explain, count and clear cached steps.")
def cache() -> None:
    """Explain, count and clear cached steps."""


@cache.command(short_help="Say why a step was or was not taken from the cache.")
@run_argument
@click.argument("step")
@click.option("--against", metavar="ID", help="The run to compare with; the closest record where it is not given.")
@json_option()
@profile_option
def explain(execution_id: str, step: str, against: str | None, as_json: bool, profile: str | None) -> ExitCode:
    """Say why STEP of the run ID was or was not taken from the cache: the fields of its key that differ."""
    from client.cache_contents import explain_step
    from client.recorded import status_and_store

    status, store = status_and_store(execution_id, profile)
    record = _step(status, step)
    if record.cache_key is None:
        raise Problem(messages.step_without_key(step), slug="no-cache-key", remedy=messages.not_cached_hint(step))
    other = None if against is None else _step(status_and_store(against, profile)[0], step).cache_key
    explanation = explain_step(store, record.cache_key, other, step)
    if as_json:
        write_json({"execution_id": execution_id, "step": step, "cached": record.cached, **explanation.as_record()})
    else:
        _print(step, explanation, is_hit=record.cached)
    return ExitCode.SUCCESS


@cache.command(short_help="Count what the cache holds.")
@json_option()
@profile_option
def stats(as_json: bool, profile: str | None) -> ExitCode:
    """Count the records of the cache, by definition and step."""
    from client.cache_contents import record_keys
    from client.connection import offline_store

    store = offline_store(profile)
    count = sum(1 for _ in record_keys(store))
    if as_json:
        write_json({"location": store.location, "records": count})
    else:
        click.echo(messages.cache_count(count, store.location))
    return ExitCode.SUCCESS


@cache.command(short_help="Forget all cached steps.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option()
@profile_option
def clear(yes: bool, as_json: bool, profile: str | None) -> ExitCode:
    """Forget all cached steps: each runs anew once. Runs, logs and files stay."""
    from client.cache_contents import record_keys
    from client.connection import offline_store

    store = offline_store(profile)
    keys = list(record_keys(store))
    if keys and not yes and not click.confirm(messages.confirm_clear(len(keys), store.location), err=True):
        say(messages.NOTHING_DONE)
        return ExitCode.SUCCESS
    for key in keys:
        store.delete_record(key)
    if as_json:
        write_json({"location": store.location, "removed": len(keys)})
    else:
        say(messages.cache_cleared(len(keys)))
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
    if explanation.compared is None:
        if not is_hit:
            click.echo(messages.CACHE_NOTHING_CLOSE)
        return
    if not explanation.differences:
        click.echo(messages.cache_no_difference(explanation.compared))
        return
    click.echo(messages.cache_compared(explanation.compared))
    for line in explanation.differences:
        click.echo(f"  {one_line(line, 300)}")
