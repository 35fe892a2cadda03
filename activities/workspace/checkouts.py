"""Checkouts: the private folders of one worker, in which steps run.

    <root>/<execution id>/<number>/               a home, with the folder and what is known of it (see `slots`)
    <root>/<execution id>/<number>/lock           held (flock) while a step uses the folder, touched at each use

Whoever holds a folder has it alone, also among processes. Steps in a row get the same folder, side by side
each its own. A folder is trusted to be at a tree only if its state says so, in this boot of the machine (a power
loss may keep the state and lose the files); without it, a folder this process knows is compared and mended, any
other is thrown away. Caches and virtual environments that a step made stay for the next step in the same folder,
and only there; whatever goes back (a new attempt) or elsewhere starts without them.
"""

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from activities.store.canonical_json import digest_of
from activities.store.interface import Store
from activities.store.keys import encode_name
from activities.workspace.manifest import Manifest
from activities.workspace.removal import remove_tree
from activities.workspace.restoring import refused
from activities.workspace.slots import lay_out, record, recorded_tree, take_in
from activities.workspace.small_trees import is_as_before, is_at, is_taken_up, now_kept
from activities.workspace.stat_cache import STAT_CACHES

LEFT_OVER_AFTER = timedelta(days=1)
"""Folders that nobody used for longer belong to runs that have ended or went elsewhere."""
_TRASH = "%trash-"
"""No encoded execution id begins so."""
_LONGEST_NAME = 150

Answer = TypeVar("Answer")


@dataclass(slots=True)
class _Slot:
    """A folder of a run with its lock, held by us."""

    home: Path
    lock: int

    @property
    def folder(self) -> Path:
        return self.home / "workspace"

    def release(self) -> None:
        os.close(self.lock)


class Checkouts:
    """The private folders below `root`. One instance a process."""

    def __init__(self, root: Path, store: Store) -> None:
        self._root = root.absolute()
        self._store = store

    @contextlib.asynccontextmanager
    async def hold(self, execution_id: str, path: str, tree: str | None) -> AsyncGenerator[Path]:
        """Hold a folder whose content is exactly `tree` (None: empty), for the step at `path` of a run.

        Raises:
            StepFailure: the disk is full or the folder cannot be written; `BlobMissing`: the tree is gone.
        """
        slot = self._take_standing(execution_id, tree) or await _finish(lambda: self._take_at(execution_id, tree))
        try:
            yield slot.folder
        finally:
            slot.release()

    async def record(self, folder: Path, manifest: Manifest) -> None:
        """Take note that a held folder is at `manifest` now (it was just snapshotted)."""
        await _finish(lambda: record(folder.parent, manifest))

    async def snapshot(self, folder: Path, previous: Manifest) -> Manifest:
        """Keep what a held folder holds now, and record it as its state."""
        if is_as_before(folder.parent, previous):
            return previous
        manifest = await _finish(lambda: take_in(self._store, folder.parent, previous))
        now_kept(folder.parent, manifest)
        return manifest

    async def discard(self, execution_id: str) -> None:
        """Remove the folders of a run that has ended; those still held are left for later."""
        await _finish(lambda: self._remove_run(self._run_folder(execution_id)))

    async def remove_leftovers(self, older_than: timedelta = LEFT_OVER_AFTER) -> int:
        """Remove the folders of runs that nobody used for a while; return how many runs. For a worker's start."""
        return await _finish(lambda: self._remove_leftovers(older_than))

    def _take_standing(self, execution_id: str, tree: str | None) -> _Slot | None:
        """Return a small folder of the run that stands at the tree: most steps follow one that changed no file."""
        run = self._run_folder(execution_id)
        with contextlib.suppress(OSError):
            for home in (run / str(number) for number in sorted(_numbers(run))):
                slot = _lock(home) if is_at(home, tree) else None
                if slot is not None and _is_taken_up(slot, tree):
                    return slot
        return None

    # --- blocking, in threads -----------------------------------------------------------------------

    def _run_folder(self, execution_id: str) -> Path:
        name = encode_name(execution_id)
        if len(name) > _LONGEST_NAME:
            name = f"{name[:_LONGEST_NAME]}-{digest_of(name.encode())[:16]}"
        return self._root / name

    def _take_at(self, execution_id: str, tree: str | None) -> _Slot:
        """Return a folder of the run, brought to the tree."""
        slot = self._take(execution_id, tree)
        try:
            lay_out(self._store, slot.home, tree)
        except BaseException:
            slot.release()
            raise
        return slot

    def _take(self, execution_id: str, tree: str | None) -> _Slot:
        """Return a free folder of the run: the one at `tree` if there is one, else any, else a new one."""
        run = self._run_folder(execution_id)
        try:
            run.mkdir(parents=True, exist_ok=True)
            homes = [run / str(number) for number in sorted(_numbers(run))]
            homes.sort(key=lambda home: recorded_tree(home / "state.json") != tree)
            for home in homes:
                if (slot := _lock(home)) is not None:
                    return slot
            return self._new_slot(run, len(homes) + 1)
        except OSError as error:
            raise refused(run, error) from error

    @staticmethod
    def _new_slot(run: Path, number: int) -> _Slot:
        while True:
            home = run / str(number)
            home.mkdir(parents=True, exist_ok=True)
            if (slot := _lock(home)) is not None:
                return slot
            number += 1

    def _remove_leftovers(self, older_than: timedelta) -> int:
        oldest = (datetime.now(UTC) - older_than).timestamp()
        removed = 0
        with contextlib.suppress(OSError):
            for run in sorted(self._root.iterdir()):
                if run.name.startswith(_TRASH):
                    remove_tree(run)
                elif _last_use(run) < oldest:
                    removed += self._remove_run(run)
        return removed

    def _remove_run(self, run: Path) -> bool:
        """Remove a run's folders unless one is held: first out of sight by one rename, then for good."""
        slots: list[_Slot] = []
        try:
            for number in _numbers(run):
                slot = _lock(run / str(number))
                if slot is None:
                    return False
                slots.append(slot)
            trash = self._root / f"{_TRASH}{os.getpid()}-{os.urandom(6).hex()}"
            run.rename(trash)
            for slot in slots:
                STAT_CACHES.forget(slot.folder)
            remove_tree(trash)
        except OSError:
            return False  # what is left is taken up by the next worker's start
        finally:
            for slot in slots:
                slot.release()
        return True


async def _finish(work: Callable[[], Answer]) -> Answer:
    """Run blocking work in a thread, to its end also when cancelled: a folder must not be let go while written."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        with contextlib.suppress(Exception):
            await _uncancelled(task)
        if not task.cancelled() and task.exception() is None and isinstance(answer := task.result(), _Slot):
            answer.release()
        raise


async def _uncancelled(task: "asyncio.Future[Answer]") -> None:
    while not task.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.shield(task)


def _numbers(run: Path) -> list[int]:
    try:
        return [int(name) for name in os.listdir(run) if name.isdecimal()]
    except FileNotFoundError:
        return []


def _lock(home: Path) -> _Slot | None:
    """Take a folder's lock if it is free, and not removed in this moment."""
    path = home / "lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_ino == os.stat(path).st_ino:
            os.utime(path)
            return _Slot(home, descriptor)
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None


def _is_taken_up(slot: _Slot, tree: str | None) -> bool:
    """Whether a held folder stands at the tree; let go where it does not."""
    try:
        is_taken = is_taken_up(slot.home, tree)
    except OSError:
        is_taken = False
    if not is_taken:
        slot.release()
    return is_taken


def _last_use(run: Path) -> float:
    """Return when a run's folders were last taken (a run folder without any: when it was made)."""
    times = [run.stat().st_mtime]
    for number in _numbers(run):
        with contextlib.suppress(FileNotFoundError):
            times.append((run / str(number) / "lock").stat().st_mtime)
    return max(times)
