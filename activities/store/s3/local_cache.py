"""A bounded folder of this machine for what was read and written lately: packs, blobs alone, indexes.

    blobs/aa/<digest>  packs/aa/<pack>  index/aa/<pack>      in their stored form, as S3 has them

A copy may be damaged or cut like any file: whoever reads checks the digest, and calls `forget`. Where the disk is
full or the folder cannot be written, nothing is kept, and all goes on. What was used longest ago goes first.
"""

import contextlib
import itertools
import os
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from activities.store.durable_files import open_new_file, remove_quietly, write_all

Kind = Literal["blobs", "packs", "index"]
KINDS: tuple[Kind, ...] = ("blobs", "packs", "index")
_TOUCHED = 100_000
_KEPT_AT_TRIM = 0.8
"""A trim goes below the limit, or the next file would be the next trim."""


class LocalCache:
    """Any number of processes may share it."""

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self.limit = limit
        self._token = f"{os.getpid()}-{os.urandom(6).hex()}"
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._since_trim = limit  # so that the first thing written looks at what others left
        self._touched: set[str] = set()

    def read(self, kind: Kind, name: str, start: int = 0, size: int | None = None) -> bytes | None:
        """Return a copy, or a part of it; None where there is none or it is too short."""
        descriptor = self.open(kind, name)
        if descriptor is None:
            return None
        try:
            wanted = os.fstat(descriptor).st_size - start if size is None else size
            content = os.pread(descriptor, max(wanted, 0), start)
        except OSError:
            return None
        finally:
            os.close(descriptor)
        return content if len(content) == wanted else None

    def open(self, kind: Kind, name: str) -> int | None:
        """Return a descriptor to read a copy from, or None. Its use is noted once a process."""
        if self.limit <= 0:
            return None
        path = self._path(kind, name)
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return None
        if name not in self._touched:
            if len(self._touched) >= _TOUCHED:
                self._touched.clear()
            self._touched.add(name)
            with contextlib.suppress(OSError):
                os.utime(path)
        return descriptor

    def has(self, kind: Kind, name: str) -> bool:
        """Whether there is a copy."""
        return self.limit > 0 and os.path.isfile(self._path(kind, name))

    def keep(self, kind: Kind, name: str, content: bytes) -> None:
        """Keep a copy, if that can be."""
        with contextlib.suppress(OSError):
            for _ in self.keeping(kind, name, [content]):
                pass

    def keeping(self, kind: Kind, name: str, parts: Iterable[bytes]) -> Iterator[bytes]:
        """Yield `parts`, and keep a copy of them if that can be; a copy appears when all are there."""
        temporary = self._folder / "tmp" / f"{self._token}-{next(self._numbers)}"
        descriptor = self._begin(temporary)
        size = 0
        try:
            for part in parts:
                size += len(part)
                if descriptor is not None:
                    descriptor = _write(descriptor, part)
                yield part
            if descriptor is not None:
                self._place(temporary, self._path(kind, name), size)
        finally:
            if descriptor is not None:
                os.close(descriptor)
            remove_quietly(temporary)

    def forget(self, kind: Kind, name: str) -> None:
        """Throw a copy away: it is damaged."""
        remove_quietly(self._path(kind, name))

    def names(self, kind: Kind) -> set[str]:
        """Return the names of all copies of a kind."""
        return {path.name for path in (self._folder / kind).glob("*/*")}

    def trim(self) -> None:
        """Throw away what was used longest ago, until it is well below the limit."""
        found: list[tuple[float, int, Path]] = []
        for path in itertools.chain(self._folder.glob("*/*/*"), self._folder.glob("tmp/*")):
            with contextlib.suppress(OSError):
                status = path.stat()
                found.append((status.st_mtime, status.st_size, path))
        kept = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if kept <= self.limit * _KEPT_AT_TRIM:
                return
            remove_quietly(path)
            kept -= size

    def _path(self, kind: Kind, name: str) -> str:
        return f"{self._folder}/{kind}/{name[:2]}/{name}"  # a path object takes as long as the read itself

    def _begin(self, temporary: Path) -> int | None:
        if self.limit <= 0:
            return None
        try:
            temporary.parent.mkdir(parents=True, exist_ok=True)
            return open_new_file(temporary, mode=0o600)
        except OSError:
            return None

    def _place(self, temporary: Path, target: str, size: int) -> None:
        try:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.replace(temporary, target)
        except OSError:
            return
        with self._lock:
            self._since_trim += size
            is_due = self._since_trim > self.limit * (1 - _KEPT_AT_TRIM)
            if is_due:
                self._since_trim = 0
        if is_due:
            self.trim()


def _write(descriptor: int, part: bytes) -> int | None:
    """Write on; None (and closed) where the disk does not take it."""
    try:
        write_all(descriptor, part)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
