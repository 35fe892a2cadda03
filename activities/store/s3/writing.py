"""Blobs into the bucket: small files in packs, others alone, big ones in parts.

Everything is created only if it is absent, and appears whole: a pack is seen when its index is there, which is
written after it. A process that is killed in between leaves objects that nothing names, for a sweep to find.
"""

import errno
import hashlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any, Protocol, TypeVar

from activities.store.packs import frames
from activities.store.packs.pack import Pack, PackWriter
from activities.store.s3.bucket import Bucket
from activities.store.s3.local_cache import LocalCache
from activities.store.s3.pack_index import INDEX, PackIndex, pack_name
from activities.store.s3.presence import Presence, blob_name
from activities.store.s3.renewal import Renewal
from activities.store.s3.transfers import Budget, PartsSender, part_size_for, pieces_of, regrouped
from activities.store.staging import open_regular, read_all

PACKED_UP_TO = 256 << 10
"""Larger files stand alone: they cost no more requests than they are worth, and links need no copy of them."""
PACKED_FROM = 8
"""So many small files at least make a pack worth its two requests."""
WHOLE_UP_TO = 16 << 20
"""Larger files are sent in parts, and never wholly in memory."""
SENT_AT_ONCE = 32 << 20
"""What is sent is held twice: as it was read, and as it goes."""
INDEX_AGE = 30.0
CHANGES_BORNE = 3

Kept = tuple[str, int]
"""Digest and size."""
Result = TypeVar("Result")


class _Hash(Protocol):
    """What takes pieces in turn."""

    def update(self, piece: bytes, /) -> None: ...


class BlobWriter:
    """Any thread may write, but none of the pool's."""

    def __init__(
        self, bucket: Bucket, presence: Presence, index: PackIndex, renewal: Renewal, cache: LocalCache, pool: Executor
    ) -> None:
        self._index = index
        self._presence = presence
        self._sender = _Sender(bucket, presence, index, renewal, cache, pool)
        self._pool = pool
        self._budget = Budget(SENT_AT_ONCE)

    def write(self, content: bytes) -> str:
        """Keep `content` alone; return its digest."""
        digest = hashlib.sha256(content).hexdigest()
        if not self._presence.is_kept(digest):
            self._sender.put(digest, content)
        return digest

    def put_pack(self, pack: Pack) -> None:
        """Send a pack, then its index."""
        self._sender.put_pack(pack)

    def write_files(self, paths: Sequence[Path | str]) -> list[tuple[str, int]]:
        """Keep the contents of files; return digests and sizes. Raises OSError where one cannot be read."""
        if not paths:
            return []
        self._index.refresh(INDEX_AGE)
        batch = _Batch(self._sender, self._presence, self._pool, self._budget, is_packed=len(paths) >= PACKED_FROM)
        try:
            kept = [batch.add(path) for path in paths]
            batch.end()
            return [one.result() if isinstance(one, Future) else one for one in kept]
        except BaseException:
            batch.abandon()
            raise


class _Batch:
    """The files of one call: read and hashed in turn, sent while the next ones are read."""

    def __init__(
        self, sender: "_Sender", presence: Presence, pool: Executor, budget: Budget, *, is_packed: bool
    ) -> None:
        self._sender = sender
        self._presence = presence
        self._pool = pool
        self._budget = budget
        self._is_packed = is_packed
        self._pack = PackWriter()
        self._begun: set[str] = set()
        self._flying: set[Future[Any]] = set()

    def add(self, path: Path | str) -> "Kept | Future[Kept]":
        """Take a file in; one that is neither small nor big is read by the thread that sends it."""
        self._check()
        size = os.lstat(path).st_size
        if PACKED_UP_TO < size <= WHOLE_UP_TO:
            return self._submit(size, lambda: self._take_whole(path))
        descriptor = open_regular(path)
        try:
            if os.fstat(descriptor).st_size > WHOLE_UP_TO:
                return self._sender.put_file(descriptor)
            content = read_all(descriptor)
        finally:
            os.close(descriptor)
        digest = hashlib.sha256(content).hexdigest()
        if digest not in self._begun and not self._presence.is_kept(digest):
            self._begun.add(digest)
            self._keep(digest, content)
        return digest, len(content)

    def end(self) -> None:
        """Return when all is there. Raises what the first failure was."""
        self._close_pack()
        for future in self._flying:
            future.result()

    def abandon(self) -> None:
        """Send no more; what is on its way is waited for, so that nothing writes behind our back."""
        for future in self._flying:
            future.cancel()
        for future in self._flying:
            if not future.cancelled():
                future.exception()

    def _keep(self, digest: str, content: bytes) -> None:
        if not self._is_packed or len(content) > PACKED_UP_TO or self._presence.is_damaged(digest):
            self._submit(len(content), lambda: self._sender.put(digest, content))
            return
        self._pack.add(digest, content)
        if self._pack.is_full:
            self._close_pack()

    def _take_whole(self, path: Path | str) -> Kept:
        descriptor = open_regular(path)
        try:
            content = read_all(descriptor)
        finally:
            os.close(descriptor)
        if len(content) > WHOLE_UP_TO:  # and parts are sent by the pool, in which this is
            raise OSError(errno.EBUSY, "the file grows while it is read", str(path))
        digest = hashlib.sha256(content).hexdigest()
        if not self._presence.is_kept(digest):
            self._sender.put(digest, content)
        return digest, len(content)

    def _close_pack(self) -> None:
        if self._pack.is_empty:
            return
        pack, self._pack = self._pack.finish(), PackWriter()
        self._submit(len(pack.body), lambda: self._sender.put_pack(pack))

    def _submit(self, size: int, work: Callable[[], Result]) -> Future[Result]:
        taken = self._budget.take(size)
        future = self._pool.submit(work)
        future.add_done_callback(lambda _: self._budget.give_back(taken))
        self._flying.add(future)
        return future

    def _check(self) -> None:
        """Raise what went wrong, before more is read."""
        done = {future for future in self._flying if future.done()}
        self._flying -= done
        for future in done:
            future.result()


class _Sender:
    """Sends one blob, or one pack."""

    def __init__(
        self, bucket: Bucket, presence: Presence, index: PackIndex, renewal: Renewal, cache: LocalCache, pool: Executor
    ) -> None:
        self._bucket = bucket
        self._presence = presence
        self._index = index
        self._renewal = renewal
        self._cache = cache
        self._pool = pool

    def put(self, digest: str, content: bytes) -> None:
        if len(content) > WHOLE_UP_TO:
            self._send(digest, len(content), iter([content]))
            return
        stored = frames.encoded(content)
        checksum = bytes.fromhex(digest) if stored is content else hashlib.sha256(stored).digest()
        name, is_damaged = blob_name(digest), self._presence.is_damaged(digest)
        # what is damaged is written over; else whoever was first has written the same, perhaps long ago
        while not self._bucket.put(name, stored, checksum, if_absent=not is_damaged):
            if self._renewal.renew_alone([digest]) == set():
                break
        while is_damaged and self._is_swept(digest):  # what was damaged was perhaps about to go
            self._bucket.put(name, stored, checksum)
        self._presence.note_young(digest)
        self._cache.keep("blobs", digest, stored)

    def _is_swept(self, digest: str) -> bool:
        self._renewal.wait_for_sweeps({digest})
        return self._bucket.look_at(blob_name(digest)) is None

    def put_file(self, descriptor: int) -> tuple[str, int]:
        """Keep a big file: hashed first, for its digest is its name, and again while it is sent."""
        for _ in range(CHANGES_BORNE):
            os.lseek(descriptor, 0, os.SEEK_SET)
            digest, size = _digest_of(descriptor)
            if not self._presence.is_damaged(digest) and not self._renewal.renew([digest]):
                return digest, size
            os.lseek(descriptor, 0, os.SEEK_SET)
            if self._send(digest, size, pieces_of(descriptor)):
                return digest, size
        raise OSError(errno.EBUSY, "the file changes while it is read")

    def _send(self, digest: str, size: int, pieces: Iterator[bytes]) -> bool:
        """Send content in parts; False, and nothing is there, if it is not what `digest` names."""
        found = hashlib.sha256()
        first = next(pieces, b"")
        content = _hashed(itertools.chain([first], pieces), found)
        middle = first[len(first) // 2 :]
        is_encoded = frames.is_encoded(first) or frames.is_worth_encoding(
            first[: frames.SAMPLE], middle[: frames.SAMPLE]
        )
        sender = PartsSender(self._bucket, self._pool, blob_name(digest))
        try:
            stored = frames.encoded_parts(content) if is_encoded else content
            for part in regrouped(stored, part_size_for(size)):
                sender.send(part)
            if found.hexdigest() != digest:
                sender.abort()
                return False
            sender.end()
        except BaseException:
            sender.abort()
            raise
        self._presence.note_young(digest)
        return True

    def put_pack(self, pack: Pack) -> None:
        """Keep a pack. One of the same files may be there, perhaps for long: a sweep may be about to remove it."""
        name, checksum = pack_name(pack.name), bytes.fromhex(pack.name)
        while True:
            is_new = self._bucket.put(name, pack.body, checksum, if_absent=True)
            if not is_new:
                if self._renewal.renew_pack(pack.name):
                    break
                self._bucket.put(name, pack.body, checksum)  # over what a killed writer left
            self._bucket.put(INDEX + pack.name, pack.rows, hashlib.sha256(pack.rows).digest())
            self._renewal.wait_for_sweeps(set() if is_new else {pack.name})
            if is_new or self._index.is_whole(pack.name):
                break
        self._cache.keep("packs", pack.name, pack.body)
        self._cache.keep("index", pack.name, pack.rows)
        self._index.add(pack)


def _digest_of(descriptor: int) -> tuple[str, int]:
    found, size = hashlib.sha256(), 0
    for piece in pieces_of(descriptor):
        found.update(piece)
        size += len(piece)
    return found.hexdigest(), size


def _hashed(pieces: Iterable[bytes], found: _Hash) -> Iterator[bytes]:
    for piece in pieces:
        found.update(piece)
        yield piece
