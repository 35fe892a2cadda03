"""A small folder that stands as it was: seen in a moment, where the way to a thread and back takes longer.

Most steps change no file. Then nothing is to be laid out before the next one, and nothing to be kept. Whoever asks here
looks at no more names than the tree has, whatever a step has made, and asks no store; on any doubt the answer is
no, and the long way (`slots`) finds out.
"""

import os
import stat
import time
from pathlib import Path

from activities.workspace.entries import Entry, parents
from activities.workspace.manifest import EMPTY, Manifest
from activities.workspace.scanning import CACHE_FOLDERS
from activities.workspace.slots import record, recorded_tree
from activities.workspace.stat_cache import STAT_CACHES, StatCache, is_as_known

SMALL = 64
"""Paths of a tree that are looked at without a thread, at most."""
SURE_FOR = 600.0
"""Seconds for which a tree that was kept needs no other look whether a sweep could take it."""


def is_at(home: Path, tree: str | None) -> bool:
    """Whether a home is recorded at the tree, by a state that can be trusted and by what this process remembers."""
    digest = EMPTY.digest if tree is None else tree
    return _known(home, digest) is not None and recorded_tree(home / "state.json") == digest


def is_taken_up(home: Path, tree: str | None) -> bool:
    """Whether a held home's folder is at the tree; then its state is gone, as after `lay_out`. Raises OSError."""
    stats = _known(home, EMPTY.digest if tree is None else tree)
    if stats is None or not is_at(home, tree) or not _stands(home / "workspace", stats):
        return False
    (home / "state.json").unlink()
    return True


def is_as_before(home: Path, previous: Manifest) -> bool:
    """Whether a held home's folder is still at the tree, which was kept a moment ago; then it is recorded so."""
    stats = None if previous.notes else _known(home, previous.digest)
    if stats is None or not _is_sure(stats, previous.digest) or not _stands(home / "workspace", stats):
        return False
    record(home, previous)
    return True


def now_kept(home: Path, manifest: Manifest) -> None:
    """Remember that a home's tree is in the store, and young there."""
    stats = STAT_CACHES.get(home / "workspace")
    if stats is not None:
        stats.kept = (manifest.digest, time.monotonic())


def _is_sure(stats: StatCache, digest: str) -> bool:
    kept, moment = stats.kept
    return kept == digest and time.monotonic() - moment < SURE_FOR


def _known(home: Path, digest: str) -> StatCache | None:
    """Return what is known of a home's folder, if that was at the tree when it was seen last, and is small."""
    stats = STAT_CACHES.get(home / "workspace")
    if stats is None or stats.basis is None or stats.basis.unlearned or stats.basis.manifest.count > SMALL:
        return None
    return stats if _tree_of(stats) == digest else None


def _tree_of(stats: StatCache) -> str:
    return "" if stats.basis is None else stats.basis.manifest.digest


def _stands(folder: Path, stats: StatCache) -> bool:
    """Whether all is there as it was, and nothing else; ends at the first thing that is not."""
    others = frozenset[Entry]() if stats.basis is None else stats.basis.others
    if any(entry.ignored for entry in others):
        return False
    known = dict.fromkeys(stats.files, "f") | {entry.path: entry.type for entry in others}
    known |= {parent: "d" for path in list(known) for parent in parents(path)}
    links = {entry.path: entry.target for entry in others if entry.type == "l"}
    try:
        return _walk(str(folder), known, stats, links) == len(known)
    except OSError:
        return False


def _walk(folder: str, known: dict[str, str], stats: StatCache, links: dict[str, str]) -> int:
    """Return how many known paths are there as they were; less than none where something else is."""
    seen = 0
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        with os.scandir(f"{folder}/{prefix}") as items:
            for item in items:
                path = prefix + item.name
                if item.name in CACHE_FOLDERS and item.is_dir(follow_symlinks=False):
                    continue
                if not _is_as_it_was(item, known.get(path), stats, links.get(path), path):
                    return -1
                seen += 1
                if known[path] == "d":
                    waiting.append(f"{path}/")
    return seen


def _is_as_it_was(item: os.DirEntry[str], kind: str | None, stats: StatCache, target: str | None, path: str) -> bool:
    match kind:
        case "f":
            return is_as_known(stats.files[path], item.stat(follow_symlinks=False))
        case "l":
            return item.is_symlink() and os.readlink(item.path) == target
        case "d":
            return stat.S_ISDIR(item.stat(follow_symlinks=False).st_mode)
        case _:
            return False
