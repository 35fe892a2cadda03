"""Shards: a tree's entries, cut into pieces that are kept, found and compared each by itself.

Where a piece ends follows from the paths alone, so an edit makes one piece new, an added file one or two, and two
trees share what they have in common. A piece's entries are read when they are asked for.
"""

import json
import threading
import zlib
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from pydantic import JsonValue

from activities.store.canonical_json import canonical_json, digest_of
from activities.store.interface import Store
from activities.workspace.entries import Entry, entry_of_row, row_of_entry, unsound

MOST_ENTRIES = 2000
"""Of one shard."""
CUT_EACH = 1024
"""A shard ends after a path whose checksum this divides: one in so many."""
REMEMBERED_ENTRIES = 200_000
"""Entries read or written lately are kept in memory up to this number."""


class Shard:
    """Entries in a row, sorted by path: at hand, or in the store under a digest."""

    def __init__(
        self,
        first: str,
        count: int,
        *,
        entries: tuple[Entry, ...] | None = None,
        digest: str = "",
        store: Store | None = None,
    ) -> None:
        self.first = first
        self.count = count
        self._entries = entries
        self._digest = digest
        self._text: bytes | None = None
        """Its text, from when it was named until it is stored."""
        self._store = store

    @property
    def digest(self) -> str:
        """The name of its text."""
        if not self._digest:
            self._text = self.to_bytes()
            self._digest = digest_of(self._text)
        return self._digest

    @property
    def is_new(self) -> bool:
        """Whether it was made here, and not read from a store."""
        return self._store is None

    @property
    def lies_in(self) -> Store | None:
        """The store that it would have to be read from now."""
        return self._store if self._entries is None and remembered(self._digest) is None else None

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Its entries. Raises `BlobMissing`, `StepFailure`."""
        if self._entries is not None:
            return self._entries
        known = remembered(self._digest)
        return self._read() if known is None else known

    def to_bytes(self) -> bytes:
        """Return the text that is stored."""
        return canonical_json([row_of_entry(entry) for entry in self.entries])

    def take_bytes(self) -> bytes:
        """Return the text that is stored, for the last time that it is needed."""
        text, self._text = self._text, None
        return self.to_bytes() if text is None else text

    def find(self, path: str) -> Entry | None:
        """Return the entry of a path."""
        entries = self.entries
        place = bisect_right(entries, path, key=_path_of) - 1
        return entries[place] if place >= 0 and entries[place].path == path else None

    def _read(self) -> tuple[Entry, ...]:
        if self._store is None:
            raise ValueError("a shard has entries, or a store to read them from")
        entries = parse_entries(self._store.read_blob(self._digest), self._digest)
        if len(entries) != self.count or entries[0].path != self.first:
            raise unsound(self._digest, "it is not the part of a tree that it is said to be")
        remember(self._digest, entries)
        return entries


def _path_of(entry: Entry) -> str:
    return entry.path


def cut(entries: Sequence[Entry]) -> tuple[list[Shard], list[Entry]]:
    """Return the shards that end within sorted entries, and what comes after the last end."""
    shards: list[Shard] = []
    start = 0
    for place, entry in enumerate(entries, 1):
        if place - start == MOST_ENTRIES or _ends_shard(entry.path):
            shards.append(shard_of(entries[start:place]))
            start = place
    return shards, list(entries[start:])


def shard_of(entries: Sequence[Entry]) -> Shard:
    """Return entries as a shard that is new."""
    return Shard(entries[0].path, len(entries), entries=tuple(entries))


def cut_all(entries: Sequence[Entry]) -> tuple[Shard, ...]:
    """Return all of sorted entries as shards."""
    shards, rest = cut(entries)
    return (*shards, shard_of(rest)) if rest else tuple(shards)


def fetch_all(shards: Iterable[Shard]) -> None:
    """Have shards at hand that are about to be read, all at once. Raises `StoreError`."""
    far = [(store, shard.digest) for shard in shards if (store := shard.lies_in) is not None]
    if far:
        far[0][0].fetch([digest for _, digest in far])


def place_of(shards: Sequence[Shard], path: str) -> int:
    """Return which shard a path is in, or would be."""
    return max(0, bisect_right(shards, path, key=_first_of) - 1)


def _first_of(shard: Shard) -> str:
    return shard.first


def edited(shards: Sequence[Shard], changes: Mapping[str, Entry | None]) -> tuple[Shard, ...]:
    """Return the shards of a tree with these paths as said (None: gone), cut as if all were cut anew."""
    by_shard: dict[int, dict[str, Entry | None]] = {}
    for path, entry in changes.items():
        by_shard.setdefault(place_of(shards, path), {})[path] = entry
    made: list[Shard] = []
    rest: list[Entry] = []
    for number, shard in enumerate(shards):
        ours = by_shard.get(number)
        if ours is None and not rest:
            made.append(shard)
            continue
        entries = rest + (list(shard.entries) if ours is None else _with(shard.entries, ours))
        is_last = number == len(shards) - 1
        new, rest = cut(entries)
        made += new
        if is_last and rest:
            made.append(shard_of(rest))
    return tuple(made) if shards else cut_all(_with((), dict(changes)))


def parse_entries(content: bytes, name: str) -> tuple[Entry, ...]:
    """Return the entries of a shard's text, each sound by itself, in order. Raises `StepFailure`."""
    try:
        rows: list[JsonValue] = json.loads(content)
        entries = tuple(map(entry_of_row, rows))
    except (ValueError, TypeError) as error:
        raise unsound(name, f"it is no part of a tree: {error}") from error
    if not entries or any(later.path <= entry.path for entry, later in pairwise(entries)):
        raise unsound(name, "its paths are out of order")
    return entries


def remember(digest: str, entries: tuple[Entry, ...]) -> None:
    """Keep at hand what was just read or saved."""
    with _lock:
        _remembered[digest] = entries
        _remembered.move_to_end(digest)
        held = sum(map(len, _remembered.values()))
        while held > REMEMBERED_ENTRIES and len(_remembered) > 1:
            _, dropped = _remembered.popitem(last=False)
            held -= len(dropped)


def remembered(digest: str) -> tuple[Entry, ...] | None:
    """Return what was read or saved lately under a digest."""
    with _lock:
        return _remembered.get(digest)


def forget_all() -> None:
    """Read from the store again. For tests."""
    with _lock:
        _remembered.clear()


def remembered_entries() -> int:
    """Return how many entries are at hand."""
    with _lock:
        return sum(map(len, _remembered.values()))


def _with(entries: Iterable[Entry], changes: Mapping[str, Entry | None]) -> list[Entry]:
    by_path: dict[str, Entry | None] = {entry.path: entry for entry in entries}
    by_path.update(changes)
    return sorted(entry for entry in by_path.values() if entry is not None)


def _ends_shard(path: str) -> bool:
    return zlib.crc32(path.encode("utf-8", "surrogatepass")) % CUT_EACH == 0


_remembered: OrderedDict[str, tuple[Entry, ...]] = OrderedDict()
_lock = threading.Lock()
