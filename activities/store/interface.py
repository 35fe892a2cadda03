"""What Perdure asks of a store; one conformance suite holds each back end to it.

Blobs are addressed by the sha256 of their content (64 lower-case hex digits), are immutable, and are
hashed again on every read. Records are created once and never change. Documents may be overwritten.
Keys are slash-separated names of `[A-Za-z0-9._@#%=+~-]`; whoever makes a key percent-encodes the rest.
Calls block; async code uses `asyncio.to_thread`.

Errors: `StoreError` (definitions-level message, what and where and way out). A missing thing is None or
`KeyError`, as said; corrupt content is treated as missing by `read_blob` (`BlobMissing`). What may pass by itself
is `StoreAway`: a worker waits for it (`activities.store.patience`). What this process may not do is `StoreForbidden`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from definitions.errors import ErrorClass, StepFailure

RENEWED_AFTER = timedelta(hours=12)
"""A blob that is kept again at this age is made young: a sweep that is going on must not take it."""


class StoreError(StepFailure):
    """The store did not answer, is full, or is read-only."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorClass.STORE, message)


class StoreAway(StoreError):
    """The store does not answer, is overloaded, or broke off: the same call may do later."""


class StoreForbidden(StoreError):
    """The store is there and refuses this: no permission, or read-only. Waiting does not help."""


class BlobMissing(StoreError):
    """A blob is not there, or its content does not hash to its name."""


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """A record or a document, as a listing names it."""

    key: str
    size: int
    modified: datetime
    """When it was written last (UTC, by the clock of whoever keeps the store)."""


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A blob, as a listing names it."""

    digest: str
    size: int
    """What it takes in the store; compressed, that is less than its content."""
    modified: datetime
    """When it (or the pack that holds it) was written last (UTC)."""
    pack: str | None = None
    """The pack that holds it; None where it stands alone."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What `sweep` removed, or would remove."""

    blobs: int = 0
    bytes: int = 0
    """Of their contents; what is freed may be less, where they were compressed."""
    packs: int = 0
    """Packs that went, or were written anew without what nothing refers to."""

    def with_blob(self, blob: StoredBlob) -> "Swept":
        """Return the figures with one blob more."""
        return Swept(self.blobs + 1, self.bytes + blob.size, self.packs)

    def with_pack(self, sizes: Sequence[int]) -> "Swept":
        """Return the figures with one pack more, of which blobs of these stored sizes go."""
        return Swept(self.blobs + len(sizes), self.bytes + sum(sizes), self.packs + 1)


@dataclass(frozen=True, slots=True)
class Arrival:
    """Blobs that are at hand for as long as this object is there: let go of it when they are read."""

    digests: frozenset[str]
    held: object = None
    """What the store keeps in memory for it."""


class Store(Protocol):
    """Content-addressed blobs, write-once records, documents."""

    @property
    def location(self) -> str:
        """Where it is, for messages: a folder's path or `s3://bucket/prefix`."""
        ...

    def write_blob(self, content: bytes) -> str:
        """Keep `content` and return its digest; keeping it again is free."""
        ...

    def write_blob_from(self, path: Path) -> tuple[str, int]:
        """Keep a file's content as it is read now; return digest and size.

        A symlink, or anything else that is not a regular file, is refused with an OSError, as a missing file is.
        """
        ...

    def write_blobs_from(self, paths: Sequence[Path | str]) -> list[tuple[str, int]]:
        """Keep the contents of many files, as `write_blob_from` does, with one flush for all."""
        ...

    def read_blob(self, digest: str) -> bytes:
        """Return a blob's content. Raises `BlobMissing`."""
        ...

    def copy_blob_to(
        self, digest: str, path: Path, *, executable: bool = False, folder_descriptor: int | None = None
    ) -> None:
        """Write a blob's content to a new file at `path` (parents exist; relative to the open folder, if given).

        Raises `BlobMissing`, or OSError where the file cannot be made (one is there, the disk is full); nothing
        of it is left then.
        """
        ...

    def has_blob(self, digest: str) -> bool:
        """Whether the blob is there (its content unchecked)."""
        ...

    def missing_blobs(self, digests: Iterable[str]) -> set[str]:
        """Return which of these are not there, asked together."""
        ...

    def is_young(self, digest: str) -> bool:
        """Whether the blob is there and was written or renewed within `RENEWED_AFTER`, so that no sweep takes it."""
        ...

    def renew(self, digests: Iterable[str]) -> set[str]:
        """Make these blobs young where they are not, so that no sweep takes them; return which are not there.

        Whoever comes to refer to blobs that it did not write itself asks this first.
        """
        ...

    def check_blob(self, digest: str) -> None:
        """Read a blob and hash it. Raises `BlobMissing` where it is gone, or damaged (then it is put aside)."""
        ...

    def sweep(self, is_live: Callable[[str], bool], before: datetime, *, dry_run: bool) -> Swept:
        """Remove the blobs that are not live and were neither written nor renewed since `before`.

        `before` lies at least a day back: `RENEWED_AFTER` and the time that marking took fit in twice.
        """
        ...

    def fetch(self, digests: Iterable[str]) -> None:
        """Have these blobs at hand for the reads that follow; what is not there is not told here."""
        ...

    def arriving(self, digests: Iterable[str]) -> Iterator[Arrival]:
        """Yield these blobs in groups, each once, as they come to hand; others come while a group is read.

        For who reads many, in whatever order is quick. What is not there is in some group too: reading it tells.
        """
        ...

    def list_blobs(self) -> Iterator[StoredBlob]:
        """Yield all blobs, in no order; one that is in two packs comes twice."""
        ...

    def link_to(self, digest: str, seconds: int, file_name: str, media_type: str) -> str | None:
        """Return an address that downloads the blob for a while, for people; None where the store has none.

        Raises `BlobMissing`.
        """
        ...

    def create_record(self, key: str, content: bytes) -> bool:
        """Create a record; False where one is there already (it is left as it is)."""
        ...

    def read_record(self, key: str) -> bytes | None:
        """Return a record, or None."""
        ...

    def delete_record(self, key: str) -> None:
        """Delete a record if it is there."""
        ...

    def write_document(self, key: str, content: bytes) -> None:
        """Write or overwrite a document, atomically."""
        ...

    def swap_document(self, key: str, before: bytes | None, after: bytes) -> bool:
        """Write a document, atomically, if it is `before` now (None: if it is absent); False where it is not."""
        ...

    def read_document(self, key: str) -> bytes | None:
        """Return a document, or None."""
        ...

    def list_keys(self, prefix: str) -> Iterator[str]:
        """Yield keys of records and documents that begin with `prefix`, sorted."""
        ...

    def list_entries(self, prefix: str) -> Iterator[StoredEntry]:
        """Yield records and documents whose keys begin with `prefix`, sorted by key."""
        ...
