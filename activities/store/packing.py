"""Small files on their way into packs in a store's folder: written to `tmp/` as soon as a pack is full.

Too few files make no pack: they are kept at hand, for whoever keeps them one by one.
"""

import os
import threading
from collections.abc import Callable, Iterable
from typing import NamedTuple

from activities.store.durable_files import remove_quietly, write_new_file
from activities.store.packs.pack import PackWriter

PACKED_UP_TO = 256 << 10
"""Larger files stand alone."""
PACKED_FROM = 64
"""So many new small files at least make a pack."""


class StagedPack(NamedTuple):
    """A pack in `tmp/`."""

    name: str
    temporary: str
    rows: bytes
    """Its index."""


class Packing:
    """The packs of one group of files. Any thread may add; each has a pack of its own while it does."""

    def __init__(self, new_name: Callable[[], str], packed_from: int | None = None) -> None:
        """Make an empty group.

        Args:
            new_name: Gives a path in `tmp/` that nobody uses.
            packed_from: How many files at least make a pack; `PACKED_FROM` where none is given.
        """
        self._new_name = new_name
        self._packed_from = PACKED_FROM if packed_from is None else packed_from
        self._lock = threading.Lock()
        self._is_many = False
        self._idle: list[PackWriter] = []
        self.few: list[tuple[str, bytes]] = []
        """Digests and contents, as long as these are too few for a pack."""
        self.staged: list[StagedPack] = []

    @staticmethod
    def takes(size: int) -> bool:
        """Whether a file of this size goes into a pack."""
        return size <= PACKED_UP_TO

    def add(self, digest: str, content: bytes) -> None:
        """Take a file in; each digest once. Raises OSError."""
        self.add_all([(digest, content)])

    def add_all(self, files: Iterable[tuple[str, bytes]]) -> None:
        """Take several files in. Raises OSError."""
        with self._lock:
            if not self._is_many:
                self.few += files
                if len(self.few) < self._packed_from:
                    return
                self._is_many, files, self.few = True, self.few, []
            writer = self._idle.pop() if self._idle else PackWriter()
        for digest, content in files:
            writer.add(digest, content)
            if writer.is_full:
                self._stage(writer)
                writer = PackWriter()
        if not writer.is_empty:
            with self._lock:
                self._idle.append(writer)

    def end(self) -> None:
        """Write what is no full pack yet; the threads have ended. Raises OSError."""
        while self._idle:
            writer = self._idle.pop()
            while self._idle and writer.has_room_for(self._idle[-1]):
                writer.absorb(self._idle.pop())
            self._stage(writer)

    def give_up(self) -> None:
        """Remove what was staged."""
        for pack in self.staged:
            remove_quietly(pack.temporary)

    def _stage(self, writer: PackWriter) -> None:
        pack = writer.finish(name=os.urandom(32).hex())
        temporary = self._new_name()
        write_new_file(temporary, pack.body, mode=0o444, begins_flush=True)
        self.staged.append(StagedPack(pack.name, temporary, pack.rows))
