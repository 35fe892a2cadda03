"""Packs: many small files as one object.

A pack is frames, one behind the other: zstd, or the content itself where that is no larger. Its index says where in it
each one is.
"""

import hashlib
from typing import NamedTuple

from activities.store.packs.frames import WORTH, frame_content, frame_of
from activities.store.packs.index import Row, index_of

PACK_SIZE = 8 << 20
"""A pack is closed from here on: large enough for few requests, small enough to have several in flight."""
PACK_ENTRIES = 8192


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

    def absorb(self, other: "PackWriter") -> None:
        """Add the files of another one, which has none of ours."""
        start = self._size
        self._frames += other._frames
        self._rows += [(digest, start + offset, stored, size) for digest, offset, stored, size in other._rows]
        self._size += other._size

    def has_room_for(self, other: "PackWriter") -> bool:
        """Whether both together are one pack."""
        return self._size + other._size <= PACK_SIZE and len(self._rows) + len(other._rows) <= PACK_ENTRIES

    def finish(self, name: str | None = None) -> Pack:
        """Return the pack, named by its content where no name is given."""
        body = b"".join(self._frames)
        return Pack(name or hashlib.sha256(body).hexdigest(), body, index_of(self._rows))


def content_of(frame: bytes, row: Row) -> bytes:
    """Return the content of a frame, unchecked. Raises `Damaged`."""
    return frame if row.stored == row.size else frame_content(frame, row.size)
