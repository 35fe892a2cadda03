"""Many files on their way into a folder store: read, hashed and copied to `tmp/`, a few side by side.

Making a file costs the system more than we do, so threads help, though they share one interpreter. Paths are texts
here: a hundred thousand `Path` objects take longer than what is done with them.
"""

import contextlib
import errno
import hashlib
import os
import stat
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from activities.store.durable_files import open_new_file, remove_quietly, write_all, write_new_file

WHOLE_READ_LIMIT = 1 << 20
"""Up to this size a file is read in one piece."""
LANES = min(4, os.cpu_count() or 1)
PARTS_OF = 64
"""Files that one thread takes at a time; fewer are not spread."""


class Staging:
    """The files of one group, until they are placed or given up."""

    def __init__(
        self,
        new_name: Callable[[], str],
        is_kept: Callable[[str, int], bool],
        writing: Callable[[], contextlib.AbstractContextManager[None]],
    ) -> None:
        """Make an empty group.

        Args:
            new_name: Gives a path in `tmp/` that nobody uses.
            is_kept: Whether the store has a blob of that digest and size.
            writing: Turns what the disk refuses into the store's failure.
        """
        self._new_name = new_name
        self._is_kept = is_kept
        self._writing = writing
        self._lock = threading.Lock()
        self._is_given_up = False
        self.staged: dict[str, str] = {}
        """Where the contents are that are new to the store, by digest."""

    def take(self, paths: Sequence[Path]) -> list[tuple[str, int]]:
        """Return digest and size of each file; what is new lies in `tmp/` then. Raises OSError, `StoreError`."""
        if len(paths) <= PARTS_OF or LANES == 1:
            return self._take_part(paths)
        parts = [paths[start : start + PARTS_OF] for start in range(0, len(paths), PARTS_OF)]
        with ThreadPoolExecutor(LANES, "perdure-staging") as threads:
            return [found for part in threads.map(self._take_part, parts) for found in part]

    def give_up(self) -> None:
        """Remove what was staged."""
        for temporary in self.staged.values():
            remove_quietly(temporary)

    def _take_part(self, paths: Sequence[Path]) -> list[tuple[str, int]]:
        if self._is_given_up:
            return []
        try:
            return [self._take_one(os.fspath(path)) for path in paths]
        except BaseException:
            self._is_given_up = True  # the other threads need not go on
            raise

    def _take_one(self, path: str) -> tuple[str, int]:
        descriptor = open_regular(path)
        try:
            if os.fstat(descriptor).st_size > WHOLE_READ_LIMIT:
                return self._take_stream(descriptor)
            content = read_all(descriptor)
        finally:
            os.close(descriptor)
        digest = hashlib.sha256(content).hexdigest()
        if digest not in self.staged and not self._is_kept(digest, len(content)):
            with self._writing():
                temporary = self._new_name()
                write_new_file(temporary, content, mode=0o444)
            self._note(digest, temporary)
        return digest, len(content)

    def _take_stream(self, descriptor: int) -> tuple[str, int]:
        """Hash first: a big file that is kept already is not written again. What is written is hashed anew."""
        digest, size = hash_of(descriptor)
        if digest in self.staged or self._is_kept(digest, size):
            return digest, size
        os.lseek(descriptor, 0, os.SEEK_SET)
        temporary = self._new_name()
        with self._writing():
            target = open_new_file(temporary, mode=0o444)
            try:
                digest, size = hash_of(descriptor, copy_to=target)
            except BaseException:
                remove_quietly(temporary)
                raise
            finally:
                os.close(target)
        self._note(digest, temporary)
        return digest, size

    def _note(self, digest: str, temporary: str) -> None:
        """Keep one copy of equal contents that two threads staged."""
        with self._lock:
            kept = self.staged.setdefault(digest, temporary)
        if kept is not temporary:
            remove_quietly(temporary)


def open_regular(path: Path | str) -> int:
    """Open a file to read; a symlink, a pipe or a device is refused without waiting for it. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))


def hash_of(descriptor: int, *, copy_to: int | None = None) -> tuple[str, int]:
    """Return digest and size of what is read from here on; write it to another descriptor too. Raises OSError."""
    found = hashlib.sha256()
    size = 0
    while part := os.read(descriptor, WHOLE_READ_LIMIT):
        found.update(part)
        size += len(part)
        if copy_to is not None:
            write_all(copy_to, part)
    return found.hexdigest(), size


def read_all(descriptor: int) -> bytes:
    """Return what is read from here on. Raises OSError."""
    parts: list[bytes] = []
    while part := os.read(descriptor, WHOLE_READ_LIMIT):
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
