"""Blobs onto this machine before they are read: whole packs and blobs alone, many at once, in their stored form.

Into the local cache (`fetch`), or into memory for who reads them now, and into the cache on the way (`arriving`).
Nothing is verified here: whoever reads does that, from the copy as from S3. What has no room is left to be read
from S3 directly.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Executor
from functools import partial
from typing import NamedTuple

from activities.store.interface import Arrival
from activities.store.keys import checked_digest
from activities.store.s3.at_hand import AtHand, Held
from activities.store.s3.bucket import Bucket, StoredObject
from activities.store.s3.local_cache import LocalCache
from activities.store.s3.pack_index import PackIndex, pack_name
from activities.store.s3.presence import blob_name
from activities.store.s3.reading import CACHED_SHARE
from activities.store.s3.transfers import RECEIVED_SIZE, Budget

WHOLE_PACK_FROM = 4
"""So many files of a pack are worth all of it."""
INDEX_AGE = 30.0


class _Wanted(NamedTuple):
    """Digests by where they are."""

    packs: dict[str, frozenset[str]]
    """Packs that are worth fetching, and what is wanted of each."""
    few: frozenset[str]
    """Others in packs: read one by one."""
    alone: list[str]


class _Object(NamedTuple):
    """What is brought at once."""

    name: str
    size: int
    bring: Callable[[], StoredObject | None]
    digests: frozenset[str]


class BlobFetcher:
    """Any thread may ask, but none of the pool's."""

    def __init__(self, bucket: Bucket, index: PackIndex, cache: LocalCache, pool: Executor, at_hand: AtHand) -> None:
        self._bucket = bucket
        self._index = index
        self._cache = cache
        self._pool = pool
        self._at_hand = at_hand
        self._budget = Budget()

    def fetch(self, digests: Iterable[str]) -> None:
        """Have these blobs here, as far as the local cache has room for them."""
        wanted = {checked_digest(digest) for digest in digests}
        if self._cache.limit <= 0:
            return
        found = self._located({digest for digest in wanted if not self._cache.has("blobs", digest)})
        packs = [pack for pack in self._fitting(found.packs) if not self._cache.has("packs", pack)]
        list(self._pool.map(self._fetch_pack, packs))
        list(self._pool.map(self._fetch_alone, found.alone))

    def arriving(self, digests: Iterable[str]) -> Iterator[Arrival]:
        """Yield these in groups: a pack, or a blob alone, in memory; what is here or is read one by one comes first."""
        wanted = {checked_digest(digest) for digest in digests}
        here = frozenset(digest for digest in wanted if self._cache.has("blobs", digest))
        found = self._located(wanted - here)
        if here or found.few:
            yield Arrival(here | found.few)
        coming: deque[tuple[frozenset[str], Held]] = deque()
        for one in self._objects(found):
            while (held := self._held(one, even_if_full=not coming)) is None:
                yield _arrived(*coming.popleft())
            coming.append((one.digests, held))
            del held  # or it would be held while others of its size are waited for
        while coming:
            yield _arrived(*coming.popleft())

    # --- within -------------------------------------------------------------------------------------

    def _located(self, digests: set[str]) -> _Wanted:
        if any(self._index.find(digest) is None for digest in digests):
            self._index.refresh(INDEX_AGE)
        packs: dict[str, set[str]] = {}
        alone: list[str] = []
        for digest in digests:
            location = self._index.find(digest)
            if location is None:
                alone.append(digest)
            else:
                packs.setdefault(location.pack, set()).add(digest)
        whole = {pack: frozenset(found) for pack, found in packs.items() if len(found) >= WHOLE_PACK_FROM}
        few = frozenset(digest for pack, found in packs.items() if pack not in whole for digest in found)
        return _Wanted(whole, few, sorted(alone))

    def _fitting(self, packs: Collection[str]) -> Iterator[str]:
        """Yield packs until half of the cache is theirs: more would push each other out."""
        room = self._cache.limit // 2
        for pack in sorted(packs):
            room -= self._index.size_of(pack)
            if room < 0:
                return
            yield pack

    def _objects(self, found: _Wanted) -> Iterator[_Object]:
        """Yield what is to be brought: packs first, whose files take longest to write."""
        kept = set(self._fitting(found.packs))
        for pack, digests in found.packs.items():
            bring = partial(self._bring_pack, pack, is_kept=pack in kept)
            yield _Object(pack_name(pack), self._index.size_of(pack), bring, digests)
        for digest in found.alone:
            yield _Object(blob_name(digest), RECEIVED_SIZE, partial(self._bring_alone, digest), frozenset({digest}))

    def _held(self, one: _Object, *, even_if_full: bool) -> Held | None:
        return self._at_hand.hold(one.name, one.size, one.bring, even_if_full=even_if_full)

    def _bring_pack(self, pack: str, *, is_kept: bool) -> StoredObject | None:
        here = self._cache.read("packs", pack)
        if here is not None:
            return StoredObject(here, "", len(here))
        found = self._bucket.get(pack_name(pack))
        if found is not None and is_kept:
            self._cache.keep("packs", pack, found.body)
        return found

    def _bring_alone(self, digest: str) -> StoredObject | None:
        """Fetch the first part; the others of a large blob come in parallel when it is read, straight to its place."""
        found = self._bucket.get_range(blob_name(digest), 0, RECEIVED_SIZE)
        if found is not None and found.size == len(found.body) <= self._cache.limit // CACHED_SHARE:
            self._cache.keep("blobs", digest, found.body)
        return found

    def _fetch_pack(self, pack: str) -> None:
        with self._budget.holding(self._index.size_of(pack)):
            self._bring_pack(pack, is_kept=True)

    def _fetch_alone(self, digest: str) -> None:
        with self._budget.holding(RECEIVED_SIZE):
            self._bring_alone(digest)


def _arrived(digests: frozenset[str], held: Held) -> Arrival:
    held.wait()
    return Arrival(digests, held)
