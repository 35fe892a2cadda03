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
import errno
import fcntl
import hashlib
import itertools
import os
import stat
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path

from activities.store.directory_listing import blobs_below, entries_below, keys_below
from activities.store.durable_files import (
    flush,
    flush_folders,
    open_new_file,
    remove_quietly,
    write_all,
    write_new_file,
)
from activities.store.failures import store_error, store_gone
from activities.store.interface import BlobMissing, StoredBlob, StoredEntry
from activities.store.keys import checked_digest, checked_key

WHOLE_READ_LIMIT = 1 << 20
"""Up to this size a file is read in one piece."""

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
        kept: list[tuple[str, int]] = []
        staged: dict[str, Path] = {}
        try:
            for path in paths:
                digest, size = self._stage_file(path, staged)
                kept.append((digest, size))
            with self._writing():
                self._place_blobs(list(staged.items()))
        except BaseException:
            for temporary in staged.values():
                remove_quietly(temporary)
            raise
        return kept

    def read_blob(self, digest: str) -> bytes:
        """Return a blob's content. Raises `BlobMissing`."""
        with self._reading():
            try:
                content = self._blob_path(digest).read_bytes()
            except _ABSENT:
                raise self._missing(digest) from None
        if hashlib.sha256(content).hexdigest() != digest:
            raise self._corrupt(digest)
        return content

    def copy_blob_to(
        self, digest: str, path: Path, *, executable: bool = False, folder_descriptor: int | None = None
    ) -> None:
        """Write a blob's content, hashed on the way, to a new file. Raises `BlobMissing`, OSError."""
        mode = 0o777 if executable else 0o666
        if self._size_of(digest) <= WHOLE_READ_LIMIT:
            write_new_file(path, self.read_blob(digest), mode=mode, dir_fd=folder_descriptor)
            return
        descriptor = open_new_file(path, mode=mode, dir_fd=folder_descriptor)
        try:
            self._copy_hashed(digest, descriptor)
        except BaseException:
            remove_quietly(path, dir_fd=folder_descriptor)
            raise
        finally:
            os.close(descriptor)

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

    def fetch(self, digests: Iterable[str]) -> None:
        """Do nothing: a folder is at hand."""

    def list_blobs(self) -> Iterator[StoredBlob]:
        """Yield all blobs."""
        self._check_there()
        with self._reading():
            yield from blobs_below(self._blobs)

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
                    self._rename(temporary, target)
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
                    self._rename(temporary, target)
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

    def _temporary_path(self) -> Path:
        """A name that no other thread, process or machine uses (`next` on a count is atomic, on a generator not)."""
        return self._temporary / f"{self._token}-{next(self._numbers)}"

    def _stage(self, content: bytes) -> Path:
        temporary = self._temporary_path()
        write_new_file(temporary, content, mode=0o444)
        return temporary

    def _stage_file(self, path: Path, staged: dict[str, Path]) -> tuple[str, int]:
        """Hash a file and, where its content is new, lay a copy into `tmp/`."""
        descriptor = _open_regular(path)
        try:
            if os.fstat(descriptor).st_size > WHOLE_READ_LIMIT:
                return self._stage_stream(descriptor, staged)
            content = _read_all(descriptor)
        finally:
            os.close(descriptor)
        digest = hashlib.sha256(content).hexdigest()
        if digest not in staged and not self._is_kept(digest, len(content)):
            with self._writing():
                staged[digest] = self._stage(content)
        return digest, len(content)

    def _stage_stream(self, descriptor: int, staged: dict[str, Path]) -> tuple[str, int]:
        """Hash first: a big file that is kept already is not written again. What is written is hashed anew."""
        digest, size = _hash_of(descriptor)
        if digest in staged or self._is_kept(digest, size):
            return digest, size
        os.lseek(descriptor, 0, os.SEEK_SET)
        temporary = self._temporary_path()
        with self._writing():
            target = open_new_file(temporary, mode=0o444)
            try:
                digest, size = _hash_of(descriptor, copy_to=target)
            except BaseException:
                remove_quietly(temporary)
                raise
            finally:
                os.close(target)
        staged[digest] = temporary
        return digest, size

    def _place_blobs(self, staged: list[tuple[str, Path]]) -> None:
        """Flush contents, rename into place, flush names. A rename over an equal blob does no harm."""
        try:
            flush([temporary for _, temporary in staged])
            for digest, temporary in staged:
                self._rename(temporary, self._blob_path(digest))
            flush_folders(self._blob_path(digest).parent for digest, _ in staged)
        except BaseException:
            for _, temporary in staged:
                remove_quietly(temporary)
            raise

    @staticmethod
    def _rename(temporary: Path, target: Path) -> None:
        try:
            os.replace(temporary, target)
        except FileNotFoundError:
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(temporary, target)

    def _is_kept(self, digest: str, size: int) -> bool:
        """Whether a blob of that name and size is there; one of another size is cut short and is put aside."""
        with self._reading():
            try:
                kept_size = os.stat(self._blob_path(digest)).st_size
            except _ABSENT:
                return False
        if kept_size == size:
            return True
        self._put_aside(digest)
        return False

    def _size_of(self, digest: str) -> int:
        with self._reading():
            try:
                return os.stat(self._blob_path(digest)).st_size
            except _ABSENT:
                raise self._missing(digest) from None

    def _copy_hashed(self, digest: str, target: int) -> None:
        with self._reading():
            try:
                source = _open_regular(self._blob_path(digest))
            except _ABSENT:
                raise self._missing(digest) from None
        try:
            found, _ = _hash_of(source, copy_to=target)
        finally:
            os.close(source)
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

    def _blob_path(self, digest: str) -> Path:
        checked_digest(digest)
        return self._blobs / digest[:2] / digest

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


def _open_regular(path: Path) -> int:
    """Open a file to read; a symlink, a pipe or a device is refused without waiting for it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EINVAL, "not a regular file", str(path))


def _read_all(descriptor: int) -> bytes:
    parts: list[bytes] = []
    while part := os.read(descriptor, WHOLE_READ_LIMIT):
        parts.append(part)
    return b"".join(parts)


def _hash_of(descriptor: int, *, copy_to: int | None = None) -> tuple[str, int]:
    found = hashlib.sha256()
    size = 0
    while part := os.read(descriptor, WHOLE_READ_LIMIT):
        found.update(part)
        size += len(part)
        if copy_to is not None:
            write_all(copy_to, part)
    return found.hexdigest(), size
