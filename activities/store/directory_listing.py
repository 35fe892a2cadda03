"""What a store's folder holds, listed: keys in their order, entries with size and age, blobs.

What goes away while it is listed is left out.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from activities.store.interface import StoredBlob, StoredEntry
from activities.store.keys import is_digest

_ABSENT = (FileNotFoundError, NotADirectoryError)


def keys_below(folder: Path, path: str, prefix: str) -> Iterator[str]:
    """Walk in the order of whole keys: a folder sorts as its name with `/` behind it."""
    try:
        with os.scandir(folder) as found:
            names = sorted(item.name + "/" if item.is_dir(follow_symlinks=False) else item.name for item in found)
    except _ABSENT:
        return
    for name in names:
        key = path + name
        if name.endswith("/"):
            if key.startswith(prefix) or prefix.startswith(key):
                yield from keys_below(folder / name, key, prefix)
        elif key.startswith(prefix):
            yield key


def entries_below(folder: Path, keys: Iterable[str]) -> Iterator[StoredEntry]:
    """Yield what stands under these keys of `folder`."""
    for key in keys:
        found = _status(folder / key)
        if found is not None:
            yield StoredEntry(key, found.st_size, _modified(found))


def blobs_below(folder: Path) -> Iterator[StoredBlob]:
    """Yield the blobs in `folder/aa/`; other names are not ours."""
    for group in _names(folder):
        for name in _names(folder / group):
            found = _status(folder / group / name) if is_digest(name) else None
            if found is not None:
                yield StoredBlob(name, found.st_size, _modified(found))


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except _ABSENT:
        return []


def _status(path: Path) -> os.stat_result | None:
    try:
        found = os.stat(path, follow_symlinks=False)
    except _ABSENT:
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def _modified(found: os.stat_result) -> datetime:
    return datetime.fromtimestamp(found.st_mtime, UTC)
