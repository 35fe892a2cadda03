"""Which lines of two texts are the same, in bounded time: what `diff` and its counts are made from."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Literal

Tag = Literal["equal", "replace", "delete", "insert"]
Block = tuple[Tag, int, int, int, int]
"""What becomes of lines i1:i2 of the old text, and that they are j1:j2 of the new one."""

MOST_WORK = 25_000_000
"""Pairs of lines that are compared at most; beyond, what lies between equal beginning and end is one block."""
CONTEXT = 3


def blocks_of(old: Sequence[str], new: Sequence[str]) -> list[Block]:
    """Return the blocks in order; together they are both texts."""
    start = _equal_at_start(old, new)
    end = _equal_at_end(old, new, start)
    middle_old, middle_new = old[start : len(old) - end], new[start : len(new) - end]
    blocks: list[Block] = [("equal", 0, start, 0, start)] if start else []
    if len(middle_old) * len(middle_new) > MOST_WORK:
        blocks.append(("replace", start, len(old) - end, start, len(new) - end))
    else:
        for tag, i1, i2, j1, j2 in SequenceMatcher(None, middle_old, middle_new).get_opcodes():
            blocks.append((tag, i1 + start, i2 + start, j1 + start, j2 + start))
    if end:
        blocks.append(("equal", len(old) - end, len(old), len(new) - end, len(new)))
    return _joined(blocks)


def hunks_of(blocks: Sequence[Block], context: int = CONTEXT) -> list[list[Block]]:
    """Return changed blocks with the lines around them, those near each other together."""
    hunks: list[list[Block]] = []
    current: list[Block] = []
    for position, (tag, i1, i2, j1, j2) in enumerate(blocks):
        if tag != "equal":
            current.append((tag, i1, i2, j1, j2))
            continue
        is_last = position == len(blocks) - 1
        if current and (is_last or i2 - i1 > 2 * context):
            kept = min(context, i2 - i1)
            hunks.append([*current, ("equal", i1, i1 + kept, j1, j1 + kept)])
            current = []
        elif current:
            current.append((tag, i1, i2, j1, j2))
            continue
        if not is_last:
            kept = min(context, i2 - i1)
            current = [("equal", i2 - kept, i2, j2 - kept, j2)]
    if any(block[0] != "equal" for block in current):
        hunks.append(current)
    return hunks


def counts_of(blocks: Sequence[Block]) -> tuple[int, int]:
    """Return how many lines were added, and how many deleted."""
    changed = [block for block in blocks if block[0] != "equal"]
    return sum(j2 - j1 for _, _, _, j1, j2 in changed), sum(i2 - i1 for _, i1, i2, _, _ in changed)


def _equal_at_start(old: Sequence[str], new: Sequence[str]) -> int:
    most = min(len(old), len(new))
    return next((number for number in range(most) if old[number] != new[number]), most)


def _equal_at_end(old: Sequence[str], new: Sequence[str], start: int) -> int:
    most = min(len(old), len(new)) - start
    return next((number for number in range(most) if old[-1 - number] != new[-1 - number]), most)


def _joined(blocks: list[Block]) -> list[Block]:
    """Join equal blocks that touch, where the middle began or ended with one."""
    joined: list[Block] = []
    for block in blocks:
        if joined and block[0] == "equal" == joined[-1][0]:
            joined[-1] = ("equal", joined[-1][1], block[2], joined[-1][3], block[4])
        else:
            joined.append(block)
    return joined
