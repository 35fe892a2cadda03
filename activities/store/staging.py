"""Many files on their way into a folder store: read and hashed, a few side by side; what is new is copied to `tmp/`.

Small files go into packs if enough of them are new, for making a file costs the system more than all that we do with
its content. The others stand alone. What is written begins its way to the disk at once: the flush at the end has little
to wait for. Paths are texts here: a hundred thousand `Path` objects take longer than what is done with them.
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
from typing import TYPE_CHECKING

from activities.store.durable_files import begin_flush, open_new_file, remove_quietly, write_all, write_new_file

if TYPE_CHECKING:
    from activities.store.packing import Packing, StagedPack

WHOLE_READ_LIMIT = 1 << 20
"""Up to this size a file is read in one piece."""
LANES = min(4, os.cpu_count() or 1)
PARTS_OF = 64
"""Files that one thread takes at a time; fewer are not spread."""
MANY = 64
"""Files that may become packs."""
BEGUN_FROM = 64 << 10
"""Bytes of a file that begins its way to the disk at once."""
_READ_ONLY = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


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
        self._claimed: set[str] = set()
        """Digests of what was read whole and is somebody's to stage."""
        self._packing: Packing | None = None
        self.staged: dict[str, str] = {}
        """Where the contents are that are new to the store and stand alone, by digest."""

    @property
    def packs(self) -> "list[StagedPack]":
        """The packs with what else is new."""
        return [] if self._packing is None else self._packing.staged

    def take(self, paths: Sequence[Path | str]) -> list[tuple[str, int]]:
        """Return digest and size of each file; what is new lies in `tmp/` then. Raises OSError, `StoreError`."""
        if len(paths) >= MANY:
            from activities.store.packing import Packing  # zstandard takes 20 ms to import

            self._packing = Packing(self._new_name)
        taken = self._take_all(paths)
        if self._packing is not None:
            with self._writing():
                self._packing.end()
                for digest, content in self._packing.few:
                    self._stage(digest, content)
        return taken

    def give_up(self) -> None:
        """Remove what was staged."""
        for temporary in self.staged.values():
            remove_quietly(temporary)
        if self._packing is not None:
            self._packing.give_up()

    def _take_all(self, paths: Sequence[Path | str]) -> list[tuple[str, int]]:
        if len(paths) <= PARTS_OF or LANES == 1:
            return self._take_part(paths)
        parts = [paths[start : start + PARTS_OF] for start in range(0, len(paths), PARTS_OF)]
        with ThreadPoolExecutor(LANES, "perdure-staging") as threads:
            return [found for part in threads.map(self._take_part, parts) for found in part]

    def _take_part(self, paths: Sequence[Path | str]) -> list[tuple[str, int]]:
        """Read a few files; what they have that is small and new is handed on together."""
        if self._is_given_up:
            return []
        small: dict[str, bytes] = {}
        try:
            taken = [self._take_one(os.fspath(path), small) for path in paths]
            for digest in self._claimed_of(small):
                content = small[digest]
                if self._is_kept(digest, len(content)):
                    del small[digest]
            if small and self._packing is not None:
                with self._writing():
                    self._packing.add_all(small.items())
        except BaseException:
            self._is_given_up = True  # the other threads need not go on
            raise
        return taken

    def _take_one(self, path: str, small: dict[str, bytes]) -> tuple[str, int]:
        """Read a file; a content for a pack is put with what is `small`, any other is staged."""
        descriptor, size = _open_sized(path)
        try:
            if size > WHOLE_READ_LIMIT:
                return self._take_stream(descriptor)
            content = _read_sized(descriptor, size)
        finally:
            os.close(descriptor)
        digest, size = hashlib.sha256(content).hexdigest(), len(content)
        if self._packing is not None and self._packing.takes(size):
            small[digest] = content
        elif self._claimed_of({digest: content}) and not self._is_kept(digest, size):
            with self._writing():
                self._stage(digest, content)
        return digest, size

    def _claimed_of(self, contents: dict[str, bytes]) -> list[str]:
        """Leave among `contents` what nobody else has read in this group; return its digests."""
        with self._lock:
            for digest in self._claimed.intersection(contents):
                del contents[digest]
            self._claimed.update(contents)
        return list(contents)

    def _stage(self, digest: str, content: bytes) -> None:
        temporary = self._new_name()
        write_new_file(temporary, content, mode=0o444, begins_flush=len(content) >= BEGUN_FROM)
        self._note(digest, temporary)

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
                begin_flush(target)
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
    return _open_sized(path)[0]


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
    return _read_sized(descriptor, os.fstat(descriptor).st_size)


def _open_sized(path: Path | str) -> tuple[int, int]:
    """Open a file as `open_regular` does; return its size too."""
    descriptor = os.open(path, _READ_ONLY)
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode):
        return descriptor, status.st_size
    os.close(descriptor)
    raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))


def _read_sized(descriptor: int, size: int) -> bytes:
    """Return what is read from here on, whatever it is; `size` bytes are expected."""
    # a buffer that is larger than the file costs more than reading it
    wanted = min(size, WHOLE_READ_LIMIT) + 1
    first = os.read(descriptor, wanted)
    if len(first) == wanted - 1:
        return first
    parts = [first]
    while part := os.read(descriptor, WHOLE_READ_LIMIT):
        parts.append(part)
    return b"".join(parts)
