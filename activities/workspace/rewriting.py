"""Which files of a folder were written since a moment, also those that are afterwards what they were before.

A tree does not show that a step wrote a file anew with the same content; but its result holds only where that file is
so. Told apart by the time of the last change of a file's status, which no program can set: of the file system's clock,
like the mark that it is compared with.
"""

import asyncio
import os
from pathlib import Path

from activities.store.interface import Store
from activities.workspace.manifest import HEAVY, Manifest, is_git_path
from activities.workspace.pool import in_pool
from activities.workspace.scanning import scan

LONGEST_TICK = 50
"""Milliseconds that a tick of the file system's clock is waited for; with a slower one, too much counts as written."""


async def mark(scratch: Path) -> int:
    """Return a moment, as the file system of `scratch` tells it: after all that was written, before what will be."""
    before = moment = _now(scratch)
    for _ in range(LONGEST_TICK):
        await asyncio.sleep(0.001)
        moment = _now(scratch)
        if moment != before:
            break
    return moment


def written_since(store: Store, folder: Path, since: int, before: Manifest) -> frozenset[str]:
    """Return the files and links of a folder, which held `before`, that were written since. Blocks.

    Where the folder cannot be read, all of them: then a result holds only where nothing is different.
    """
    try:
        if before.count > HEAVY:
            return in_pool(store, str(folder), written_since_here, folder, since)
        return written_since_here(folder, since)
    except OSError:
        return frozenset(entry.path for entry in before.entries)


def written_since_here(folder: Path, since: int) -> frozenset[str]:
    """Return the files and links of a folder that were written since; git's own are left out."""
    found = scan(folder)
    return frozenset(
        path for path, status in (*found.files, *found.links) if status.st_ctime_ns >= since and not is_git_path(path)
    )


def _now(scratch: Path) -> int:
    os.utime(scratch)
    return os.lstat(scratch).st_ctime_ns
