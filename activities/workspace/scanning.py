"""What is in a folder, read without following anything.

Left out at any depth: folders of caches that tools fill again by themselves, and Python's virtual environments
(they hold absolute paths, so a copy of one is broken). They stay where they are in a folder that goes on to the
next step, and are gone from any other copy.
"""

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from activities.workspace.stat_cache import Known, is_as_known

CACHE_FOLDERS = frozenset(
    {"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".tox", ".nox", ".perdure-apply"}
)
"""Left out whether git ignores them or not. Compiled Python could even do harm: it is matched by times."""
SCAN_LIMIT = 500_000
"""Files after which a folder is too big whatever of it is ignored."""
VIRTUAL_ENVIRONMENT_MARK = "pyvenv.cfg"

Found = tuple[str, os.stat_result]


@dataclass(slots=True)
class Scan:
    """Paths relative to the folder, with their status."""

    files: list[Found] = field(default_factory=list[Found])
    unchanged: list[Known] = field(default_factory=list[Known])
    """Files that are as they were known; these are not among `files`."""
    links: list[Found] = field(default_factory=list[Found])
    folders: list[str] = field(default_factory=list[str])
    """All of them, parents before children."""
    empty_folders: list[str] = field(default_factory=list[str])
    special: list[str] = field(default_factory=list[str])
    """Sockets, pipes, devices."""
    left_out: list[str] = field(default_factory=list[str])
    """Folders of caches and virtual environments."""
    size: int = 0
    """Of all files together."""
    is_cut_short: bool = False
    """Whether there are more files than the limit, and the rest was not looked at."""


def scan(
    folder: Path,
    enter: Callable[[str, list[str]], bool] | None = None,
    limit: int | None = None,
    known: Mapping[str, Known] | None = None,
) -> Scan:
    """Walk a folder. `enter` is told each folder below and its names, and says whether to go in. Raises OSError.

    It is cut short at `limit` files (None: `SCAN_LIMIT`). `known`: what the files looked like earlier.
    """
    known = known or {}
    most = SCAN_LIMIT if limit is None else limit
    found = Scan()
    waiting = [""]
    while waiting:
        path = waiting.pop()
        items = _list(f"{folder}/{path}" if path else str(folder))
        names = [item.name for item in items]
        if path:
            if VIRTUAL_ENVIRONMENT_MARK in names:
                found.left_out.append(path)
                continue
            if enter is not None and not enter(path, names):
                continue
            found.folders.append(path)
        elif enter is not None:
            enter(path, names)
        below = _sort_in(found, items, f"{path}/" if path else "", known)
        if len(found.files) + len(found.unchanged) > most:
            found.is_cut_short = True
            break
        waiting.extend(below)
        if path and not items:
            found.empty_folders.append(path)
    return found


def _list(folder: str) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as items:
        return list(items)


def _sort_in(found: Scan, items: list[os.DirEntry[str]], prefix: str, known: Mapping[str, Known]) -> list[str]:
    """Put what a folder holds where it belongs; return the folders below."""
    below: list[str] = []
    unchanged, find, size = found.unchanged, known.get, 0
    for item in items:
        path = prefix + item.name
        status = item.stat(follow_symlinks=False)
        mode = status.st_mode
        if stat.S_ISREG(mode):
            size += status.st_size
            earlier = find(path)
            if earlier is not None and is_as_known(earlier, status):
                unchanged.append(earlier)
            else:
                found.files.append((path, status))
        elif stat.S_ISDIR(mode):
            (found.left_out if item.name in CACHE_FOLDERS else below).append(path)
        elif stat.S_ISLNK(mode):
            found.links.append((path, status))
        else:
            found.special.append(path)
    found.size += size
    return below
