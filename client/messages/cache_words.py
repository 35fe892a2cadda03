"""`perdure cache`: what it holds, how often it helped, and why a step ran all the same."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from client.messages import amount_words

if TYPE_CHECKING:
    from activities.cache.counts import Count

CACHE_VERDICTS = {
    "unknown": "  nothing is known of this key: it was long ago, or the cache was cleared",
    "first": "  it is the first of its kind: this step of this definition had no result before",
}
COUNTS_HEAD = "    hits     runs   rate    saved             definition / step"


def cache_figures(records: int, damaged: int, seconds: float, usd: float, location: str) -> str:
    """Say what the cache holds and what a hit on all of it would save."""
    worth = amount_words.span(timedelta(seconds=seconds)) + (f", {amount_words.money(usd)}" if usd else "")
    broken = f"; {damaged} damaged" if damaged else ""
    return f"{_cached_steps(records)} in {location}, worth {worth}{broken}"


def cache_saved(total: "Count") -> str:
    """Say how often steps came from the cache, and what that saved."""
    looked_up = f"{total.hits} of {total.hits + total.runs} looked up came from the cache"
    return f"{looked_up} ({_rate(total)}), which saved {_saved(total)}"


def cache_count(definition: str, step: str, count: "Count") -> str:
    """Return a step's row under `COUNTS_HEAD`."""
    return f"  {count.hits:6}   {count.runs:6}   {_rate(count):>4}    {_saved(count):<16}  {definition} / {step}"


def confirm_clear(count: int, location: str) -> str:
    """Ask before the cache is emptied."""
    return f"forget {_cached_steps(count)} in {location}?"


def cache_cleared(count: int) -> str:
    """Say that the cache is empty."""
    return f"{_cached_steps(count)} forgotten"


def cache_verdict(step: str, key: str, *, is_hit: bool) -> str:
    """Say whether a step came from the cache."""
    return f"{step}: {'from the cache' if is_hit else 'not in the cache, so it ran'} (key {key[:16]})"


def same_key(reason: str) -> str:
    """Say why a step ran though there was a result under its very key."""
    return f"  there was a result under this key, and it ran: {reason or 'the cache was cleared meanwhile'}"


def out_of_reach(execution_id: str) -> str:
    """Say that there is a result under the very key, which the look-up had no way to take."""
    return f"  {execution_id} has a result under this key, and it ran: that run is trusted less, or had not ended yet"


def nearest_result(execution_id: str, created_at: datetime) -> str:
    """Say against which result the fields that follow differ."""
    return (
        f"  against its nearest earlier result, of {execution_id} ({created_at:%Y-%m-%d %H:%M:%S} UTC), these differ:"
    )


def difference(field: str, before: str, after: str) -> str:
    """Name a field of a key with its value before and now."""
    return f"    {field}: {before} -> {after}"


def more_differences(count: int) -> str:
    """Say how many differences are not shown."""
    return f"    … and {count} more (`--json` has them all)"


def result_not_kept(reason: str) -> str:
    """Say why a result is not in the cache."""
    return f"  its result was not kept: {reason}"


def cache_maker(execution_id: str, path: str, created_at: datetime, seconds: float, usd: float) -> str:
    """Say whose result was taken, and what that saved."""
    saved = amount_words.span(timedelta(seconds=seconds)) + (f" and {amount_words.money(usd)}" if usd else "")
    return f"  made by {execution_id}, step {path}, at {created_at:%Y-%m-%d %H:%M:%S} UTC; that saved {saved}"


def step_without_key(step: str) -> str:
    """Say that a step has no cache key."""
    return f"`{step}` was not looked up in the cache"


def not_cached_hint(step: str) -> str:
    """Say why nothing can be explained."""
    return f"`{step}` has no cache key: it does not ask for caching (`cache: true`), or did not get that far"


def _rate(count: "Count") -> str:
    return "-" if count.hit_rate is None else f"{count.hit_rate:.0%}"


def _saved(count: "Count") -> str:
    time = amount_words.span(timedelta(seconds=count.seconds_saved))
    return f"{time}, {amount_words.money(count.usd_saved)}" if count.usd_saved else time


def _cached_steps(count: int) -> str:
    return f"{count} cached {'step' if count == 1 else 'steps'}"
