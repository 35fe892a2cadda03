"""Which part of a log is wanted: its last lines, a range of its bytes, what was printed lately, one attempt.

Only the pieces that the part lies in are read, so that the end of a long log costs no more than that of a short one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from client.step_logs import Chunk

Read = Callable[[str], bytes]
"""Reads the piece under a key."""

_RANGE = re.compile(r"(\d{0,18})-(\d{0,18})")


@dataclass(frozen=True, slots=True)
class ByteRange:
    """A range as HTTP has it: both ends count, either may be open; without a start, the last bytes."""

    first: int | None
    last: int | None

    def within(self, size: int) -> tuple[int, int]:
        """Return start and end (which does not count) in a text of `size` bytes."""
        if self.first is None:
            return max(0, size - (self.last or 0)), size
        return self.first, size if self.last is None else min(size, self.last + 1)


@dataclass(frozen=True, slots=True)
class Part:
    """What is wanted of each log."""

    lines: int | None = None
    bytes: ByteRange | None = None
    since: datetime | None = None
    attempt: int | None = None


WHOLE = Part()


def parse_range(text: str) -> ByteRange:
    """Return the range that `text` names: `0-99`, `100-`, `-100`. Raises ValueError."""
    found = _RANGE.fullmatch(text)
    if found is None or text == "-":
        raise ValueError(f"`{text}` is no range of bytes: write `0-99`, `100-` or `-100`")
    first, last = (int(end) if end else None for end in found.groups())
    if first is not None and last is not None and last < first:
        raise ValueError(f"`{text}` ends before it begins")
    return ByteRange(first, last)


def pieces(read: Read, chunks: Iterable[Chunk], part: Part) -> Iterator[tuple[Chunk, bytes]]:
    """Yield the part that is wanted of each log, `chunks` being sorted."""
    for _, of_log in groupby(chunks, key=lambda chunk: (chunk.step, chunk.attempt)):
        log = [chunk for chunk in of_log if _is_wanted(chunk, part)]
        if part.lines is not None:
            yield from _last_lines(read, log, part.lines)
        elif part.bytes is not None:
            yield from _range(read, log, part.bytes)
        else:
            yield from ((chunk, read(chunk.key)) for chunk in log)


def _is_wanted(chunk: Chunk, part: Part) -> bool:
    is_lately = part.since is None or chunk.modified >= part.since
    return is_lately and part.attempt in (None, chunk.attempt)


def _last_lines(read: Read, log: Sequence[Chunk], count: int) -> Iterator[tuple[Chunk, bytes]]:
    """Read from the end until one line end more is there than lines are wanted: before it, nothing is."""
    found: list[tuple[Chunk, bytes]] = []
    ends = 0
    for chunk in reversed(log if count else ()):
        content = read(chunk.key)
        found.append((chunk, content))
        ends += content.count(b"\n")
        if ends > count:
            break
    text = b"".join(content for _, content in reversed(found))
    too_many = max(0, text.removesuffix(b"\n").count(b"\n") + 1 - count)
    skipped = len(text) - len(text.split(b"\n", too_many)[-1])
    for chunk, content in reversed(found):
        if skipped < len(content):
            yield chunk, content[skipped:]
        skipped = max(0, skipped - len(content))


def _range(read: Read, log: Sequence[Chunk], wanted: ByteRange) -> Iterator[tuple[Chunk, bytes]]:
    start, end = wanted.within(sum(chunk.size for chunk in log))
    place = 0
    for chunk in log:
        behind = place + chunk.size
        if start < behind and place < end:
            yield chunk, read(chunk.key)[max(0, start - place) : end - place]
        place = behind
