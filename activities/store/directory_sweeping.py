"""Removing blobs from a store's folder, while others write: none goes that somebody has just asked to keep.

Who keeps a blob again that is older than `RENEWED_AFTER` sets its time first. So a blob is taken out of its place by
one rename, and looked at there: where its time was set meanwhile it goes back, and who comes after the rename finds
nothing and writes it anew. The same with packs, whose time is that of their index: a pack goes when nothing in it is
live; one that is mostly dead goes when what is live in it has been packed anew. Names of packs never come back, so that
what is removed is never another one. Bodies of packs that have no index were left by writers that were killed.
"""

import contextlib
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from activities.store.directory_listing import blobs_below
from activities.store.directory_packs import LOCK, DirectoryPacks
from activities.store.directory_place import DirectoryPlace
from activities.store.interface import BlobMissing, Swept
from activities.store.packs.index import Row
from activities.store.packs.sweeping import is_mostly_dead

IsLive = Callable[[str], bool]


def sweep_alone(place: DirectoryPlace, is_live: IsLive, before: datetime, *, dry_run: bool) -> Swept:
    """Remove the blobs that stand alone, are not live and are older than `before`. Raises OSError."""
    swept = Swept()
    for blob in blobs_below(place.blobs):
        if blob.modified >= before or is_live(blob.digest):
            continue
        if dry_run or _remove(place, f"{place.blobs}/{blob.digest[:2]}/{blob.digest}", before):
            swept = swept.with_blob(blob)
    return swept


class PackSweeper:
    """One sweep over the packs."""

    def __init__(self, place: DirectoryPlace, packs: DirectoryPacks, read: Callable[[str], bytes]) -> None:
        self._place = place
        self._packs = packs
        self._read = read

    def sweep(self, is_live: IsLive, before: datetime, swept: Swept, *, dry_run: bool) -> Swept:
        """Remove packs that are older than `before` and mostly not live; return `swept` with them. Raises OSError."""
        for pack, age in sorted(self._packs.ages().items()):
            if datetime.fromtimestamp(age, UTC) >= before:
                continue
            rows = self._packs.rows(pack)
            dead = [row for row in rows if not is_live(row.digest)]
            if is_mostly_dead(dead, rows) and (dry_run or self._remove_pack(pack, rows, dead, before)):
                swept = swept.with_pack([row.stored for row in dead])
        if not dry_run:
            self._remove_leftovers(before)
        return swept

    def _remove_pack(self, pack: str, rows: Sequence[Row], dead: Sequence[Row], before: datetime) -> bool:
        """Remove a pack, what is live in it packed anew; False where it is young now, or damaged."""
        kept = {row.digest for row in rows} - {row.digest for row in dead}
        try:
            self._pack_anew(sorted(kept))
        except BlobMissing:
            return False  # `verify` tells; what is sound in it must not go
        with self._place.holding(LOCK):
            if not _remove(self._place, self._packs.index_path(pack), before):
                return False
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._packs.pack_path(pack))
        self._packs.refresh()
        return True

    def _pack_anew(self, digests: Sequence[str]) -> None:
        from activities.store.packing import Packing  # zstandard takes 20 ms to import

        packing = Packing(self._place.temporary_name, packed_from=1)
        try:
            for digest in digests:
                packing.add(digest, self._read(digest))
            packing.end()
            self._packs.place(packing.staged)
        except BaseException:
            packing.give_up()
            raise

    def _remove_leftovers(self, before: datetime) -> None:
        with contextlib.suppress(FileNotFoundError), os.scandir(self._place.packs) as items:
            for item in items:
                if datetime.fromtimestamp(item.stat(follow_symlinks=False).st_mtime, UTC) >= before:
                    continue
                with self._place.holding(LOCK):
                    if not os.path.exists(self._packs.index_path(item.name)):
                        os.unlink(item.path)


def _remove(place: DirectoryPlace, path: str, before: datetime) -> bool:
    """Remove a file unless its time was set since `before`; whether it is gone."""
    temporary = place.temporary_name()
    try:
        os.rename(path, temporary)
    except FileNotFoundError:
        return False
    with contextlib.suppress(FileNotFoundError):  # what is old in `tmp/` goes whenever somebody opens the store
        if datetime.fromtimestamp(os.stat(temporary).st_mtime, UTC) >= before:
            with contextlib.suppress(FileExistsError):  # written anew meanwhile
                os.link(temporary, path)
            os.unlink(temporary)
            return False
        os.unlink(temporary)
    return True
