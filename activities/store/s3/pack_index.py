"""Which pack holds a digest, as far as this process knows: all packs that a listing named, and our own.

Indexes never change, so each is read once: from this machine's cache, or from S3. What another worker packed
since is found by listing again (`refresh`), which costs one request for a thousand packs.
"""

import hashlib
import logging
import threading
import time
from concurrent.futures import Executor
from datetime import datetime
from typing import NamedTuple

from activities.store.interface import RENEWED_AFTER
from activities.store.packs.index import Location, Row, is_sound, rows_of
from activities.store.packs.pack import Pack
from activities.store.s3.bucket import Bucket
from activities.store.s3.local_cache import LocalCache

INDEX = "index/"
_log = logging.getLogger("perdure.store")


class _Known(NamedTuple):
    """What is kept of a row: 1,000,000 of them must fit into a worker."""

    pack: str
    offset: int
    stored: int
    size: int


def pack_name(pack: str) -> str:
    """Return the name of a pack's object."""
    return f"packs/{pack[:2]}/{pack}"


class PackIndex:
    """Any thread may ask."""

    def __init__(self, bucket: Bucket, cache: LocalCache, pool: Executor) -> None:
        self._bucket = bucket
        self._cache = cache
        self._pool = pool
        self._lock = threading.Lock()
        self._refreshing = threading.Lock()
        self._listed_at: float | None = None
        self._by_digest: dict[bytes, _Known] = {}
        self._sizes: dict[str, int] = {}
        self._modified: dict[str, datetime] = {}
        self._ours: set[str] = set()
        self._unsound: set[str] = set()

    def find(self, digest: str) -> Location | None:
        """Return where a digest is, as far as this process knows."""
        found = self._by_digest.get(bytes.fromhex(digest))
        if found is None:
            return None
        return Location(found.pack, Row(digest, found.offset, found.stored, found.size))

    def is_young(self, digest: str) -> bool:
        """Whether a pack that was written or renewed lately holds it, as far as this process knows."""
        found = self._by_digest.get(bytes.fromhex(digest))
        return found is not None and self.is_young_pack(found.pack)

    def is_young_pack(self, pack: str) -> bool:
        """Whether a pack was written or renewed lately."""
        modified = self._modified.get(pack)
        return modified is not None and modified > self._bucket.now() - RENEWED_AFTER

    def renew(self, pack: str) -> bool:
        """Make a pack young by writing its index again; False where it is gone.

        Only over the index that is there: one that a sweep removed meanwhile must not come back without its pack.
        """
        found = self._bucket.get(INDEX + pack)
        is_whole = found is not None and is_sound(found.body) and self._bucket.look_at(pack_name(pack)) is not None
        if found is not None and is_whole:
            checksum = hashlib.sha256(found.body).digest()
            if self._bucket.put(INDEX + pack, found.body, checksum, if_match=found.etag):
                self._modified[pack] = self._bucket.now()
                return True
        self.drop(pack)
        return False

    def is_whole(self, pack: str) -> bool:
        """Whether a pack and its index are there now."""
        return all(self._bucket.look_at(name) is not None for name in (INDEX + pack, pack_name(pack)))

    def rows(self, pack: str) -> list[Row]:
        """Return what a pack holds (read again: rows are not kept by pack)."""
        index = self._read(pack)
        return [] if index is None else list(rows_of(index))

    def size_of(self, pack: str) -> int:
        """Return how many bytes a known pack has."""
        return self._sizes.get(pack, 0)

    def add(self, pack: Pack) -> None:
        """Know a pack that was just written here."""
        with self._lock:
            self._ours.add(pack.name)
            self._modified[pack.name] = self._bucket.now()
        self._learn(pack.name, pack.rows)

    def drop(self, pack: str) -> None:
        """Forget a pack that is gone."""
        with self._lock:
            self._sizes.pop(pack, None)
            self._modified.pop(pack, None)
            self._ours.discard(pack)
            self._by_digest = {digest: known for digest, known in self._by_digest.items() if known.pack != pack}

    def refresh(self, max_age: float = 0) -> None:
        """Know what others packed, unless that was asked for within `max_age` seconds."""
        asked_at = time.monotonic()
        with self._refreshing:
            if self._listed_at is not None and self._listed_at >= asked_at - max_age:
                return
            listed_at = time.monotonic()
            with self._lock:
                before = set(self._sizes) - self._ours
            listed = {item.name.removeprefix(INDEX): item.modified for item in self._bucket.listing(INDEX)}
            names = listed.keys()
            for gone in before - names:
                self.drop(gone)
            with self._lock:
                self._ours -= names
                self._modified |= listed
            self._learn_all(sorted(names - self._sizes.keys() - self._unsound))
            self._listed_at = listed_at

    def _learn_all(self, packs: list[str]) -> None:
        for pack, index in zip(packs, self._pool.map(self._read, packs), strict=True):
            if index is not None:
                self._learn(pack, index)

    def _learn(self, pack: str, index: bytes) -> None:
        rows = list(rows_of(index))
        with self._lock:
            self._sizes[pack] = sum(row.stored for row in rows)
            for row in rows:
                digest = bytes.fromhex(row.digest)
                other = self._by_digest.get(digest)
                # of two packs the younger one is the one that stays longer
                if other is None or self._modified[other.pack] <= self._modified[pack]:
                    self._by_digest[digest] = _Known(pack, row.offset, row.stored, row.size)

    def _read(self, pack: str) -> bytes | None:
        """Return a sound index. One that is damaged is reported and passed over: what it names is missing then."""
        cached = self._cache.read("index", pack)
        if cached is not None and is_sound(cached):
            return cached
        found = self._bucket.get(INDEX + pack)
        if found is None:
            return None
        if not is_sound(found.body):
            _log.warning("the index of the pack `%s` in `%s` is damaged", pack, self._bucket.location)
            self._unsound.add(pack)
            return None
        self._cache.keep("index", pack, found.body)
        return found.body
