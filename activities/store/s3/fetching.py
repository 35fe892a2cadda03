"""Blobs onto this machine before they are read: whole packs and blobs alone, many at once, in their stored form.

Nothing is verified here: whoever reads does that, from the copy as from S3. What has no room is left to be read
from S3 directly.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor

from activities.store.keys import checked_digest
from activities.store.s3.bucket import Bucket
from activities.store.s3.local_cache import LocalCache
from activities.store.s3.pack_index import PackIndex, pack_name
from activities.store.s3.presence import blob_name
from activities.store.s3.reading import CACHED_SHARE
from activities.store.s3.transfers import RECEIVED_SIZE, Budget

WHOLE_PACK_FROM = 4
"""So many files of a pack are worth all of it."""
INDEX_AGE = 30.0


class BlobFetcher:
    """Any thread may ask, but none of the pool's."""

    def __init__(self, bucket: Bucket, index: PackIndex, cache: LocalCache, pool: Executor) -> None:
        self._bucket = bucket
        self._index = index
        self._cache = cache
        self._pool = pool
        self._budget = Budget()

    def fetch(self, digests: Iterable[str]) -> None:
        """Have these blobs here, as far as the local cache has room for them."""
        wanted = {checked_digest(digest) for digest in digests}
        if self._cache.limit <= 0:
            return
        wanted = {digest for digest in wanted if not self._cache.has("blobs", digest)}
        if any(self._index.find(digest) is None for digest in wanted):
            self._index.refresh(INDEX_AGE)
        packed = Counter(location.pack for digest in wanted if (location := self._index.find(digest)))
        alone = [digest for digest in wanted if self._index.find(digest) is None]
        packs = [pack for pack, count in packed.items() if count >= WHOLE_PACK_FROM]
        list(self._pool.map(self._fetch_pack, self._fitting(packs)))
        list(self._pool.map(self._fetch_alone, sorted(alone)))

    def _fitting(self, packs: list[str]) -> Iterator[str]:
        """Yield packs that are not here, until half of the cache is theirs: more would push each other out."""
        room = self._cache.limit // 2
        for pack in sorted(packs):
            room -= self._index.size_of(pack)
            if room < 0:
                return
            if not self._cache.has("packs", pack):
                yield pack

    def _fetch_pack(self, pack: str) -> None:
        with self._budget.holding(self._index.size_of(pack)):
            found = self._bucket.get(pack_name(pack))
            if found is not None:
                self._cache.keep("packs", pack, found.body)

    def _fetch_alone(self, digest: str) -> None:
        """Fetch what comes in one part; what is larger is read in parallel parts later, straight to its place."""
        with self._budget.holding(RECEIVED_SIZE):
            found = self._bucket.get_range(blob_name(digest), 0, RECEIVED_SIZE)
            if found is not None and found.size == len(found.body) <= self._cache.limit // CACHED_SHARE:
                self._cache.keep("blobs", digest, found.body)
