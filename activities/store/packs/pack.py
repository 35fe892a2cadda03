"""Packs: many small files as one object, and the index that says where in it each one is.

A pack is frames, one behind the other: zstd, or the content itself where that is no larger. An index is one row per
file (digest, offset, stored size, size), sorted by digest, with its own sha256 at the end: an index that was damaged
is known as such.
"""

import hashlib
import struct
from collections.abc import Iterator
from typing import NamedTuple

from activities.store.packs.frames import WORTH, Damaged, frame_content, frame_of

PACK_SIZE = 8 << 20
"""A pack is closed from here on: large enough for few requests, small enough to have several in flight."""
PACK_ENTRIES = 8192
_HEADER = b"perdure-pack-index 1\n"
_ROW = struct.Struct(">32sIII")


class Row(NamedTuple):
    """Where in a pack a file is."""

    digest: str
    offset: int
    stored: int
    size: int


class Pack(NamedTuple):
    """A finished pack."""

    name: str
    body: bytes
    rows: bytes
    """Its index, as bytes."""


class PackWriter:
    """Collects small files until they are a pack."""

    def __init__(self) -> None:
        self._frames: list[bytes] = []
        self._rows: list[tuple[bytes, int, int, int]] = []
        self._size = 0

    @property
    def is_full(self) -> bool:
        """Whether it is time to close it."""
        return self._size >= PACK_SIZE or len(self._rows) >= PACK_ENTRIES

    @property
    def is_empty(self) -> bool:
        """Whether nothing is in it."""
        return not self._rows

    def add(self, digest: str, content: bytes) -> None:
        """Add a file; each digest once."""
        frame = frame_of(content)
        # equal lengths mean raw: so a frame that happens to be as long as its content must not be kept
        if len(frame) >= len(content) * WORTH:
            frame = content
        self._frames.append(frame)
        self._rows.append((bytes.fromhex(digest), self._size, len(frame), len(content)))
        self._size += len(frame)

    def finish(self) -> Pack:
        """Return the pack."""
        body = b"".join(self._frames)
        rows = _HEADER + b"".join(_ROW.pack(*row) for row in sorted(self._rows))
        return Pack(hashlib.sha256(body).hexdigest(), body, rows + hashlib.sha256(rows).digest())


def rows_of(index: bytes) -> Iterator[Row]:
    """Yield what an index says. Raises `Damaged`."""
    rows, checksum = index[:-32], index[-32:]
    if not rows.startswith(_HEADER) or hashlib.sha256(rows).digest() != checksum:
        raise Damaged("it is no index of a pack")
    for digest, offset, stored, size in _ROW.iter_unpack(rows[len(_HEADER) :]):
        yield Row(digest.hex(), offset, stored, size)


def content_of(frame: bytes, row: Row) -> bytes:
    """Return the content of a frame, unchecked. Raises `Damaged`."""
    return frame if row.stored == row.size else frame_content(frame, row.size)
