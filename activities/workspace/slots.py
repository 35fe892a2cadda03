"""What is done to a checkout's folder while it is held: laid out, snapshotted, recorded.

    <home>/workspace      the files
    <home>/stats.json     what they looked like when they were last recorded
    <home>/state.json     which tree that was: written last, removed first

These functions know a folder by its home alone, so big trees are handled by a process of the pool: always the same
one for a folder.
"""

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path

from activities.store.interface import BlobMissing, Store
from activities.workspace.manifest import HEAVY, Manifest, load_manifest, save_manifest
from activities.workspace.pool import in_pool
from activities.workspace.removal import remove_tree
from activities.workspace.restoring import bring_to, refused
from activities.workspace.snapshots import FolderIsBig, snapshot
from activities.workspace.stat_cache import STAT_CACHES, StatCache

STATE_VERSION = 1


def lay_out(store: Store, home: Path, tree: str | None) -> None:
    """Bring a home's folder to the tree, a big one in the pool. Blocks. Raises `StepFailure`, `BlobMissing`."""
    if load_manifest(store, tree).count > HEAVY:
        in_pool(store, str(home), lay_out_here, store, home, tree)
    else:
        lay_out_here(store, home, tree)


def lay_out_here(store: Store, home: Path, tree: str | None) -> None:
    """Bring a home's folder to the tree. Its state is gone from here until the next `record`."""
    folder, state = home / "workspace", home / "state.json"
    manifest = load_manifest(store, tree)
    try:
        recorded = recorded_tree(state)
        state.unlink(missing_ok=True)
        stats = STAT_CACHES.get(folder)
        if recorded is not None and stats is None:
            stats = StatCache.load(home / "stats.json")
        if stats is None and folder.exists():
            remove_tree(folder)
    except OSError as error:
        raise refused(folder, error) from error
    stays = recorded is not None and recorded == manifest.digest
    STAT_CACHES.forget(folder)
    try:
        fresh = bring_to(store, manifest, folder, stats or StatCache(), keep_left_out=stays)
    except BaseException:
        with contextlib.suppress(OSError):
            remove_tree(folder)  # half of a tree helps nobody, and a full disk wants the room
        raise
    STAT_CACHES.put(folder, fresh)


def take_in(store: Store, home: Path, previous: Manifest) -> Manifest:
    """Keep what a home's folder holds now and record it, a big one in the pool. Blocks. Raises `StepFailure`."""
    if previous.count <= HEAVY:
        with contextlib.suppress(FolderIsBig):
            manifest = kept(
                store, lambda stats: snapshot(store, home / "workspace", previous, stats=stats, limit=HEAVY)
            )
            record(home, manifest)
            return manifest
    digest, notes = in_pool(store, str(home), take_in_here, store, home, save_manifest(store, previous))
    if digest == previous.digest and not notes:
        return previous
    return load_manifest(store, digest).noted(notes)


def take_in_here(store: Store, home: Path, previous: str) -> tuple[str, tuple[str, ...]]:
    """Keep and record; return the tree's digest and the notes on it."""
    before = load_manifest(store, previous)
    manifest = kept(store, lambda stats: snapshot(store, home / "workspace", before, stats=stats))
    record(home, manifest)
    return manifest.digest, manifest.notes


def kept(store: Store, read: Callable[[StatCache | None], Manifest]) -> Manifest:
    """Keep a tree that `read` reads; all anew where a file is as it was and its content is gone from the store."""
    manifest = read(None)
    try:
        save_manifest(store, manifest)
    except BlobMissing:
        manifest = read(StatCache())
        save_manifest(store, manifest)
    return manifest


def record(home: Path, manifest: Manifest) -> None:
    """Write the stats, then the state that makes them trusted. Without (a full disk), the folder is not reused."""
    document = {"version": STATE_VERSION, "boot": _boot(), "tree": manifest.digest}
    with contextlib.suppress(OSError):
        stats = STAT_CACHES.get(home / "workspace")
        if stats is not None:
            stats.save_changes(home / "stats.json")
        temporary = home / "state.new"
        temporary.write_text(json.dumps(document), encoding="ascii")
        temporary.replace(home / "state.json")


def recorded_tree(state: Path) -> str | None:
    """Return the tree that a folder is at, as far as that can be trusted."""
    try:
        document = json.loads(state.read_text(encoding="ascii"))
        if document["version"] == STATE_VERSION and document["boot"] == _boot():
            return str(document["tree"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def _boot() -> str:
    """Return what names this boot of the machine; where there is none, states last as long as this process."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return f"process {os.getpid()}"
