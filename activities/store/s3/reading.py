"""Blobs out of the bucket: from wherever a digest may be, verified, and again from elsewhere where that fails.

The order: the pack that holds it, the blob alone (each in memory, on this machine's disk, on S3), and then what
others packed since we listed last. What does not hash to its name is never handed on. From S3 it is read a second
time, for it may have been damaged on its way only; then it is reported and counts as missing.
"""

import hashlib
import logging
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from pathlib import Path
from typing import NamedTuple, TypeVar

from activities.store.durable_files import open_new_file, remove_quietly, write_all, write_new_file
from activities.store.interface import BlobMissing
from activities.store.keys import checked_digest
from activities.store.packs.frames import Damaged, checked, decoded_parts
from activities.store.packs.index import Location
from activities.store.packs.pack import content_of
from activities.store.s3.at_hand import AtHand
from activities.store.s3.bucket import Bucket, StoredObject
from activities.store.s3.local_cache import LocalCache
from activities.store.s3.pack_index import PackIndex, pack_name
from activities.store.s3.presence import Presence, blob_name
from activities.store.s3.transfers import pieces_of, received

TRIES_ON_S3 = 2
CACHED_SHARE = 8
"""A blob larger than this part of the local cache's size is not kept there: it would push out all else."""
_log = logging.getLogger("perdure.store")
Result = TypeVar("Result")


class _Source(NamedTuple):
    """A place where a blob may be."""

    open: Callable[[], Iterator[bytes] | None]
    """Its content in pieces, unchecked; None where it is not there."""
    forget: Callable[[], None]
    """What is done where it is damaged."""
    tries: int = 1


class BlobReader:
    """Any thread may read."""

    def __init__(
        self,
        bucket: Bucket,
        presence: Presence,
        index: PackIndex,
        cache: LocalCache,
        pool: Executor,
        at_hand: AtHand,
    ) -> None:
        self._bucket = bucket
        self._presence = presence
        self._index = index
        self._cache = cache
        self._pool = pool
        self._at_hand = at_hand

    def read(self, digest: str) -> bytes:
        """Return a blob's content. Raises `BlobMissing`."""
        content = self._of_pack_at_hand(checked_digest(digest))
        return self.use(digest, b"".join) if content is None else content

    def copy_to(self, digest: str, path: Path, *, executable: bool, folder_descriptor: int | None) -> None:
        """Write a blob's content to a new file. Raises `BlobMissing`, OSError; nothing of it is left then."""
        content = self._of_pack_at_hand(checked_digest(digest))
        mode = 0o777 if executable else 0o666
        if content is not None:
            write_new_file(path, content, mode=mode, dir_fd=folder_descriptor)
            return
        descriptor = open_new_file(path, mode=mode, dir_fd=folder_descriptor)
        is_begun = False

        def write(pieces: Iterator[bytes]) -> None:
            nonlocal is_begun
            if is_begun:  # what was there was damaged
                os.lseek(descriptor, 0, os.SEEK_SET)
                os.ftruncate(descriptor, 0)
            is_begun = True
            for piece in pieces:
                write_all(descriptor, piece)

        try:
            self.use(digest, write)
        except BaseException:
            remove_quietly(path, dir_fd=folder_descriptor)
            raise
        finally:
            os.close(descriptor)

    def use(self, digest: str, use: Callable[[Iterator[bytes]], Result]) -> Result:
        """Return what `use` makes of the pieces of a blob: called again, from the beginning, where one was damaged.

        Raises `BlobMissing`.
        """
        is_damaged = False
        for source in self._sources(digest):
            for _ in range(source.tries):
                pieces = source.open()
                if pieces is None:
                    break
                try:
                    return use(_checked(pieces, digest))
                except Damaged:
                    is_damaged = True
                    source.forget()
        raise self._absent(digest, is_damaged=is_damaged)

    # --- within -------------------------------------------------------------------------------------

    def _of_pack_at_hand(self, digest: str) -> bytes | None:
        """Return the content of a small file from a pack in memory: ten thousand of them come this way."""
        location = self._index.find(digest)
        pack = None if location is None else self._at_hand.find(pack_name(location.pack))
        if location is None or pack is None:
            return None
        row = location.row
        try:
            return checked(content_of(pack.body[row.offset : row.offset + row.stored], row), digest)
        except Damaged:
            self._cache.forget("packs", location.pack)
            return None

    def _sources(self, digest: str) -> Iterator[_Source]:
        location = self._index.find(digest)
        if location is not None:
            yield from self._packed(location)
        yield _Source(lambda: self._alone_at_hand(digest), lambda: self._cache.forget("blobs", digest))
        yield _Source(lambda: self._cached(digest), lambda: self._cache.forget("blobs", digest))
        yield _Source(lambda: self._alone(digest), lambda: self._report(digest), TRIES_ON_S3)
        self._index.refresh()
        later = self._index.find(digest)
        if later is not None and later != location:
            yield from self._packed(later)

    def _packed(self, location: Location) -> Iterator[_Source]:
        pack, row = location

        def cached() -> Iterator[bytes] | None:
            frame = self._cache.read("packs", pack, row.offset, row.stored)
            return None if frame is None else _framed(frame, location)

        def on_s3() -> Iterator[bytes] | None:
            if row.stored == 0:  # an empty file; it may lie at the very end, where no range can be had
                return _framed(b"", location)
            found = self._bucket.get_range(pack_name(pack), row.offset, row.stored)
            if found is None:
                self._index.drop(pack)
                return None
            return _framed(found.body[: row.stored], location)

        yield _Source(cached, lambda: self._cache.forget("packs", pack))
        yield _Source(on_s3, lambda: self._report(row.digest), TRIES_ON_S3)

    def _cached(self, digest: str) -> Iterator[bytes] | None:
        descriptor = self._cache.open("blobs", digest)
        return None if descriptor is None else decoded_parts(_closing(descriptor))

    def _alone_at_hand(self, digest: str) -> Iterator[bytes] | None:
        first = self._at_hand.find(blob_name(digest))
        if first is None:
            return None
        if len(first.body) == first.size:  # then it is kept on the disk as well
            return decoded_parts(iter([first.body]))
        return self._alone(digest, first)

    def _alone(self, digest: str, first: StoredObject | None = None) -> Iterator[bytes] | None:
        name = blob_name(digest)
        found = received(self._bucket, self._pool, name, first)
        if found is None:
            return None
        pieces, size = found
        if size <= self._cache.limit // CACHED_SHARE:
            pieces = self._cache.keeping("blobs", digest, pieces)
        return decoded_parts(pieces)

    def _report(self, digest: str) -> None:
        self._cache.forget("blobs", digest)
        _log.warning("the blob `%s` in `%s` is damaged", digest, self._bucket.location)

    def _absent(self, digest: str, *, is_damaged: bool) -> BlobMissing:
        location = self._bucket.location
        if not is_damaged:
            return BlobMissing(f"blob `{digest}` is not in the store `{location}`; run again what made it")
        self._presence.note_damaged(digest)
        return BlobMissing(
            f"blob `{digest}` in the store `{location}` is damaged; run again what made it (that writes it anew), "
            "and look at what else is, with `perdure store verify`"
        )


def _checked(pieces: Iterator[bytes], digest: str) -> Iterator[bytes]:
    """Yield the same pieces. Raises `Damaged` at their end, where they are not what `digest` names."""
    found = hashlib.sha256()
    for piece in pieces:
        found.update(piece)
        yield piece
    if found.hexdigest() != digest:
        raise Damaged(f"the content is not `{digest}`")


def _framed(frame: bytes, location: Location) -> Iterator[bytes]:
    yield content_of(frame, location.row)


def _closing(descriptor: int) -> Iterator[bytes]:
    try:
        yield from pieces_of(descriptor)
    finally:
        os.close(descriptor)


def exhausted(pieces: Iterator[bytes]) -> None:
    """Read to the end and keep nothing: for `BlobReader.use`, which checks on the way."""
    for _ in pieces:
        pass
