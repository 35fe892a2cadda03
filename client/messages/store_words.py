"""`perdure store`: garbage that is removed or stays, and what a verification looked at."""

from typing import TYPE_CHECKING

from client.messages import amount_words

if TYPE_CHECKING:
    from activities.garbage.collecting import Collected

MOST_NAMED_RUNS = 20


def grace_too_short(given: str) -> str:
    """Say why so short a time is refused."""
    return f"`--grace {given}` is less than a day: a step that is going on may refer to what was written hours ago"


def bad_span(option: str, why: str) -> str:
    """Say that an option's time cannot be read."""
    return f"`{option}`: {why}"


def confirm_collect(planned: "Collected", location: str) -> str:
    """Ask before garbage is removed."""
    return f"remove {_garbage(planned)} from {location}?"


def collected_lines(collected: "Collected", location: str, *, dry_run: bool) -> list[str]:
    """Say what was removed, or would be, and what stays."""
    lines = [f"{'would remove' if dry_run else 'removed'} {_garbage(collected)} from {location}"]
    lines += [f"  run {execution_id}" for execution_id in collected.runs[:MOST_NAMED_RUNS]]
    if len(collected.runs) > MOST_NAMED_RUNS:
        lines.append(f"  and {len(collected.runs) - MOST_NAMED_RUNS} more runs")
    blobs = amount_words.counted(collected.kept_blobs, "blob")
    return [*lines, f"kept: {amount_words.counted(collected.kept_runs, 'run')}, {blobs} in use"]


def verifying(blobs: int) -> str:
    """Say how far a verification is."""
    return f"{blobs:,} blobs hashed"


def verified(blobs: int, content: int, cached_steps: int, trees: int, location: str) -> str:
    """Say what a verification looked at."""
    kinds = ((blobs, "blob"), (cached_steps, "cached step"), (trees, "tree"))
    looked_at = ", ".join(amount_words.counted(count, noun) for count, noun in kinds)
    return f"looked at {looked_at} ({amount_words.size(content)}) in {location}"


def _garbage(collected: "Collected") -> str:
    parts = [
        amount_words.counted(len(collected.runs), "ended run"),
        amount_words.counted(collected.cached_steps, "cached step"),
    ]
    swept = collected.swept
    packs = f", {amount_words.counted(swept.packs, 'pack')}" if swept.packs else ""
    return f"{', '.join(parts)}, {amount_words.counted(swept.blobs, 'blob')} ({amount_words.size(swept.bytes)}{packs})"
