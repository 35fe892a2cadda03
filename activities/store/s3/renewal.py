"""Blobs made young again, so that a sweep that is going on does not take them.

A sweep says what it is about to remove (an object below `dying/`, see `sweeping`), looks at its age once more, and
removes it. Whoever renews looks there afterwards: what is named was perhaps looked at before we renewed it, so we
wait until the sweep is through with it. Then we see whether it is there still, named or not: a sweep may have been
through with it before we looked.
"""

import json
import time
from collections.abc import Collection, Iterable
from concurrent.futures import Executor
from datetime import timedelta

from activities.store.interface import RENEWED_AFTER, StoreAway
from activities.store.s3.bucket import Bucket
from activities.store.s3.pack_index import PackIndex
from activities.store.s3.presence import Presence, blob_name

DYING = "dying/"
DYING_AT_MOST = timedelta(minutes=5)
"""A sweep gives up a group that takes longer; older words are of one that was killed."""
_POLL = 0.2


class Renewal:
    """Any thread may ask, but none of the pool's may ask for more than one."""

    def __init__(self, bucket: Bucket, presence: Presence, index: PackIndex, pool: Executor) -> None:
        self._bucket = bucket
        self._presence = presence
        self._index = index
        self._pool = pool

    def is_young(self, digest: str) -> bool:
        """Whether it is there and was written or renewed lately."""
        if self._presence.is_kept(digest):
            return True
        self._index.refresh()
        if self._index.is_young(digest):
            return True
        found = self._bucket.look_at(blob_name(digest))
        return found is not None and found.modified > self._bucket.now() - RENEWED_AFTER

    def renew(self, digests: Iterable[str]) -> set[str]:
        """Make these young; return which are not there."""
        wanted = {digest for digest in digests if not self._presence.is_kept(digest)}
        missing = self._presence.missing(wanted)
        packs = {location.pack for digest in wanted - missing if (location := self._index.find(digest))}
        old = {pack for pack in packs if not self._index.is_young_pack(pack)}
        renewed = {pack for pack in sorted(old) if self._index.renew(pack)}
        self.wait_for_sweeps(renewed)
        for pack in renewed:
            if not self._index.is_whole(pack):
                self._index.drop(pack)
        alone = {digest for digest in wanted - missing if self._index.find(digest) is None}
        return missing | self.renew_alone(alone)

    def renew_pack(self, pack: str) -> bool:
        """Make a pack young; False where it is not whole, and no sweep is about to remove what is left of it."""
        is_renewed = self._index.renew(pack)
        self.wait_for_sweeps({pack})
        return is_renewed and self._index.is_whole(pack)

    def renew_alone(self, digests: Collection[str]) -> set[str]:
        """Make blobs that stand alone young; return which are not there."""
        if not digests:
            return set()
        oldest = self._bucket.now() - RENEWED_AFTER
        missing: set[str] = set()
        renewed: set[str] = set()
        for digest in sorted(digests):
            found = self._bucket.look_at(blob_name(digest))
            if found is not None and found.modified <= oldest:
                renewed.add(digest)
            if found is None or (digest in renewed and not self._bucket.renew(blob_name(digest))):
                missing.add(digest)
        self.wait_for_sweeps(renewed)
        missing |= {digest for digest in renewed - missing if self._bucket.look_at(blob_name(digest)) is None}
        for digest in digests:
            if digest not in missing:
                self._presence.note_young(digest)
        return missing

    def wait_for_sweeps(self, names: set[str]) -> None:
        """Return when no sweep is about to remove any of these."""
        deadline = time.monotonic() + DYING_AT_MOST.total_seconds()
        while names and names & self._dying():
            if time.monotonic() > deadline:
                raise StoreAway(f"a sweep of `{self._bucket.location}` does not end; wait for `perdure store gc`")
            time.sleep(_POLL)

    def _dying(self) -> set[str]:
        """Return what sweeps are about to remove."""
        oldest = self._bucket.now() - DYING_AT_MOST
        named: set[str] = set()
        for item in self._bucket.listing(DYING):
            found = self._bucket.get(item.name) if item.modified > oldest else None
            if found is not None:
                named |= set(json.loads(found.body))
        return named
