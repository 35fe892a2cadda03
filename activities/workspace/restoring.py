"""From a tree to a folder: only what differs is touched, and nothing outside of the folder can be.

A tree is trusted as far as `load_manifest` has checked it: relative paths, nothing below a link, no link that
leads out. Each folder on the way is opened by its descriptor without following links, and each file is made
anew (`O_EXCL`), so that even a link laid by someone in this very moment is not written through.
"""

import contextlib
import hashlib
import os
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import NamedTuple

from activities.store.failures import is_full, reason
from activities.store.interface import Arrival, Store
from activities.workspace.collisions import check_collisions
from activities.workspace.ignores import IGNORE_FILES
from activities.workspace.manifest import Entry, Manifest, parents, printable
from activities.workspace.removal import is_too_deep, remove_file, remove_tree
from activities.workspace.scanning import Scan, scan
from activities.workspace.snapshots import Selection, ignore_files_seen
from activities.workspace.stat_cache import StatCache, basis_of, restored_time
from definitions.errors import ErrorClass, StepFailure

LANES = min(4, os.cpu_count() or 1)
PARTS_OF = 256
"""Files that one thread takes at a time; fewer are not spread."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def restore(store: Store, manifest: Manifest, folder: Path) -> StatCache:
    """Make `folder` hold exactly the tree; return what its files look like. Blocks. Raises `StepFailure`."""
    return bring_to(store, manifest, folder, StatCache())


def bring_to(
    store: Store, manifest: Manifest, folder: Path, stats: StatCache, *, keep_left_out: bool = False
) -> StatCache:
    """Bring a folder in whatever state to the tree, touching only what differs from it. Blocks.

    Files that `stats` does not know are written anew. `keep_left_out`: caches and virtual environments stay.

    Raises:
        StepFailure: the disk is full, or the folder cannot be written; `BlobMissing`: content is gone.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if keep_left_out and _is_there(folder, manifest, stats):
            return stats
        fresh = stats.renewed()
        present = _remove_others(folder, _found(folder), manifest, stats, fresh, keep_left_out)
        missing = [entry for entry in manifest.entries if entry.path not in present]
        if missing:
            check_collisions(folder, (entry.path for entry in manifest.entries))
            _write_all(store, folder, missing, fresh)
        _give_basis(folder, manifest, stats, fresh)
    except OSError as error:
        raise refused(folder, error) from error
    return fresh


def _found(folder: Path) -> Scan:
    """Return what is in a folder; one that a step made too deep to look into is emptied."""
    try:
        return scan(folder)
    except OSError as error:
        if not is_too_deep(error):
            raise
    remove_tree(folder)
    folder.mkdir()
    return Scan()


def _is_there(folder: Path, manifest: Manifest, stats: StatCache) -> bool:
    """Whether the folder holds the tree already, by what its files look like."""
    basis = stats.basis
    if basis is None or basis.unlearned or basis.manifest != manifest:
        return False
    found = scan(folder, known=stats.files)
    links = {Entry(path, "l", target=os.readlink(folder / path)) for path, _ in found.links}
    others = links | {Entry(path, "d") for path in found.empty_folders}
    is_same = not found.files and not found.special and len(found.unchanged) == len(stats.files)
    return is_same and others == {entry._replace(ignored=False) for entry in basis.others}


def _give_basis(folder: Path, manifest: Manifest, earlier: StatCache, fresh: StatCache) -> None:
    """Let the next snapshot start from this tree: its flags are those of the ignore files that are in it."""
    fresh.basis = basis_of(manifest, fresh.files, Selection().facts)
    names = {path for path in fresh.files if path.endswith(IGNORE_FILES)}
    fresh.ignore_files = ignore_files_seen(folder, {*names, ".git/info/exclude"})
    if fresh.ignore_files != earlier.ignore_files:
        fresh.verdicts = {}


def _write_all(store: Store, folder: Path, missing: list[Entry], stats: StatCache) -> None:
    """Write entries as their contents come to hand, some side by side: making a file costs the system more than us."""
    parts = _parts(store, missing)
    if len(missing) <= PARTS_OF or LANES == 1:
        for part in parts:
            _Writer(store, folder, stats).write(part.entries)
        return
    writing: deque[Future[None]] = deque()
    with ThreadPoolExecutor(LANES, "perdure-restoring") as threads:
        try:
            for part in parts:
                if len(writing) > LANES:  # contents that wait take memory
                    writing.popleft().result()
                # with its context, in which a store that is away finds for whom it waits
                writing.append(threads.submit(copy_context().run, _write_part, store, folder, stats, part))
                del part
            for done in writing:
                done.result()
        finally:
            threads.shutdown(cancel_futures=True)


def _write_part(store: Store, folder: Path, stats: StatCache, part: "_Part") -> None:
    _Writer(store, folder, stats).write(part.entries)


def _parts(store: Store, missing: list[Entry]) -> Iterator["_Part"]:
    """Yield entries in parts, each sorted by path: folders and links, then files as their contents come to hand."""
    places: dict[str, list[int]] = {}
    for place, entry in enumerate(missing):
        if entry.type == "f":
            places.setdefault(entry.digest, []).append(place)
    yield _Part([entry for entry in missing if entry.type != "f"])
    for arrival in store.arriving(places):
        found = sorted(place for digest in arrival.digests for place in places[digest])
        for start in range(0, len(found), PARTS_OF):
            yield _Part([missing[place] for place in found[start : start + PARTS_OF]], arrival)


def _remove_others(
    folder: Path, found: Scan, manifest: Manifest, stats: StatCache, fresh: StatCache, keep_left_out: bool
) -> set[str]:
    """Remove whatever is not of the tree; return the paths that are there as they shall be."""
    present: set[str] = set()
    now = time.time_ns()
    for path, status in found.files:
        wanted = manifest.by_path.get(path)
        known = stats.find(path, status)
        if wanted is None or not _is_as_wanted(folder, wanted, known, status):
            remove_file(folder / path)
            continue
        present.add(path)
        if wanted == known:
            fresh.keep(stats, path)
        else:
            fresh.learn(status, wanted, now)
    for path, _ in found.links:
        wanted = manifest.by_path.get(path)
        if wanted is not None and wanted.type == "l" and os.readlink(folder / path) == wanted.target:
            present.add(path)
        else:
            remove_file(folder / path)
    gone = [*found.special, *(() if keep_left_out else found.left_out)]
    for path in gone:
        remove_tree(folder / path)
    _remove_folders(folder, found, manifest)
    return present


def _is_as_wanted(folder: Path, wanted: Entry, known: Entry | None, status: os.stat_result) -> bool:
    """Whether a file is what the tree has there; one that the stat cache could not vouch for is read."""
    if known is not None:
        return wanted.content == known.content
    if (wanted.type, wanted.size, wanted.executable) != ("f", status.st_size, bool(status.st_mode & 0o100)):
        return False
    with (folder / wanted.path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == wanted.digest


def _remove_folders(folder: Path, found: Scan, manifest: Manifest) -> None:
    wanted = {parent for entry in manifest.entries for parent in parents(entry.path)}
    wanted |= {entry.path for entry in manifest.entries if entry.type == "d"}
    wanted |= {parent for path in found.left_out for parent in parents(path) if (folder / path).exists()}
    for path in reversed(found.folders):
        if path not in wanted:
            remove_tree(folder / path)


class _Part(NamedTuple):
    """What one thread writes at a time."""

    entries: list[Entry]
    arrival: Arrival | None = None
    """By this the contents stay at hand."""


class _Writer:
    """Writes entries in path order; keeps the folders on the way open, as a stack."""

    def __init__(self, store: Store, folder: Path, stats: StatCache) -> None:
        self._store = store
        self._folder = folder
        self._stats = stats
        self._open: list[tuple[str, int]] = []

    def write(self, entries: list[Entry]) -> None:
        """Write entries, which are sorted by path. Raises OSError, `BlobMissing`."""
        root = os.open(self._folder, _FOLDER)
        self._open.append(("", root))
        try:
            for entry in entries:
                self._write_one(entry)
        finally:
            for _, descriptor in self._open:
                os.close(descriptor)

    def _write_one(self, entry: Entry) -> None:
        folder, _, name = entry.path.rpartition("/")
        if entry.type == "d":
            self._enter(entry.path)
            return
        parent = self._enter(folder)
        if entry.type == "l":
            os.symlink(entry.target, name, dir_fd=parent)
            return
        self._store.copy_blob_to(entry.digest, Path(name), executable=entry.executable, folder_descriptor=parent)
        moment = restored_time(entry)
        os.utime(name, ns=(moment, moment), dir_fd=parent, follow_symlinks=False)
        self._stats.learn(os.stat(name, dir_fd=parent, follow_symlinks=False), entry, time.time_ns())

    def _enter(self, path: str) -> int:
        """Open (and make) the folder at `path`, going up from where the last entry was."""
        while not _is_within(path, self._open[-1][0]):
            os.close(self._open.pop()[1])
        place, descriptor = self._open[-1]
        rest = path[len(place) :].strip("/")
        for name in rest.split("/") if rest else ():
            place = f"{place}/{name}" if place else name
            descriptor = _open_folder(name, descriptor)
            self._open.append((place, descriptor))
        return descriptor


def _is_within(path: str, folder: str) -> bool:
    return not folder or path == folder or path.startswith(folder + "/")


def _open_folder(name: str, parent: int) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=parent)
    except FileNotFoundError:
        with contextlib.suppress(FileExistsError):  # another thread makes it in this moment
            os.mkdir(name, dir_fd=parent)
        return os.open(name, _FOLDER, dir_fd=parent)


def refused(folder: Path, error: OSError) -> StepFailure:
    """Return the failure of writing to a private copy."""
    place = printable(str(error.filename or folder))
    remedy = "free space there" if is_full(error) else "look at that folder and its disk"
    return StepFailure(
        ErrorClass.WORKSPACE,
        f"cannot write `{place}` in the private copy of the workspace at `{folder}`: {reason(error)}; {remedy}, "
        "or set `PERDURE_HOME` to a folder on another disk",
    )
