"""The stat cache: which files of a folder need not be read again, as git's index knows it.

A file is believed unchanged when size, times, inode and mode are those it had when it was read. As in git, a
file that was written in the very moment of reading is not believed: another write in the same tick of the clock
would not show (`racy`). Restored files carry a time in the past that follows from their content, so they are
believed at once, and tools that compare times (compiled Python) see another content as another time.
"""

import json
import os
import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from activities.workspace.manifest import Entry, Manifest

CACHE_VERSION = 1
REMEMBERED_FILES = 500_000
"""Files of all folders together that are remembered; the folders used longest ago are forgotten first."""
CLOCK_TICK = 20_000_000
"""Nanoseconds that file times may lag behind: several ticks of the slowest Linux clock (10 ms)."""
COARSE_TICK = 2_000_000_000
"""The same on file systems that keep whole seconds."""
PLAIN_SINCE = 1_262_304_000
IGNORED_SINCE = 946_684_800
"""Restored files are of 2010 to 2020, ignored ones (build outputs) of 2000 to 2010, so `make` builds them again."""
TEN_YEARS = 10 * 365 * 86_400


class Known(NamedTuple):
    """What a file looked like when its content was read."""

    size: int
    modified: int
    changed: int
    inode: int
    mode: int
    entry: Entry


def is_as_known(known: Known, status: os.stat_result) -> bool:
    """Whether a file looks as it did."""
    return (
        known.modified == status.st_mtime_ns
        and known.changed == status.st_ctime_ns
        and known.size == status.st_size
        and known.inode == status.st_ino
        and known.mode == status.st_mode
    )


@dataclass(frozen=True, slots=True)
class Basis:
    """The tree that a folder was at when its files were seen last: what is as it was need not be put together again."""

    manifest: Manifest
    others: frozenset[Entry]
    """Its links and empty folders."""
    unlearned: frozenset[str]
    """Its files that could have changed unseen."""
    facts: Hashable = None
    """What else decided what is part of it."""
    stands_alone: bool = False
    """Whether no earlier tree had a say in what is ignored."""


def basis_of(
    manifest: Manifest, files: Mapping[str, Known], facts: Hashable = None, *, stands_alone: bool = False
) -> Basis:
    """Return the basis of a whole tree whose files `files` knows."""
    others = frozenset(entry for entry in manifest.entries if entry.type != "f")
    unlearned = frozenset(entry.path for entry in manifest.entries if entry.type == "f" and entry.path not in files)
    return Basis(manifest, others, unlearned, facts, stands_alone)


class StatCache:
    """Files of one folder by path. Not shared between threads while it changes: replaced, not edited."""

    def __init__(self) -> None:
        self.files: dict[str, Known] = {}
        self.ignore_files: frozenset[tuple[str, int, int, int]] | None = None
        """The ignore files under which `verdicts` were made."""
        self.verdicts: dict[str, bool] = {}
        """Whether the ignore files ignore a path; kept in memory only."""
        self.basis: Basis | None = None
        """Kept in memory only."""
        self.kept: tuple[str, float] = ("", 0.0)
        """The tree that was kept last, and when (`time.monotonic`); in memory only."""
        self._saved: dict[str, Known] | None = None

    def renewed(self) -> "StatCache":
        """Return an empty cache for the same folder, to be filled with what is seen there now."""
        fresh = StatCache()
        fresh.ignore_files, fresh.verdicts, fresh._saved = self.ignore_files, self.verdicts, self._saved
        return fresh

    def find(self, path: str, status: os.stat_result) -> Entry | None:
        """Return what is at `path` if it is as it was."""
        known = self.files.get(path)
        return known.entry if known is not None and is_as_known(known, status) else None

    def learn(self, status: os.stat_result, entry: Entry, now: int) -> None:
        """Take note of a file that was read (or written) at `now`, unless it could still change unseen."""
        modified = status.st_mtime_ns
        tick = COARSE_TICK if modified % 1_000_000_000 == 0 else CLOCK_TICK
        if modified < now - tick:
            self.files[entry.path] = Known(
                status.st_size, modified, status.st_ctime_ns, status.st_ino, status.st_mode, entry
            )

    def forget(self) -> None:
        """Know nothing any more."""
        self.files, self.basis = {}, None

    def keep(self, older: "StatCache", path: str) -> None:
        """Take over what `older` knows of a file that is as it was."""
        self.files[path] = older.files[path]

    def save_changes(self, path: Path) -> None:
        """Write it beside its folder, unless that is done already. Raises OSError."""
        if self.files != self._saved:
            self.save(path)
            self._saved = self.files

    def save(self, path: Path) -> None:
        """Write it beside its folder. Raises OSError."""
        temporary = path.with_name(f"{path.name}.{os.getpid()}")
        rows = [[*known[:5], *known.entry] for known in self.files.values()]
        document = {"version": CACHE_VERSION, "files": rows}
        temporary.write_text(json.dumps(document, separators=(",", ":")), encoding="ascii")
        temporary.replace(path)

    @classmethod
    def load(cls, path: Path) -> "StatCache":
        """Read what `save` wrote; an empty one where that is absent or not sound."""
        cache = cls()
        try:
            document = json.loads(path.read_text(encoding="ascii"))
            if document["version"] != CACHE_VERSION:
                return cache
            files = {row[5]: Known(*row[:5], entry=Entry(*row[5:])) for row in document["files"]}
            cache.files = cache._saved = files
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            return cls()
        return cache


def restored_time(entry: Entry) -> int:
    """Return the time (ns) that a restored file carries: the same for the same content, never lately."""
    since = IGNORED_SINCE if entry.ignored else PLAIN_SINCE
    return (since + int(entry.digest[:12], 16) % TEN_YEARS) * 1_000_000_000


class StatCaches:
    """The stat caches of this process, by folder."""

    def __init__(self) -> None:
        self._by_folder: OrderedDict[str, StatCache] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, folder: Path) -> StatCache | None:
        """Return the cache of a folder, if it has one."""
        with self._lock:
            return self._by_folder.get(str(folder))

    def put(self, folder: Path, cache: StatCache) -> None:
        """Make `cache` the one of a folder."""
        with self._lock:
            self._by_folder[str(folder)] = cache
            self._by_folder.move_to_end(str(folder))
            held = sum(len(kept.files) for kept in self._by_folder.values())
            while held > REMEMBERED_FILES and len(self._by_folder) > 1:
                _, dropped = self._by_folder.popitem(last=False)
                held -= len(dropped.files)

    def forget(self, folder: Path) -> None:
        """Drop what is known of a folder."""
        with self._lock:
            self._by_folder.pop(str(folder), None)


STAT_CACHES = StatCaches()
