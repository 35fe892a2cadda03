"""The packs of a store's folder: which there are, what is in them, and what is read from them.

    packs/<pack>     frames of small files, one behind the other; its name is random, so that none comes back
    index/<pack>     what is where in it; written after it, so that no half pack is seen; its time is the pack's age

What other processes packed is found by listing `index/` again, which is done before anything is called missing. An
index is written anew only when a file of its pack is found damaged; that, removing a pack, and looking again whether
one is there, keep each other out by a lock.
"""

import contextlib
import logging
import os
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from activities.store.directory_place import DirectoryPlace, place_file, renewed_since
from activities.store.durable_files import flush, flush_folders, remove_quietly, write_new_file
from activities.store.interface import StoredBlob
from activities.store.packs.damaged import Damaged
from activities.store.packs.index import Location, Row, index_without, is_sound, rows_of
from activities.store.packs.known import KnownPacks

if TYPE_CHECKING:
    from activities.store.packing import StagedPack

LOCK = "packs"
"""What is held while an index goes, or is written anew."""
OPEN_AT_ONCE = 16
_ABSENT = (FileNotFoundError, NotADirectoryError)
_READ_ONLY = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_log = logging.getLogger("perdure.store")


class _Listed(NamedTuple):
    """An index, as a listing found it."""

    identity: tuple[int, int]
    """Inode and size: others mean that it was written anew."""
    modified: float


class _OpenPack:
    """A pack's descriptor, closed when nobody reads from it any more."""

    def __init__(self, path: str) -> None:
        self.descriptor = os.open(path, _READ_ONLY)
        weakref.finalize(self, os.close, self.descriptor)


class DirectoryPacks:
    """Any thread may ask. Raises OSError where the folder refuses."""

    def __init__(self, place: DirectoryPlace) -> None:
        self._place = place
        self._lock = threading.Lock()
        self._listed_at: float | None = None
        self._identities: dict[str, tuple[int, int]] = {}
        self._modified: dict[str, float] = {}
        self._indexes: dict[str, bytes] = {}
        self._known = KnownPacks()
        self._open_lock = threading.Lock()
        self._open: OrderedDict[str, _OpenPack] = OrderedDict()

    # --- which there are ----------------------------------------------------------------------------

    @property
    def is_loaded(self) -> bool:
        """Whether it is known which packs there are, or were at some time."""
        return self._listed_at is not None

    def refresh(self, max_age: float = 0.0) -> None:
        """Know what others packed, and what is gone, unless that was asked for within `max_age` seconds."""
        asked_at = time.monotonic()
        with self._lock:
            if self._listed_at is not None and self._listed_at >= asked_at - max_age:
                return
            listed_at = time.monotonic()
            found = self._listing()
            kept = {pack for pack in self._indexes if pack in found and found[pack].identity == self._identities[pack]}
            self._modified = {pack: listed.modified for pack, listed in found.items()}
            self._identities = {pack: listed.identity for pack, listed in found.items()}
            if len(kept) < len(self._indexes):
                self._begin_again({pack: self._indexes[pack] for pack in kept})
            for pack in self._by_age(found.keys() - kept):
                self._learn(self._known, self._indexes, pack)
            self._listed_at = listed_at

    def place(self, packs: "Sequence[StagedPack]") -> None:
        """Put packs from `tmp/` into their places: on the disk first, then seen. What fails is removed."""
        staged: list[tuple[StagedPack, str]] = []
        try:
            for pack in packs:
                staged.append((pack, self._place.stage(pack.rows)))
            flush([path for pack, index in staged for path in (pack.temporary, index)])
            for pack, _ in staged:
                place_file(pack.temporary, self.pack_path(pack.name))
            flush_folders([self._place.packs] if staged else [])
            for pack, index in staged:
                place_file(index, self.index_path(pack.name))
            flush_folders([self._place.indexes] if staged else [])
        except BaseException:
            for pack, index in staged:
                remove_quietly(index)
                if not os.path.exists(self.index_path(pack.name)):
                    remove_quietly(self.pack_path(pack.name))
            raise
        for pack, _ in staged:
            self._add(pack.name, pack.rows)

    def knows(self, digest: str) -> bool:
        """Whether a pack has it, as far as this process knows."""
        return self._known.pack_of(digest) is not None

    def is_young(self, digest: str) -> bool:
        """Whether a pack that was written or renewed lately has it, as far as this process knows."""
        pack = self._known.pack_of(digest)
        return pack is not None and self._is_young(pack)

    def not_young(self, digests: Iterable[str]) -> set[str]:
        """Return those that `is_young` is false of."""
        since = renewed_since()
        young = {pack for pack, modified in list(self._modified.items()) if modified > since}
        pack_of = self._known.pack_of
        return {digest for digest in digests if pack_of(digest) not in young}

    def renew(self, digest: str) -> bool:
        """Make the pack that has it young; False where none is known that has it and is there still."""
        while (pack := self._known.pack_of(digest)) is not None:
            if self._is_young(pack) or self._renew(pack):
                return True
            self._lose(pack)
        return False

    def ages(self) -> dict[str, float]:
        """Return when each pack was written or renewed last."""
        self.refresh()
        return dict(self._modified)

    def rows(self, pack: str) -> list[Row]:
        """Return what a known pack holds."""
        index = self._indexes.get(pack)
        return list(rows_of(index)) if index else []

    def listing(self) -> Iterator[StoredBlob]:
        """Yield all that packs hold."""
        for pack, modified in sorted(self.ages().items()):
            for row in self.rows(pack):
                yield StoredBlob(row.digest, row.stored, datetime.fromtimestamp(modified, UTC), pack)

    def index_path(self, pack: str) -> str:
        """Return the path of a pack's index."""
        return f"{self._place.indexes}/{pack}"

    def pack_path(self, pack: str) -> str:
        """Return the path of a pack."""
        return f"{self._place.packs}/{pack}"

    # --- what is in them ----------------------------------------------------------------------------

    def read(self, digest: str) -> bytes | None:
        """Return the content of a file, unchecked; None where no pack is known that has it. Raises `Damaged`."""
        from activities.store.packs.pack import content_of  # zstandard takes 20 ms to import

        while (found := self._known.find(digest)) is not None:
            try:
                return content_of(self._frame(found), found.row)
            except _ABSENT:
                self._lose(found.pack)
        return None

    def put_aside(self, digest: str) -> bool:
        """Take a damaged file out of its pack's index, its bytes to `quarantine/`, as far as this user may.

        False where no pack is known that has it.
        """
        found = self._known.find(digest)
        if found is None:
            return False
        with contextlib.suppress(OSError, Damaged), self._place.holding(LOCK):
            self._keep_damaged(found)
            self._write_index_without(found)
        with self._lock:
            index = self._indexes.get(found.pack)
            if index:
                self._begin_again({**self._indexes, found.pack: index_without(index, digest)})
        return True

    # --- within -------------------------------------------------------------------------------------

    def _add(self, pack: str, index: bytes) -> None:
        """Know a pack that was just put into its place."""
        with self._lock, contextlib.suppress(*_ABSENT):
            listed = _listed(os.stat(self.index_path(pack)))
            self._identities[pack], self._modified[pack] = listed
            if pack not in self._indexes:
                self._learn(self._known, self._indexes, pack, index)

    def _listing(self) -> dict[str, _Listed]:
        found: dict[str, _Listed] = {}
        with contextlib.suppress(*_ABSENT), os.scandir(self._place.indexes) as items:
            for item in items:
                with contextlib.suppress(FileNotFoundError):
                    if item.is_file(follow_symlinks=False):
                        found[item.name] = _listed(os.stat(item.path))
        return found

    def _by_age(self, packs: Iterable[str]) -> list[str]:
        """Of two packs with the same file the younger one stays longer: it is learned last, and counts."""
        return sorted(packs, key=lambda pack: self._modified.get(pack, 0.0))

    def _learn(self, known: KnownPacks, indexes: dict[str, bytes], pack: str, index: bytes | None = None) -> None:
        """Know what a pack holds; one whose index is damaged is reported, and counts as empty."""
        try:
            if index is None:
                with open(self.index_path(pack), "rb") as file:
                    index = file.read()
            size = os.stat(self.pack_path(pack)).st_size
        except _ABSENT:
            return
        if index and not is_sound(index):
            _log.warning("the index of the pack `%s` in `%s` is damaged", pack, self._place.root)
            index = b""
        indexes[pack] = index
        if index:
            known.add(pack, index, size)

    def _begin_again(self, indexes: dict[str, bytes]) -> None:
        """Make a new table of these; the old one serves until then."""
        known, learned = KnownPacks(), dict[str, bytes]()
        for pack in self._by_age(indexes):
            self._learn(known, learned, pack, indexes[pack])
        self._known, self._indexes = known, learned
        with self._open_lock:
            self._open.clear()

    def _lose(self, pack: str) -> None:
        """Believe no more in a pack that was not where its index is, or whose index is gone."""
        self.refresh()
        with self._lock:
            if not os.path.exists(self.pack_path(pack)) or not os.path.exists(self.index_path(pack)):
                self._begin_again({other: index for other, index in self._indexes.items() if other != pack})

    def _is_young(self, pack: str) -> bool:
        return self._modified.get(pack, 0.0) > renewed_since()

    def _renew(self, pack: str) -> bool:
        """Make a pack young; False where it is gone. A sweep that took it away may put it back, and is awaited."""
        for waiting in (contextlib.nullcontext(), self._place.holding(LOCK)):
            with waiting, contextlib.suppress(*_ABSENT):
                os.utime(self.index_path(pack))
                self._modified[pack] = os.stat(self.index_path(pack)).st_mtime
                return True
        return False

    def _frame(self, found: Location) -> bytes:
        return os.pread(self._opened(found.pack).descriptor, found.row.stored, found.row.offset)

    def _opened(self, pack: str) -> _OpenPack:
        with self._open_lock:
            opened = self._open.get(pack)
            if opened is None:
                opened = self._open[pack] = _OpenPack(self.pack_path(pack))
                while len(self._open) > OPEN_AT_ONCE:
                    self._open.popitem(last=False)
            self._open.move_to_end(pack)
            return opened

    def _keep_damaged(self, found: Location) -> None:
        target = self._place.quarantine / found.row.digest
        self._place.quarantine.mkdir(exist_ok=True)
        remove_quietly(target)
        write_new_file(target, self._frame(found))

    def _write_index_without(self, found: Location) -> None:
        """Write an index anew, as old as it was."""
        path = self.index_path(found.pack)
        with open(path, "rb") as file:
            before, index = os.fstat(file.fileno()), file.read()
        temporary = self._place.stage(index_without(index, found.row.digest))
        try:
            os.utime(temporary, (before.st_atime, before.st_mtime))
            flush([temporary])
            os.replace(temporary, path)
        except BaseException:
            remove_quietly(temporary)
            raise
        flush_folders([self._place.indexes])


def _listed(found: os.stat_result) -> _Listed:
    return _Listed((found.st_ino, found.st_size), found.st_mtime)
