"""A store that is waited for: what a worker puts around its own.

A step that has run for an hour must not be lost because the store does not answer for a minute. So what may pass by
itself (`StoreAway`) is tried again, with pauses, until `patience` is used up; all else is told at once. While it
waits, `Vigil.trouble` says so: attempts put that into their heartbeats, which the Web UI and `perdure watch` show.

A call may have been done although its answer was lost. Asking again is harmless for all of them but two, which a
first writer wins: there, finding exactly what we wanted to write means that it was us, or as good as us.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from activities.store.interface import Arrival, Store, StoreAway, StoredBlob, StoredEntry, Swept

PATIENCE = timedelta(hours=1)
FIRST_PAUSE = timedelta(milliseconds=250)
LONGEST_PAUSE = timedelta(seconds=5)

_log = logging.getLogger("perdure.store")
Result = TypeVar("Result")


@dataclass(slots=True)
class Waiter:
    """An attempt, for whom calls wait in threads of their own."""

    has_given_up: bool = False


_WAITER: ContextVar[Waiter | None] = ContextVar("waiter", default=None)
"""For whom a call is made; `asyncio.to_thread` carries it along."""


class Vigil:
    """The waiting of one worker for its store. Any thread may ask and wait."""

    def __init__(self, patience: timedelta = PATIENCE) -> None:
        self._patience = patience.total_seconds()
        self._changed = threading.Condition()
        self._has_ended = False
        self._waiting = 0
        self._since: datetime | None = None
        self._reason = ""

    @property
    def trouble(self) -> str | None:
        """What is waited for, and since when; None while all is well."""
        with self._changed:
            if self._since is None:
                return None
            return f"waiting since {self._since:%H:%M:%S} UTC: {self._reason}"

    @contextmanager
    def waiter(self) -> Generator[Waiter]:
        """Make the calls of this block, and of threads started in it, those of one waiter, who can give up."""
        waiter = Waiter()
        before = _WAITER.set(waiter)
        try:
            yield waiter
        finally:
            _WAITER.reset(before)

    def give_up(self, waiter: Waiter) -> None:
        """Wait no more for this one, who was cancelled: what waits gets its `StoreAway`, and lets go of folders."""
        with self._changed:
            waiter.has_given_up = True
            self._changed.notify_all()

    def end(self) -> None:
        """Wait no more for anyone: the worker ends."""
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()

    def call(self, work: Callable[[], Result]) -> Result:
        """Return what `work` returns, as soon as the store lets it. Blocks.

        Raises:
            StoreAway: patience is used up, or whoever waited has given up.
        """
        try:
            return work()
        except StoreAway as error:
            first = error
        with self._watching(first):
            return self._again(work, first)

    def _again(self, work: Callable[[], Result], last: StoreAway) -> Result:
        deadline = time.monotonic() + self._patience
        pause = FIRST_PAUSE.total_seconds()
        # jitter, so that the steps of many workers do not all come back in the same moment
        while time.monotonic() < deadline and self._rested(pause * random.uniform(0.5, 1.0)):  # noqa: S311
            try:
                return work()
            except StoreAway as error:
                last = error
                pause = min(pause * 2, LONGEST_PAUSE.total_seconds())
        raise last

    def _rested(self, seconds: float) -> bool:
        """Wait a while; False where there is no more waiting."""
        waiter = _WAITER.get()
        with self._changed:
            return not self._changed.wait_for(
                lambda: self._has_ended or (waiter is not None and waiter.has_given_up), seconds
            )

    @contextmanager
    def _watching(self, error: StoreAway) -> Generator[None]:
        """Count who waits: the first and the last of them say so in the worker's log."""
        with self._changed:
            self._waiting += 1
            if self._since is None:
                self._since, self._reason = datetime.now(UTC), error.message
                _log.warning("steps wait: %s", error.message)
        try:
            yield
        finally:
            with self._changed:
                self._waiting -= 1
                if self._waiting == 0:
                    _log.warning("the waiting for the store, since %s UTC, has ended", f"{self._since:%H:%M:%S}")
                    self._since = None


class PatientStore:
    """A store whose every call waits until it is answered."""

    def __init__(self, store: Store, vigil: Vigil) -> None:
        self._store = store
        self.vigil = vigil

    @property
    def location(self) -> str:
        """The store's."""
        return self._store.location

    def write_blob(self, content: bytes) -> str:
        """Keep `content` and return its digest."""
        return self.vigil.call(lambda: self._store.write_blob(content))

    def write_blob_from(self, path: Path) -> tuple[str, int]:
        """Keep a file's content as it is read at last."""
        return self.vigil.call(lambda: self._store.write_blob_from(path))

    def write_blobs_from(self, paths: Sequence[Path | str]) -> list[tuple[str, int]]:
        """Keep the contents of many files; what got there before a break is not sent again."""
        return self.vigil.call(lambda: self._store.write_blobs_from(paths))

    def read_blob(self, digest: str) -> bytes:
        """Return a blob's content. Raises `BlobMissing`."""
        return self.vigil.call(lambda: self._store.read_blob(digest))

    def copy_blob_to(
        self, digest: str, path: Path, *, executable: bool = False, folder_descriptor: int | None = None
    ) -> None:
        """Write a blob's content to a new file. Raises `BlobMissing`, OSError."""
        self.vigil.call(
            lambda: self._store.copy_blob_to(digest, path, executable=executable, folder_descriptor=folder_descriptor)
        )

    def has_blob(self, digest: str) -> bool:
        """Whether the blob is there."""
        return self.vigil.call(lambda: self._store.has_blob(digest))

    def missing_blobs(self, digests: Iterable[str]) -> set[str]:
        """Return which of these are not there."""
        wanted = list(digests)
        return self.vigil.call(lambda: self._store.missing_blobs(wanted))

    def is_young(self, digest: str) -> bool:
        """Whether the blob is there and no sweep takes it."""
        return self.vigil.call(lambda: self._store.is_young(digest))

    def renew(self, digests: Iterable[str]) -> set[str]:
        """Make these blobs young; return which are not there."""
        wanted = list(digests)
        return self.vigil.call(lambda: self._store.renew(wanted))

    def check_blob(self, digest: str) -> None:
        """Read a blob and hash it. Raises `BlobMissing`."""
        self.vigil.call(lambda: self._store.check_blob(digest))

    def sweep(self, is_live: Callable[[str], bool], before: datetime, *, dry_run: bool) -> Swept:
        """Remove the blobs that nothing needs, without patience: what is left is swept the next time."""
        return self._store.sweep(is_live, before, dry_run=dry_run)

    def fetch(self, digests: Iterable[str]) -> None:
        """Have these blobs at hand."""
        wanted = list(digests)
        self.vigil.call(lambda: self._store.fetch(wanted))

    def arriving(self, digests: Iterable[str]) -> Iterator[Arrival]:
        """Yield these blobs in groups; after a break those that had not come."""
        left = frozenset(digests)
        found: Iterator[Arrival] | None = None

        def following() -> Arrival | None:
            nonlocal found
            try:
                found = found or self._store.arriving(left)
                return next(found, None)
            except StoreAway:
                found = None  # a generator that raised is at its end
                raise

        while (arrival := self.vigil.call(following)) is not None:
            left -= arrival.digests
            yield arrival

    def list_blobs(self) -> Iterator[StoredBlob]:
        """Yield all blobs, without patience: they come in no order, so nothing says where to go on."""
        return self._store.list_blobs()

    def link_to(self, digest: str, seconds: int, file_name: str, media_type: str) -> str | None:
        """Return an address for people, or None."""
        return self.vigil.call(lambda: self._store.link_to(digest, seconds, file_name, media_type))

    def create_record(self, key: str, content: bytes) -> bool:
        """Create a record; False where another one is there."""
        tries = 0

        def create() -> bool:
            nonlocal tries
            tries += 1
            return self._store.create_record(key, content) or (tries > 1 and self._store.read_record(key) == content)

        return self.vigil.call(create)

    def read_record(self, key: str) -> bytes | None:
        """Return a record, or None."""
        return self.vigil.call(lambda: self._store.read_record(key))

    def delete_record(self, key: str) -> None:
        """Delete a record if it is there."""
        self.vigil.call(lambda: self._store.delete_record(key))

    def write_document(self, key: str, content: bytes) -> None:
        """Write or overwrite a document."""
        self.vigil.call(lambda: self._store.write_document(key, content))

    def swap_document(self, key: str, before: bytes | None, after: bytes) -> bool:
        """Write a document if it is `before` now."""
        tries = 0

        def swap() -> bool:
            nonlocal tries
            tries += 1
            swapped = self._store.swap_document(key, before, after)
            return swapped or (tries > 1 and self._store.read_document(key) == after)

        return self.vigil.call(swap)

    def read_document(self, key: str) -> bytes | None:
        """Return a document, or None."""
        return self.vigil.call(lambda: self._store.read_document(key))

    def list_keys(self, prefix: str) -> Iterator[str]:
        """Yield keys that begin with `prefix`, sorted."""
        return self._listed(lambda: self._store.list_keys(prefix), lambda key: key)

    def list_entries(self, prefix: str) -> Iterator[StoredEntry]:
        """Yield records and documents whose keys begin with `prefix`, sorted by key."""
        return self._listed(lambda: self._store.list_entries(prefix), lambda entry: entry.key)

    def _listed(self, begin: Callable[[], Iterator[Result]], key_of: Callable[[Result], str]) -> Iterator[Result]:
        """Yield a sorted listing; one that broke off is begun again, and what was told already is passed over."""
        last = ""
        found: Iterator[Result] | None = None

        def following() -> Result | None:
            nonlocal found
            try:
                found = found or begin()
                return next((one for one in found if key_of(one) > last), None)
            except StoreAway:
                found = None  # a generator that raised is at its end
                raise

        while (one := self.vigil.call(following)) is not None:
            last = key_of(one)
            yield one
