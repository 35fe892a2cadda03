"""Records and documents of a store's folder: files under their own names, written whole."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from activities.store.directory_listing import entries_below, keys_below
from activities.store.directory_place import DirectoryPlace, place_file
from activities.store.durable_files import flush, flush_folders, remove_quietly
from activities.store.interface import StoredEntry
from activities.store.keys import checked_key

_ABSENT = (FileNotFoundError, NotADirectoryError)


class DirectoryKeys:
    """What is kept under keys. Any thread may ask."""

    def __init__(self, place: DirectoryPlace) -> None:
        self._place = place

    def create_record(self, key: str, content: bytes) -> bool:
        """Create a record; False where one is there already."""
        target = self._path(key)
        with self._place.writing():
            if target.exists():
                return False
            temporary = self._place.stage(content)
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

    def read(self, key: str) -> bytes | None:
        """Return a record or a document, or None."""
        with self._place.reading():
            try:
                return self._path(key).read_bytes()
            except _ABSENT:
                self._place.check_there()
                return None

    def delete(self, key: str) -> None:
        """Delete a record or document if it is there."""
        target = self._path(key)
        with self._place.writing(), self._place.holding(key), contextlib.suppress(*_ABSENT):
            target.unlink()

    def write_document(self, key: str, content: bytes) -> None:
        """Write or overwrite a document, atomically, unflushed."""
        target = self._path(key)
        with self._place.writing():
            temporary = self._place.stage(content)
            try:
                with self._place.holding(key):
                    place_file(temporary, str(target))
            except BaseException:
                remove_quietly(temporary)
                raise

    def swap_document(self, key: str, before: bytes | None, after: bytes) -> bool:
        """Write a document if it is `before` now; flushed, for what is swapped cannot be made again."""
        if before is None:
            return self.create_record(key, after)
        target = self._path(key)
        with self._place.writing():
            temporary = self._place.stage(after)
            try:
                flush([temporary])
                with self._place.holding(key):
                    if self.read(key) != before:
                        return False
                    place_file(temporary, str(target))
                flush_folders([target.parent])
            finally:
                remove_quietly(temporary)
        return True

    def listing(self, prefix: str) -> Iterator[str]:
        """Yield keys that begin with `prefix`, sorted."""
        folder, _, _ = prefix.rpartition("/")
        start = self._path(folder) if folder else self._place.keys
        self._place.check_there()
        with self._place.reading():
            yield from keys_below(start, f"{folder}/" if folder else "", prefix)

    def entries(self, prefix: str) -> Iterator[StoredEntry]:
        """Yield records and documents whose keys begin with `prefix`, sorted by key."""
        with self._place.reading():
            yield from entries_below(self._place.keys, self.listing(prefix))

    def _path(self, key: str) -> Path:
        return self._place.keys / checked_key(key)
