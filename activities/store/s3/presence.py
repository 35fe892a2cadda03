"""Which blobs are there: what this process saw lately, the packs, and questions to S3, many at once.

What was found damaged counts as missing, so that whoever makes it again writes it again (over what is there).
"""

import itertools
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Executor

from activities.store.keys import checked_digest
from activities.store.s3.bucket import Bucket
from activities.store.s3.pack_index import PackIndex

BELIEVED = 600.0
"""Seconds for which what was seen is taken to be there still: far below the age at which anything is swept."""
REMEMBERED = 200_000
ASKED_ONE_BY_ONE = 32
"""Up to here each is asked for; beyond, listing is cheaper."""
PAGE = 1000
ALONE = "cas/"


def blob_name(digest: str) -> str:
    """Return the name of the object of a blob that stands alone."""
    return f"{ALONE}{digest[:2]}/{digest}"


class Presence:
    """Any thread may ask."""

    def __init__(self, bucket: Bucket, index: PackIndex, pool: Executor) -> None:
        self._bucket = bucket
        self._index = index
        self._pool = pool
        self._lock = threading.Lock()
        self._seen: dict[str, float] = {}
        self._written: dict[str, float] = {}
        self._damaged: set[str] = set()

    def note(self, digest: str) -> None:
        """Remember that a blob is there alone."""
        with self._lock:
            _remember(self._seen, digest)

    def note_young(self, digest: str) -> None:
        """Remember that a blob is there alone, sound, and just written or renewed."""
        with self._lock:
            _remember(self._seen, digest)
            _remember(self._written, digest)
            self._damaged.discard(digest)

    def note_damaged(self, digest: str) -> None:
        """Remember that what is there is damaged."""
        with self._lock:
            self._seen.pop(digest, None)
            self._written.pop(digest, None)
            self._damaged.add(digest)

    def is_damaged(self, digest: str) -> bool:
        """Whether what is there was found damaged."""
        return digest in self._damaged

    def is_known(self, digest: str) -> bool:
        """Whether it is there, as far as can be said without asking."""
        if digest in self._damaged:
            return False
        return _is_fresh(self._seen, digest) or self._index.find(digest) is not None

    def is_kept(self, digest: str) -> bool:
        """Whether it is there and young, as far as can be said without asking: then it need not be written."""
        return digest not in self._damaged and (_is_fresh(self._written, digest) or self._index.is_young(digest))

    def missing(self, digests: Iterable[str]) -> set[str]:
        """Return which of these are not there."""
        wanted = {checked_digest(digest) for digest in digests}
        unknown = {digest for digest in wanted if not self.is_known(digest)}
        if unknown - self._damaged:
            self._index.refresh()
            unknown = {digest for digest in unknown if not self.is_known(digest)}
        found = self._alone(unknown - self._damaged)
        for digest in found:
            self.note(digest)
        return unknown - found

    def _alone(self, digests: set[str]) -> set[str]:
        if len(digests) <= ASKED_ONE_BY_ONE:
            return self._asked(sorted(digests))
        names = [item.name for item in itertools.islice(self._bucket.listing(ALONE), PAGE)]
        found = {name.rpartition("/")[2] for name in names} & digests
        if len(names) < PAGE:
            return found
        groups = sorted({digest[:2] for digest in digests if blob_name(digest) > names[-1]})
        for listed in self._pool.map(self._group, groups):
            found |= listed & digests
        return found

    def _asked(self, digests: list[str]) -> set[str]:
        found = self._pool.map(self._bucket.look_at, map(blob_name, digests))
        return {digest for digest, one in zip(digests, found, strict=True) if one is not None}

    def _group(self, group: str) -> set[str]:
        return {item.name.rpartition("/")[2] for item in self._bucket.listing(f"{ALONE}{group}/")}


def _remember(times: dict[str, float], digest: str) -> None:
    if len(times) >= REMEMBERED:
        times.clear()
    times[digest] = time.monotonic()


def _is_fresh(times: dict[str, float], digest: str) -> bool:
    seen = times.get(digest)
    return seen is not None and seen > time.monotonic() - BELIEVED
