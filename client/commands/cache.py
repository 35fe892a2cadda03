"""`cache explain | stats | clear`: why a step was or was not taken from the cache, and what the cache holds."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from client.asking import confirmed
from client.exit_codes import ExitCode
from client.messages import asking_words, cache_words, run_words
from client.options import json_option, profile_option, read_duration, run_argument
from client.output import Problem, one_line, say, write_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import JsonValue

    from activities.cache.counts import Count
    from activities.cache.explanations import Explanation
    from activities.cache.housekeeping import CacheStats
    from activities.cache.records import CacheRecord
    from activities.store.interface import Store
    from definitions.statuses import Status, StepStatus


SHOWN_DIFFERENCES = 40
NOTHING_KEPT = "nothing is kept under this key"
"""What the look-up says where there is nothing that it may take."""
_SCRIPT_VALUE = "values.PERDURE_V"
_DIGEST = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")


@click.group(short_help="Explain, count and clear cached steps.")
def cache() -> None:
    """Explain, count and clear cached steps."""


@cache.command(short_help="Say why a step was or was not taken from the cache.")
@run_argument
@click.argument("step")
@json_option()
@profile_option
def explain(execution_id: str, step: str, as_json: bool, profile: str | None) -> ExitCode:
    """Say why STEP of the run ID was or was not taken from the cache.

    For a hit, whose result it was and what that saved; for a step that ran, each field of its key that differs from the
    nearest earlier result of the same step.
    """
    from activities.cache.explanations import explain_step
    from client.recorded import status_and_store

    status, store = status_and_store(execution_id, profile)
    record = _step(status, step)
    if record.cache_key is None:
        raise Problem(cache_words.step_without_key(step), slug="no-cache-key", remedy=cache_words.not_cached_hint(step))
    explanation = explain_step(store, status.definition_id, step, record.cache_key, execution_id)
    if as_json:
        write_json({"execution_id": execution_id, "step": step, "cached": record.cached, **_as_json(explanation)})
    else:
        spoken = _spoken(explanation, store, execution_id, step)
        for line in _explained(step, explanation, spoken, is_hit=record.cached):
            click.echo(line)
    return ExitCode.SUCCESS


@cache.command(short_help="Count what the cache holds and what it saved.")
@json_option()
@profile_option
def stats(as_json: bool, profile: str | None) -> ExitCode:
    """Count what the cache holds, how often steps came from it, and what that saved, by definition and step."""
    from activities.cache.housekeeping import stats as stats_of
    from client.connection import offline_store

    store = offline_store(profile)
    found = stats_of(store)
    if as_json:
        write_json({"location": store.location, **_figures(found)})
        return ExitCode.SUCCESS
    click.echo(cache_words.cache_figures(found.records, found.damaged, found.seconds, found.usd, store.location))
    for name, count in found.definitions:
        click.echo(f"  {count:6}  {one_line(name)}")
    for line in _counted(found):
        click.echo(line)
    return ExitCode.SUCCESS


@cache.command(short_help="Forget cached steps.")
@click.option("--definition", metavar="ID", help="Only what runs of this definition made.")
@click.option("--step", metavar="STEP", help="Only this step: its path, or its id wherever it stands.")
@click.option(
    "--older-than", metavar="DURATION", callback=read_duration, help="Only what was made before: `7d`, `12h`."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option()
@profile_option
def clear(
    definition: str | None,
    step: str | None,
    older_than: timedelta | None,
    yes: bool,
    as_json: bool,
    profile: str | None,
) -> ExitCode:
    """Forget cached steps, all of them or some: each runs anew once. Runs, logs and files stay."""
    from activities.cache import housekeeping
    from client.connection import offline_store

    store = offline_store(profile)
    before = None if older_than is None else datetime.now(UTC) - older_than
    which = housekeeping.Which(definition, step, before)
    count = len(housekeeping.matching(store, which))
    if count and not yes and not confirmed(cache_words.confirm_clear(count, store.location)):
        say(asking_words.NOTHING_DONE)
        return ExitCode.SUCCESS
    removed = housekeeping.clear(store, which)
    if as_json:
        write_json({"location": store.location, "removed": removed})
    else:
        say(cache_words.cache_cleared(removed))
    return ExitCode.SUCCESS


def _step(status: Status, step: str) -> StepStatus:
    from definitions.suggestions import did_you_mean

    if step not in status.steps:
        message = run_words.unknown_step(status.execution_id, step)
        remedy = did_you_mean(step, status.steps) or f"`perdure show {status.execution_id}` lists its steps"
        raise Problem(message, code=ExitCode.USAGE, slug="unknown-step", remedy=remedy)
    return status.steps[step]


def _spoken(explanation: Explanation, store: Store, execution_id: str, step: str) -> dict[str, str]:
    """Return how people call the fields that have another name in the key."""
    if not any(found.field.startswith(_SCRIPT_VALUE) for found in explanation.differences):
        return {}
    from client.script_values import placeholders

    return {f"values.{name}": shown for name, shown in placeholders(store, execution_id, step).items()}


def _explained(step: str, explanation: Explanation, spoken: dict[str, str], *, is_hit: bool) -> Iterator[str]:
    yield cache_words.cache_verdict(step, explanation.key, is_hit=is_hit)
    if is_hit:
        if explanation.record is not None:
            yield _whose(explanation.record)
        return
    yield _why(explanation)
    for found in explanation.differences[:SHOWN_DIFFERENCES]:
        name = one_line(spoken.get(found.field, found.field))
        yield cache_words.difference(name, _value(found.before), _value(found.after))
    more = len(explanation.differences) - SHOWN_DIFFERENCES
    if more > 0:
        yield cache_words.more_differences(more)
    if explanation.not_kept:
        yield cache_words.result_not_kept(explanation.not_kept)


def _whose(record: CacheRecord) -> str:
    made = record.produced_by
    usd = 0.0 if record.usage is None else record.usage.usd or 0.0
    return cache_words.cache_maker(made.execution_id, made.path, record.created_at, record.seconds, usd)


def _why(explanation: Explanation) -> str:
    if explanation.verdict == "same" and explanation.reason == NOTHING_KEPT and explanation.earlier is not None:
        return cache_words.out_of_reach(explanation.earlier.produced_by.execution_id)
    if explanation.verdict == "same":
        return cache_words.same_key(explanation.reason)
    if explanation.verdict == "differs" and explanation.earlier is not None:
        earlier = explanation.earlier
        return cache_words.nearest_result(earlier.produced_by.execution_id, earlier.created_at)
    return cache_words.CACHE_VERDICTS[explanation.verdict]


def _value(value: JsonValue) -> str:
    """Return a value of a field for a person: digests by their beginnings."""
    if value is None:
        return "absent"
    return one_line(_DIGEST.sub(r"\1…", json.dumps(value, ensure_ascii=False)), 80)


def _counted(found: CacheStats) -> Iterator[str]:
    """Yield the counts: all together, then by definition and step, what saved most first."""
    if not found.counts:
        return
    yield ""
    yield cache_words.cache_saved(found.total)
    ranked = sorted(found.counts.items(), key=lambda item: (-item[1].seconds_saved, -item[1].hits, item[0]))
    yield cache_words.COUNTS_HEAD
    for (definition, step), count in ranked:
        yield cache_words.cache_count(one_line(definition, 40), one_line(step, 60), count)


def _as_json(explanation: Explanation) -> dict[str, object]:
    return {
        "verdict": explanation.verdict,
        "key": explanation.key,
        "record": None if explanation.record is None else explanation.record.model_dump(mode="json"),
        "earlier": None if explanation.earlier is None else explanation.earlier.model_dump(mode="json"),
        "differences": [asdict(found) for found in explanation.differences],
        "reason": explanation.reason or None,
        "not_kept": explanation.not_kept or None,
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
        "total": _count(found.total),
        "steps": [
            {"definition": definition, "step": step, **_count(count)}
            for (definition, step), count in sorted(found.counts.items())
        ],
    }


def _count(count: Count) -> dict[str, object]:
    return {**asdict(count), "hit_rate": count.hit_rate}
