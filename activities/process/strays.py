"""What a killed worker may leave behind: noted on file while it runs, ended when the next worker starts.

Each worker process has one folder, `strays/PID-START` under its work folder, with a file per running tree:
pid, start time, marker. `sweep` ends only a process whose pid *and* start time are those on file, what bears the
marker (random, unguessable), and their descendants; and only for workers that live no more. In a pid namespace
the tree dies with the worker and there is nothing left to sweep, unless a program killed its own watcher.
"""

import json
import os
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from activities.process import process_table
from activities.process.isolation import MARKER

_DEADLINE = 5.0


@dataclass(frozen=True, slots=True)
class Registry:
    """Where this worker notes what it runs."""

    folder: Path


_registry: Registry | None = None  # one per process, as the worker is: set by `sweep`, read by `register`


def sweep(work: Path) -> list[int]:
    """End what earlier workers on `work` left running; return the pids. From now on `register` notes there.

    Call it once, before the worker takes tasks. Blocks.
    """
    global _registry  # noqa: PLW0603 # see there
    base = work / "strays"
    base.mkdir(parents=True, exist_ok=True)
    ended: list[int] = []
    for folder in sorted(base.iterdir()):
        if not _is_alive(folder.name):
            ended += _end_all(folder)
            shutil.rmtree(folder, ignore_errors=True)
    ourselves = process_table.read(os.getpid())
    if ourselves is not None:
        folder = base / f"{ourselves.pid}-{ourselves.start_time}"
        folder.mkdir(exist_ok=True)
        _registry = Registry(folder)
    return ended


def register(pid: int, token: str) -> Path | None:
    """Note that the tree of `pid` runs; return what `forget` takes. Without a swept folder nothing is noted."""
    if _registry is None or (process := process_table.read(pid)) is None:
        return None
    note = _registry.folder / token
    try:
        note.write_text(json.dumps({"pid": pid, "start_time": process.start_time, "token": token}))
    except OSError:
        return None  # a full disk must not stop the step; the namespace or the next kill still holds
    return note


def forget(note: Path | None) -> None:
    """Take back a note: the tree is gone."""
    if note is not None:
        with suppress(OSError):
            note.unlink()


def _is_alive(name: str) -> bool:
    pid, _, start_time = name.partition("-")
    if not (pid.isdigit() and start_time.isdigit()):
        return True  # not ours to judge
    process = process_table.read(int(pid))
    return process is not None and process.start_time == int(start_time) and not process.is_zombie


def _end_all(folder: Path) -> list[int]:
    ended: set[int] = set()
    deadline = time.monotonic() + _DEADLINE
    for note in folder.iterdir():
        while time.monotonic() < deadline and (left := _left_of(note)):
            for process in left:
                process_table.kill(process)
                ended.add(process.pid)
    return sorted(ended)


def _left_of(note: Path) -> list[process_table.Process]:
    try:
        content = json.loads(note.read_bytes())
        pid, start_time, token = int(content["pid"]), int(content["start_time"]), str(content["token"])
    except (OSError, ValueError, TypeError, KeyError):
        return []  # cut off while it was written
    root = process_table.read(pid)
    roots = {pid} if root is not None and root.start_time == start_time else set[int]()
    return [process for process in process_table.members(roots, f"{MARKER}={token}".encode()) if not process.is_zombie]
