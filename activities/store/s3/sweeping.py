"""Removing what nothing refers to from the bucket, while others write.

In groups: say what is about to go (`dying/…`, which those who renew look at), look at each age once more, remove.
A pack goes when nothing in it is live; one that is mostly dead is written anew without that, and goes. What writers
that were killed left behind goes too: packs without an index, uploads in parts, and copies made for links.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice

from activities.store.interface import BlobMissing, StoredBlob, Swept
from activities.store.packs.index import Row
from activities.store.packs.pack import Pack, PackWriter
from activities.store.packs.sweeping import is_mostly_dead
from activities.store.s3.bucket import Bucket
from activities.store.s3.pack_index import INDEX, PackIndex, pack_name
from activities.store.s3.presence import ALONE, blob_name
from activities.store.s3.reading import BlobReader
from activities.store.s3.renewal import DYING, DYING_AT_MOST

GROUP = 100


class Sweeper:
    """One sweep at a time in a process; two of two machines do no harm."""

    def __init__(self, bucket: Bucket, index: PackIndex, reader: BlobReader, put_pack: Callable[[Pack], None]) -> None:
        self._bucket = bucket
        self._index = index
        self._reader = reader
        self._put_pack = put_pack

    def sweep(self, is_live: Callable[[str], bool], before: datetime, *, dry_run: bool) -> Swept:
        """Remove the blobs that are not live and were neither written nor renewed since `before`."""
        swept = Swept()
        for blob in self._dead_alone(is_live, before, dry_run=dry_run):
            swept = swept.with_blob(blob)
        for pack in self._old_packs(before):
            rows = self._index.rows(pack)
            dead = [row for row in rows if not is_live(row.digest)]
            if is_mostly_dead(dead, rows) and (dry_run or self._remove_pack(pack, rows, dead, before)):
                swept = swept.with_pack([row.stored for row in dead])
        if not dry_run:
            self._remove_leftovers(before)
        return swept

    def _dead_alone(self, is_live: Callable[[str], bool], before: datetime, *, dry_run: bool) -> Iterator[StoredBlob]:
        dead = (
            StoredBlob(item.name.rpartition("/")[2], item.size, item.modified)
            for item in self._bucket.listing(ALONE)
            if item.modified < before and not is_live(item.name.rpartition("/")[2])
        )
        while group := list(islice(dead, GROUP)):
            gone = {blob.digest for blob in group}
            if not dry_run:
                gone = self._remove(gone, before, age_of=blob_name, parts_of=lambda digest: [blob_name(digest)])
            yield from (blob for blob in group if blob.digest in gone)

    def _old_packs(self, before: datetime) -> list[str]:
        return [item.name.removeprefix(INDEX) for item in self._bucket.listing(INDEX) if item.modified < before]

    def _remove_pack(self, pack: str, rows: list[Row], dead: list[Row], before: datetime) -> bool:
        """Remove a pack, what is live in it written anew; False where it is young now, or damaged."""
        kept = {row.digest for row in rows} - {row.digest for row in dead}
        if kept:
            try:
                self._put_pack(self._packed(kept))
            except BlobMissing:
                return False  # damaged: `verify` tells; what is sound in it must not go
        # the index first: without it nobody looks for the pack
        gone = self._remove({pack}, before, age_of=lambda name: INDEX + name, parts_of=_objects_of)
        if gone:
            self._index.drop(pack)
        return bool(gone)

    def _packed(self, digests: set[str]) -> Pack:
        writer = PackWriter()
        for digest in sorted(digests):
            writer.add(digest, self._reader.read(digest))
        return writer.finish()

    def _remove(
        self,
        names: set[str],
        before: datetime,
        *,
        age_of: Callable[[str], str],
        parts_of: Callable[[str], Iterable[str]],
    ) -> set[str]:
        """Remove those of a group that are old still; return which went."""
        begun = time.monotonic()
        word = json.dumps(sorted(names)).encode()
        marker = f"{DYING}{os.urandom(12).hex()}"
        self._bucket.put(marker, word, hashlib.sha256(word).digest())
        gone: set[str] = set()
        try:
            for name in sorted(names):
                found = self._bucket.look_at(age_of(name))
                # half of what others believe the word for: one request must fit into the other half
                is_in_time = time.monotonic() - begun < DYING_AT_MOST.total_seconds() / 2
                if found is None or found.modified >= before or not is_in_time:
                    continue
                for part in parts_of(name):
                    self._bucket.delete(part)
                gone.add(name)
        finally:
            self._bucket.delete(marker)
        return gone

    def _remove_leftovers(self, before: datetime) -> None:
        known = {item.name.removeprefix(INDEX) for item in self._bucket.listing(INDEX)}
        packs = [item for item in self._bucket.listing("packs/") if item.modified < before]
        left = {item.name.rpartition("/")[2] for item in packs} - known
        if left:
            self._remove(left, before, age_of=pack_name, parts_of=lambda pack: [pack_name(pack)])
        for folder in ("links/", DYING):
            for item in self._bucket.listing(folder):
                if item.modified < before:
                    self._bucket.delete(item.name)
        for name, upload, begun in self._bucket.open_uploads():
            if begun < before:
                self._bucket.abort_parts(name, upload)


def _objects_of(pack: str) -> list[str]:
    return [INDEX + pack, pack_name(pack)]
