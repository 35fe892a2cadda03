"""The store that is a folder: the embedded default, and any folder that several workers share.

    format                 `perdure-store 1`
    cas/aa/<digest>        blobs that stand alone: raw bytes, named by their sha256
    packs/<pack>, index/<pack>   small files that were kept together, and where in the pack each one is
    keys/<key>             records and documents, readable under their own names
    tmp/                   what is being written
    locks/aa               held while a document is written, so that `swap_document` compares what stays
    quarantine/<digest>    blobs whose content no longer hashed to their name

Any number of processes may use it at once: whatever appears under a name is whole, blobs and records are on
the disk before we say so, and a record's first writer wins by `link`. Documents (status, logs) are not
flushed: after a power loss they may be missing, and can be made again from the run's history.
"""

import contextlib
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from activities.store.cloning import clone
from activities.store.directory_keys import DirectoryKeys
from activities.store.directory_listing import blobs_below
from activities.store.directory_packs import DirectoryPacks
from activities.store.directory_place import DirectoryPlace, place_file, renewed_since
from activities.store.directory_sweeping import PackSweeper, sweep_alone
from activities.store.durable_files import flush, flush_folders, open_new_file, remove_quietly, write_new_file
from activities.store.failures import store_error
from activities.store.interface import Arrival, BlobMissing, StoredBlob, StoredEntry, Swept
from activities.store.keys import checked_digest
from activities.store.packs.damaged import Damaged
from activities.store.staging import MANY, WHOLE_READ_LIMIT, Staging, hash_of, open_regular, read_all

LISTING_AGE = 30.0
"""Seconds for which a writer believes that it knows all packs: who does not writes a file twice, which does no harm."""
_ABSENT = (FileNotFoundError, NotADirectoryError)


class DirectoryStore:
    """A store in a folder that exists and can be written (see `activities.store.opening`)."""

    def __init__(self, root: Path) -> None:
        self._place = DirectoryPlace(root)
        self._blobs = str(self._place.blobs)
        self._packs = DirectoryPacks(self._place)
        self._keyed = DirectoryKeys(self._place)

    @property
    def location(self) -> str:
        """The folder's path."""
        return str(self._place.root)

    # --- blobs --------------------------------------------------------------------------------------

    def write_blob(self, content: bytes) -> str:
        """Keep `content` and return its digest; keeping it again is one `stat`."""
        digest = hashlib.sha256(content).hexdigest()
        if not self._is_kept(digest, len(content)):
            with self._place.writing():
                self._place_blobs([(digest, self._place.stage(content))])
        return digest

    def write_blob_from(self, path: Path) -> tuple[str, int]:
        """Keep a regular file's content as it is read now; return digest and size."""
        return self.write_blobs_from([path])[0]

    def write_blobs_from(self, paths: Sequence[Path | str]) -> list[tuple[str, int]]:
        """Keep the contents of many regular files: small ones in packs, all with one flush."""
        if len(paths) >= MANY:
            with self._place.reading():
                self._packs.refresh(LISTING_AGE)
        staging = Staging(self._place.temporary_name, self._is_kept, self._place.writing)
        try:
            kept = staging.take(paths)
            with self._place.writing():
                self._place_blobs(list(staging.staged.items()))
                self._packs.place(staging.packs)
        except BaseException:
            staging.give_up()
            raise
        return kept

    def read_blob(self, digest: str) -> bytes:
        """Return a blob's content. Raises `BlobMissing`."""
        source = self._source(digest)
        if isinstance(source, bytes):
            return source
        try:
            with self._place.reading():
                return self._checked(digest, read_all(source))
        finally:
            os.close(source)

    def copy_blob_to(
        self, digest: str, path: Path, *, executable: bool = False, folder_descriptor: int | None = None
    ) -> None:
        """Write a blob's content, hashed on the way, to a new file. Raises `BlobMissing`, OSError."""
        mode = 0o777 if executable else 0o666
        source = self._source(digest)
        if isinstance(source, bytes):
            write_new_file(path, source, mode=mode, dir_fd=folder_descriptor)
            return
        try:
            if os.fstat(source).st_size <= WHOLE_READ_LIMIT:
                with self._place.reading():
                    content = self._checked(digest, read_all(source))
                write_new_file(path, content, mode=mode, dir_fd=folder_descriptor)
                return
            target = open_new_file(path, mode=mode, dir_fd=folder_descriptor)
            try:
                self._copy(digest, source, target)
            except BaseException:
                remove_quietly(path, dir_fd=folder_descriptor)
                raise
            finally:
                os.close(target)
        finally:
            os.close(source)

    def has_blob(self, digest: str) -> bool:
        """Whether the blob is there (its content unchecked)."""
        return not self.missing_blobs([digest])

    def missing_blobs(self, digests: Iterable[str]) -> set[str]:
        """Return which of these are not there."""
        wanted = {checked_digest(digest) for digest in digests}
        with self._place.reading():
            if self._packs.is_loaded:
                self._packs.refresh()
            missing = {digest for digest in wanted if not self._packs.knows(digest) and not self._stands_alone(digest)}
            if missing and not self._packs.is_loaded:
                self._packs.refresh()
                missing = {digest for digest in missing if not self._packs.knows(digest)}
        if missing:
            self._place.check_there()
        return missing

    def is_young(self, digest: str) -> bool:
        """Whether the blob is there and was written or renewed lately."""
        with self._place.reading():
            try:
                name = self._blob_name(digest)
                return self._packs.is_young(digest) or os.stat(name).st_mtime > renewed_since()
            except _ABSENT:
                return False

    def renew(self, digests: Iterable[str]) -> set[str]:
        """Make these blobs young where they are not; return which are not there."""
        old = self._packs.not_young(map(checked_digest, digests))
        missing = {digest for digest in old if not self._is_renewed(digest)}
        if not missing:
            return missing
        with self._place.writing():
            self._packs.refresh()
            return {digest for digest in missing if not self._packs.renew(digest)}

    def check_blob(self, digest: str) -> None:
        """Read a blob and hash it. Raises `BlobMissing`."""
        source = self._source(digest)
        if isinstance(source, bytes):
            return
        try:
            with self._place.reading():
                found, _ = hash_of(source)
        finally:
            os.close(source)
        if found != digest:
            raise self._corrupt(digest)

    def sweep(self, is_live: Callable[[str], bool], before: datetime, *, dry_run: bool) -> Swept:
        """Remove the blobs that are not live and were neither written nor renewed since `before`."""
        with self._place.writing():
            swept = sweep_alone(self._place, is_live, before, dry_run=dry_run)
            sweeper = PackSweeper(self._place, self._packs, self.read_blob)
            return sweeper.sweep(is_live, before, swept, dry_run=dry_run)

    def fetch(self, digests: Iterable[str]) -> None:
        """Do nothing: a folder is at hand."""

    def arriving(self, digests: Iterable[str]) -> Iterator[Arrival]:
        """Yield all at once: a folder is at hand."""
        yield Arrival(frozenset(digests))

    def list_blobs(self) -> Iterator[StoredBlob]:
        """Yield all blobs."""
        self._place.check_there()
        with self._place.reading():
            yield from blobs_below(self._place.blobs)
            yield from self._packs.listing()

    def link_to(self, digest: str, seconds: int, file_name: str, media_type: str) -> str | None:
        """Return None: a folder has no addresses."""
        checked_digest(digest)
        return None

    # --- records and documents ----------------------------------------------------------------------

    def create_record(self, key: str, content: bytes) -> bool:
        """Create a record; False where one is there already."""
        return self._keyed.create_record(key, content)

    def read_record(self, key: str) -> bytes | None:
        """Return a record, or None."""
        return self._keyed.read(key)

    def delete_record(self, key: str) -> None:
        """Delete a record or document if it is there."""
        self._keyed.delete(key)

    def write_document(self, key: str, content: bytes) -> None:
        """Write or overwrite a document, atomically, unflushed."""
        self._keyed.write_document(key, content)

    def swap_document(self, key: str, before: bytes | None, after: bytes) -> bool:
        """Write a document if it is `before` now."""
        return self._keyed.swap_document(key, before, after)

    def read_document(self, key: str) -> bytes | None:
        """Return a document, or None."""
        return self._keyed.read(key)

    def list_keys(self, prefix: str) -> Iterator[str]:
        """Yield keys that begin with `prefix`, sorted."""
        return self._keyed.listing(prefix)

    def list_entries(self, prefix: str) -> Iterator[StoredEntry]:
        """Yield records and documents whose keys begin with `prefix`, sorted by key."""
        return self._keyed.entries(prefix)

    # --- within -------------------------------------------------------------------------------------

    def _place_blobs(self, staged: list[tuple[str, str]]) -> None:
        """Flush contents, rename into place, flush names. A rename over an equal blob does no harm."""
        try:
            flush([temporary for _, temporary in staged])
            for digest, temporary in staged:
                place_file(temporary, self._blob_name(digest))
            flush_folders({f"{self._place.blobs}/{digest[:2]}" for digest, _ in staged})
        except BaseException:
            for _, temporary in staged:
                remove_quietly(temporary)
            raise

    def _is_kept(self, digest: str, size: int) -> bool:
        """Whether a blob of that name and size is there; one of another size is cut short and is put aside."""
        if self._packs.knows(digest) and self._is_renewed(digest):
            return True
        try:
            kept = os.stat(self._name_of(digest))
        except _ABSENT:
            return False
        except OSError as error:
            raise store_error(error, "read from", self.location) from error
        if kept.st_size == size:
            return kept.st_mtime > renewed_since() or self._is_renewed(digest)
        self._put_aside(digest)
        return False

    def _is_renewed(self, digest: str) -> bool:
        """Make a blob young; False where it is not there (any more), as far as is known here."""
        if self._packs.is_young(digest):
            return True
        with self._place.writing():
            if self._packs.renew(digest):
                return True
            try:
                if os.stat(self._blob_name(digest)).st_mtime <= renewed_since():
                    os.utime(self._blob_name(digest))
            except _ABSENT:
                return False
        return True

    def _stands_alone(self, digest: str) -> bool:
        try:
            return stat.S_ISREG(os.stat(self._blob_name(digest)).st_mode)
        except _ABSENT:
            return False

    def _read_packed(self, digest: str) -> bytes | None:
        """Return the content of a file that a pack has; one that is damaged there is put aside.

        Raises `BlobMissing` where what is damaged is nowhere else.
        """
        is_damaged = False
        while self._packs.knows(checked_digest(digest)):
            with self._place.reading(), contextlib.suppress(Damaged):
                content = self._packs.read(digest)
                if content is None or hashlib.sha256(content).hexdigest() == digest:
                    return content
            is_damaged = True
            self._packs.put_aside(digest)
        if is_damaged and not self._stands_alone(digest):
            raise self._damaged(digest)
        return None

    def _source(self, digest: str) -> int | bytes:
        """Return the content of a packed blob, or open one that stands alone. Raises `BlobMissing`."""
        packed = self._read_packed(digest)
        if packed is not None:
            return packed
        with self._place.reading():
            try:
                return open_regular(self._blob_name(digest))
            except _ABSENT:
                self._packs.refresh()
        packed = self._read_packed(digest)
        if packed is None:
            raise self._missing(digest)
        return packed

    def _checked(self, digest: str, content: bytes) -> bytes:
        if hashlib.sha256(content).hexdigest() != digest:
            raise self._corrupt(digest)
        return content

    def _copy(self, digest: str, source: int, target: int) -> None:
        """Share the blocks where the file system can, else write them; hashed all the same."""
        found, _ = hash_of(source, copy_to=None if clone(source, target) else target)
        if found != digest:
            raise self._corrupt(digest)

    def _missing(self, digest: str) -> BlobMissing:
        self._place.check_there()
        return BlobMissing(f"blob `{digest}` is not in the store `{self.location}`; run again what made it")

    def _corrupt(self, digest: str) -> BlobMissing:
        self._put_aside(digest)
        return self._damaged(digest)

    def _damaged(self, digest: str) -> BlobMissing:
        return BlobMissing(
            f"blob `{digest}` in the store `{self.location}` is damaged and was put aside in `quarantine/`; "
            "run again what made it, and look at that disk"
        )

    def _put_aside(self, digest: str) -> None:
        with contextlib.suppress(OSError):
            self._place.quarantine.mkdir(exist_ok=True)
            os.replace(self._blob_name(digest), self._place.quarantine / digest)

    def _blob_name(self, digest: str) -> str:
        checked_digest(digest)
        return self._name_of(digest)

    def _name_of(self, digest: str) -> str:
        """Return where a blob would be whose digest was made here."""
        return f"{self._blobs}/{digest[:2]}/{digest}"
