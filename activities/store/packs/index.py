"""The index of a pack: where in it each file is.

One row per file (digest, offset, stored size, size), sorted by digest, with its own sha256 at the end: an index that
was damaged is known as such.
"""

import hashlib
import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from activities.store.packs.damaged import Damaged

_HEADER = b"perdure-pack-index 1\n"
_ROW = struct.Struct(">32sIII")
_CHECKSUM_SIZE = 32


class Row(NamedTuple):
    """Where in a pack a file is."""

    digest: str
    offset: int
    stored: int
    size: int


class Location(NamedTuple):
    """Where a small file is."""

    pack: str
    row: Row


def index_of(rows: Iterable[tuple[bytes, int, int, int]]) -> bytes:
    """Return the index of these rows, whose digests are bytes."""
    index = _HEADER + b"".join(_ROW.pack(*row) for row in sorted(rows))
    return index + hashlib.sha256(index).digest()


def index_without(index: bytes, digest: str) -> bytes:
    """Return an index without a file. Raises `Damaged`."""
    return index_of((bytes.fromhex(row.digest), *row[1:]) for row in rows_of(index) if row.digest != digest)


def rows_of(index: bytes) -> Iterator[Row]:
    """Yield what an index says. Raises `Damaged`."""
    rows, checksum = index[:-_CHECKSUM_SIZE], index[-_CHECKSUM_SIZE:]
    if not rows.startswith(_HEADER) or hashlib.sha256(rows).digest() != checksum:
        raise Damaged("it is no index of a pack")
    for digest, offset, stored, size in _ROW.iter_unpack(rows[len(_HEADER) :]):
        yield Row(digest.hex(), offset, stored, size)


def is_sound(index: bytes) -> bool:
    """Whether an index is as it was written."""
    try:
        next(rows_of(index), None)
    except Damaged:
        return False
    return True


def digests_of(index: bytes) -> list[bytes]:
    """Return the digests of a sound index, in the order of its rows."""
    return [index[start : start + 32] for start in range(len(_HEADER), len(index) - _CHECKSUM_SIZE, _ROW.size)]


def row_at(index: bytes, number: int) -> Row:
    """Return a row of a sound index by its number."""
    digest, offset, stored, size = _ROW.unpack_from(index, len(_HEADER) + number * _ROW.size)
    return Row(digest.hex(), offset, stored, size)


def end_of(index: bytes) -> int:
    """Return how long the pack of a sound index is, at least."""
    rows = _ROW.iter_unpack(index[len(_HEADER) : -_CHECKSUM_SIZE])
    return max((offset + stored for _, offset, stored, _ in rows), default=0)
