"""The store that is a folder: the embedded default, and any folder that several workers share.

    format                 `perdure-store 1`
    cas/aa/<digest>        blobs: raw bytes, named by their sha256
    keys/<key>             records and documents, readable under their own names
    tmp/                   what is being written
    locks/aa               held while a document is written, so that `swap_document` compares what stays
    quarantine/<digest>    blobs whose content no longer hashed to their name

Any number of processes may use it at once: whatever appears under a name is whole, blobs and records are on
the disk before we say so, and a record's first writer wins by `link`. Documents (status, logs) are not
flushed: after a power loss they may be missing, and can be made again from the run's history.
"""

import contextlib
import fcntl
import hashlib
import itertools
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from activities.store.cloning import clone
from activities.store.directory_listing import blobs_below, entries_below, keys_below
from activities.store.directory_sweeping import sweep_folder
from activities.store.durable_files import (
    flush,
    flush_folders,
    open_new_file,
    remove_quietly,
    write_new_file,
)
from activities.store.failures import store_error, store_gone
from activities.store.interface import RENEWED_AFTER, Arrival, BlobMissing, StoredBlob, StoredEntry, Swept
from activities.store.keys import checked_digest, checked_key
from activities.store.staging import WHOLE_READ_LIMIT, Staging, hash_of, open_regular, read_all

_LOCK_FILE = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
_ABSENT = (FileNotFoundError, NotADirectoryError)


class DirectoryStore:
    """A store in a folder that exists and can be written (see `activities.store.opening`)."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._blobs = self._root / "cas"
        self._keys = self._root / "keys"
        self._temporary = self._root / "tmp"
        self._locks = self._root / "locks"
        self._quarantine = self._root / "quarantine"
        self._token = f"{os.getpid()}-{os.urandom(6).hex()}"
        self._numbers = itertools.count()

    @property
    def location(self) -> str:
        """The folder's path."""
        return str(self._root)

    # --- blobs --------------------------------------------------------------------------------------

    def write_blob(self, content: bytes) -> str:
        """Keep `content` and return its digest; keeping it again is one `stat`."""
        digest = hashlib.sha256(content).hexdigest()
        if not self._is_kept(digest, len(content)):
            with self._writing():
                self._place_blobs([(digest, self._stage(content))])
        return digest

    def write_blob_from(self, path: Path) -> tuple[str, int]:
        """Keep a regular file's content as it is read now; return digest and size."""
        return self.write_blobs_from([path])[0]

    def write_blobs_from(self, paths: Sequence[Path]) -> list[tuple[str, int]]:
        """Keep the contents of many regular files, with one flush for all."""
        staging = Staging(self._temporary_name, self._is_kept, self._writing)
        try:
            kept = staging.take(paths)
            with self._writing():
                self._place_blobs(list(staging.staged.items()))
        except BaseException:
            staging.give_up()
            raise
        return kept

    def read_blob(self, digest: str) -> bytes:
        """Return a blob's content. Raises `BlobMissing`."""
        source = self._open(digest)
        try:
            with self._reading():
                return self._checked(digest, read_all(source))
        finally:
            os.close(source)

    def copy_blob_to(
        self, digest: str, path: Path, *, executable: bool = False, folder_descriptor: int | None = None
    ) -> None:
        """Write a blob's content, hashed on the way, to a new file. Raises `BlobMissing`, OSError."""
        mode = 0o777 if executable else 0o666
        source = self._open(digest)
        try:
            if os.fstat(source).st_size <= WHOLE_READ_LIMIT:
                with self._reading():
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
        with self._reading():
            if self._blob_path(digest).is_file():
                return True
        self._check_there()
        return False

    def missing_blobs(self, digests: Iterable[str]) -> set[str]:
        """Return which of these are not there."""
        return {digest for digest in digests if not self.has_blob(digest)}

    def is_young(self, digest: str) -> bool:
        """Whether the blob is there and was written or renewed lately."""
        with self._reading():
            try:
                return os.stat(self._blob_name(digest)).st_mtime > _renewed_since()
            except _ABSENT:
                return False

    def renew(self, digests: Iterable[str]) -> set[str]:
        """Make these blobs young where they are not; return which are not there."""
        return {digest for digest in digests if not self._is_renewed(digest)}

    def check_blob(self, digest: str) -> None:
        """Read a blob and hash it. Raises `BlobMissing`."""
        source = self._open(digest)
        try:
            with self._reading():
                found, _ = hash_of(source)
        finally:
            os.close(source)
        if found != digest:
            raise self._corrupt(digest)

    def sweep(self, is_live: Callable[[str], bool], before: datetime, *, dry_run: bool) -> Swept:
        """Remove the blobs that are not live and were neither written nor renewed since `before`."""
        with self._writing():
            return sweep_folder(self._blobs, self._temporary_name, is_live, before, dry_run=dry_run)

    def fetch(self, digests: Iterable[str]) -> None:
        """Do nothing: a folder is at hand."""

    def arriving(self, digests: Iterable[str]) -> Iterator[Arrival]:
        """Yield all at once: a folder is at hand."""
        yield Arrival(frozenset(digests))

    def list_blobs(self) -> Iterator[StoredBlob]:
        """Yield all blobs."""
        self._check_there()
        with self._reading():
            yield from blobs_below(self._blobs)

    def link_to(self, digest: str, seconds: int, file_name: str, media_type: str) -> str | None:
        """Return None: a folder has no addresses."""
        checked_digest(digest)
        return None

    # --- records and documents ----------------------------------------------------------------------

    def create_record(self, key: str, content: bytes) -> bool:
        """Create a record; False where one is there already."""
        target = self._key_path(key)
        with self._writing():
            if target.exists():
                return False
            temporary = self._stage(content)
            try:
                flush([temporary])
                target.parent.mkdir(parents=True, exist_ok=True)
                os.link(temporary, target)
            except FileExistsError:
                return False
            finally:
                remove_quietly(temporary)
            flush_folders([target.parent])
        return True

    def read_record(self, key: str) -> bytes | None:
        """Return a record, or None."""
        with self._reading():
            try:
                return self._key_path(key).read_bytes()
            except _ABSENT:
                self._check_there()
                return None

    def delete_record(self, key: str) -> None:
        """Delete a record or document if it is there."""
        target = self._key_path(key)
        with self._writing(), self._holding(key), contextlib.suppress(*_ABSENT):
            target.unlink()

    def write_document(self, key: str, content: bytes) -> None:
        """Write or overwrite a document, atomically, unflushed."""
        target = self._key_path(key)
        with self._writing():
            temporary = self._stage(content)
            try:
                with self._holding(key):
                    self._rename(temporary, str(target))
            except BaseException:
                remove_quietly(temporary)
                raise

    def swap_document(self, key: str, before: bytes | None, after: bytes) -> bool:
        """Write a document if it is `before` now; flushed, for what is swapped cannot be made again."""
        if before is None:
            return self.create_record(key, after)
        target = self._key_path(key)
        with self._writing():
            temporary = self._stage(after)
            try:
                flush([temporary])
                with self._holding(key):
                    if self.read_record(key) != before:
                        return False
                    self._rename(temporary, str(target))
                flush_folders([target.parent])
            finally:
                remove_quietly(temporary)
        return True

    def read_document(self, key: str) -> bytes | None:
        """Return a document, or None."""
        return self.read_record(key)

    def list_keys(self, prefix: str) -> Iterator[str]:
        """Yield keys that begin with `prefix`, sorted."""
        folder, _, _ = prefix.rpartition("/")
        start = self._key_path(folder) if folder else self._keys
        self._check_there()
        with self._reading():
            yield from keys_below(start, f"{folder}/" if folder else "", prefix)

    def list_entries(self, prefix: str) -> Iterator[StoredEntry]:
        """Yield records and documents whose keys begin with `prefix`, sorted by key."""
        with self._reading():
            yield from entries_below(self._keys, self.list_keys(prefix))

    # --- within -------------------------------------------------------------------------------------

    def _temporary_name(self) -> str:
        """A path that no other thread, process or machine uses (`next` on a count is atomic, on a generator not)."""
        return f"{self._temporary}/{self._token}-{next(self._numbers)}"

    def _stage(self, content: bytes) -> str:
        temporary = self._temporary_name()
        write_new_file(temporary, content, mode=0o444)
        return temporary

    def _place_blobs(self, staged: list[tuple[str, str]]) -> None:
        """Flush contents, rename into place, flush names. A rename over an equal blob does no harm."""
        try:
            flush([temporary for _, temporary in staged])
            for digest, temporary in staged:
                self._rename(temporary, self._blob_name(digest))
            flush_folders({f"{self._blobs}/{digest[:2]}" for digest, _ in staged})
        except BaseException:
            for _, temporary in staged:
                remove_quietly(temporary)
            raise

    @staticmethod
    def _rename(temporary: str, target: str) -> None:
        try:
            os.replace(temporary, target)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.replace(temporary, target)

    def _is_kept(self, digest: str, size: int) -> bool:
        """Whether a blob of that name and size is there; one of another size is cut short and is put aside."""
        with self._reading():
            try:
                kept = os.stat(self._blob_name(digest))
            except _ABSENT:
                return False
        if kept.st_size == size:
            return kept.st_mtime > _renewed_since() or self._is_renewed(digest)
        self._put_aside(digest)
        return False

    def _is_renewed(self, digest: str) -> bool:
        """Make a blob young; False where it is not there (any more)."""
        with self._writing():
            try:
                if os.stat(self._blob_name(digest)).st_mtime <= _renewed_since():
                    os.utime(self._blob_name(digest))
            except _ABSENT:
                return False
        return True

    def _open(self, digest: str) -> int:
        with self._reading():
            try:
                return open_regular(self._blob_name(digest))
            except _ABSENT:
                raise self._missing(digest) from None

    def _checked(self, digest: str, content: bytes) -> bytes:
        if hashlib.sha256(content).hexdigest() != digest:
            raise self._corrupt(digest)
        return content

    def _copy(self, digest: str, source: int, target: int) -> None:
        """Share the blocks where the file system can, else write them; hashed all the same."""
        found, _ = hash_of(source, copy_to=None if clone(source, target) else target)
        if found != digest:
            raise self._corrupt(digest)

    def _check_there(self) -> None:
        """Before anything is called missing: a network folder that is not mounted has nothing, and loses nothing."""
        if not os.path.isdir(self._keys):
            raise store_gone(self.location)

    def _missing(self, digest: str) -> BlobMissing:
        self._check_there()
        return BlobMissing(f"blob `{digest}` is not in the store `{self.location}`; run again what made it")

    def _corrupt(self, digest: str) -> BlobMissing:
        self._put_aside(digest)
        return BlobMissing(
            f"blob `{digest}` in the store `{self.location}` is damaged and was put aside in `quarantine/`; "
            "run again what made it, and look at that disk"
        )

    def _put_aside(self, digest: str) -> None:
        with contextlib.suppress(OSError):
            self._quarantine.mkdir(exist_ok=True)
            os.replace(self._blob_path(digest), self._quarantine / digest)

    def _blob_name(self, digest: str) -> str:
        checked_digest(digest)
        return f"{self._blobs}/{digest[:2]}/{digest}"

    def _blob_path(self, digest: str) -> Path:
        return Path(self._blob_name(digest))

    def _key_path(self, key: str) -> Path:
        return self._keys / checked_key(key)

    @contextlib.contextmanager
    def _holding(self, key: str) -> Generator[None]:
        """Keep other writers of this document out: other threads, processes and machines."""
        path = self._locks / hashlib.sha256(key.encode()).hexdigest()[:2]
        descriptor = os.open(path, _LOCK_FILE, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def _writing(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            raise store_error(error, "write to", self.location) from error

    @contextlib.contextmanager
    def _reading(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            raise store_error(error, "read from", self.location) from error


def _renewed_since() -> float:
    return (datetime.now(UTC) - RENEWED_AFTER).timestamp()
