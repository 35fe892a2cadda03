"""Big objects in parallel parts, in bounded memory, and what bounds it.

Parts are sent and received several at once, but read and hashed in order, so one pass is enough: what is verified is
what was written.
"""

import contextlib
import hashlib
import os
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future
from typing import Any

from activities.store.interface import StoreError
from activities.store.s3.bucket import Bucket, StoredObject

PART_SIZE = 8 << 20
RECEIVED_SIZE = 4 << 20
"""Parts that come may be smaller than those that go (S3 wants those large): each takes twice its size meanwhile."""
PIECE_SIZE = 1 << 20
PARTS_AT_ONCE = 4
PARTS_LIMIT = 10_000
"""S3's."""
BYTES_AT_ONCE = 48 << 20


class Budget:
    """How many bytes may be in flight; who wants more waits for others to end."""

    def __init__(self, limit: int = BYTES_AT_ONCE) -> None:
        self._limit = limit
        self._used = 0
        self._changed = threading.Condition()

    def take(self, size: int) -> int:
        """Wait until `size` bytes fit; return what to give back. One that is too large alone waits for all others."""
        taken = min(size, self._limit)
        with self._changed:
            self._changed.wait_for(lambda: self._used + taken <= self._limit)
            self._used += taken
        return taken

    def take_at_once(self, size: int, *, even_if_full: bool) -> int | None:
        """Take without waiting; None where that does not fit, unless it is taken all the same."""
        with self._changed:
            if self._used + size > self._limit and not even_if_full:
                return None
            self._used += size
        return size

    def give_back(self, taken: int) -> None:
        """Let others have it."""
        with self._changed:
            self._used -= taken
            self._changed.notify_all()

    @contextlib.contextmanager
    def holding(self, size: int) -> Generator[None]:
        """Hold `size` bytes while the block lasts."""
        taken = self.take(size)
        try:
            yield
        finally:
            self.give_back(taken)


def part_size_for(size: int) -> int:
    """Return how large parts are, so that there are not too many of them."""
    return max(PART_SIZE, -(-size // (PARTS_LIMIT - 100)))


def regrouped(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Yield the same bytes in pieces of exactly `size`, but for the last."""
    group = bytearray()
    for piece in pieces:
        group += piece
        while len(group) >= size:
            yield bytes(group[:size])
            del group[:size]
    if group:
        yield bytes(group)


class PartsSender:
    """One object that is sent in parts; nothing of it is seen before `end`, or ever after `abort`."""

    def __init__(self, bucket: Bucket, pool: Executor, name: str) -> None:
        self._bucket = bucket
        self._pool = pool
        self._name = name
        self._upload = bucket.begin_parts(name)
        self._sent: list[Mapping[str, Any]] = []
        self._flying: deque[Future[Mapping[str, Any]]] = deque()

    def send(self, part: bytes) -> None:
        """Send one part; waits while too many are on their way."""
        if len(self._flying) >= PARTS_AT_ONCE:
            self._sent.append(self._flying.popleft().result())
        number = len(self._sent) + len(self._flying) + 1
        self._flying.append(self._pool.submit(self._put, number, part))

    def end(self) -> None:
        """Make it one object."""
        while self._flying:
            self._sent.append(self._flying.popleft().result())
        self._bucket.end_parts(self._name, self._upload, self._sent)

    def abort(self) -> None:
        """Leave nothing behind, as far as that is possible."""
        for future in self._flying:
            future.cancel()
        for future in self._flying:
            if not future.cancelled():
                future.exception()
        with contextlib.suppress(StoreError):
            self._bucket.abort_parts(self._name, self._upload)

    def _put(self, number: int, part: bytes) -> Mapping[str, Any]:
        return self._bucket.put_part(self._name, self._upload, number, part, hashlib.sha256(part).digest())


def received(
    bucket: Bucket, pool: Executor | None, name: str, first: StoredObject | None = None
) -> tuple[Iterator[bytes], int] | None:
    """Return an object's bytes in order, several parts on their way at once, and its size; None where it is not.

    `first` is its first part, where that is here. Without a pool parts come one after the other: that is for who is
    in the pool already.
    """
    first = first or bucket.get_range(name, 0, RECEIVED_SIZE)
    if first is None:
        return None
    return _following(bucket, pool, name, first), first.size


def pieces_of(descriptor: int) -> Iterator[bytes]:
    """Yield what is left of an open file."""
    while piece := os.read(descriptor, PIECE_SIZE):
        yield piece


def _following(bucket: Bucket, pool: Executor | None, name: str, first: StoredObject) -> Iterator[bytes]:
    starts = iter(range(len(first.body), first.size, RECEIVED_SIZE))
    flying: deque[Future[bytes]] = deque()
    if pool is None:
        yield first.body
        for start in starts:
            yield _part(bucket, name, start)
        return
    try:
        for start in starts:
            flying.append(pool.submit(_part, bucket, name, start))
            if len(flying) == PARTS_AT_ONCE:
                break
        yield first.body
        while flying:
            part = flying.popleft().result()
            if (start := next(starts, None)) is not None:
                flying.append(pool.submit(_part, bucket, name, start))
            yield part
    finally:
        for future in flying:
            future.cancel()


def _part(bucket: Bucket, name: str, start: int) -> bytes:
    found = bucket.get_range(name, start, RECEIVED_SIZE)
    # gone since the first part: what is short does not hash to its name, and that is told
    return b"" if found is None else found.body
