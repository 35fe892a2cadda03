import asyncio
import errno
import json
import os
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from activities.store.directory import DirectoryStore
from activities.store.interface import BlobMissing, Store
from activities.workspace import checkouts as module
from activities.workspace import slots
from activities.workspace.checkouts import Checkouts
from activities.workspace.manifest import Manifest, save_manifest
from activities.workspace.stat_cache import STAT_CACHES, StatCache
from definitions.errors import ErrorClass, StepFailure
from tests.activities.workspace.trees import make, read, tree

LAYOUT = {"a": "1", "d/b": "2"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "work"


@pytest.fixture
def checkouts(root: Path, store: Store) -> Checkouts:
    return Checkouts(root, store)


@pytest.fixture
def manifest(store: Store) -> Manifest:
    manifest = tree(store, LAYOUT)
    save_manifest(store, manifest)
    return manifest


def forget_everything(root: Path) -> None:
    """Be a new process: nothing in memory."""
    for state in root.glob("*/*/workspace"):
        STAT_CACHES.forget(state)


async def test_folder_holds_the_tree_when_held(checkouts: Checkouts, root: Path, manifest: Manifest) -> None:
    async with checkouts.hold("run-1", "build", manifest.digest) as folder:
        assert read(folder) == LAYOUT
        assert folder == root / "run-1" / "1" / "workspace"


async def test_folder_is_empty_when_there_is_no_workspace(checkouts: Checkouts, manifest: Manifest) -> None:
    async with checkouts.hold("run-1", "a", manifest.digest):
        pass
    async with checkouts.hold("run-1", "b", None) as folder:
        assert read(folder) == {}


async def test_folder_is_reused_in_place_when_it_is_at_the_tree(
    checkouts: Checkouts, manifest: Manifest, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with checkouts.hold("run-1", "a", manifest.digest) as folder:
        make(folder, {"a": "9", "__pycache__/x.pyc": "c"})
        after = await checkouts.snapshot(folder, manifest)
        save_manifest(store, after)
        inode = (folder / "a").stat().st_ino
    monkeypatch.setattr(DirectoryStore, "copy_blob_to", None)
    monkeypatch.setattr(os, "fsync", None)
    async with checkouts.hold("run-1", "b", after.digest) as folder:
        assert (folder / "a").stat().st_ino == inode
        assert read(folder) == LAYOUT | {"a": "9", "__pycache__/x.pyc": "c"}
        assert await checkouts.snapshot(folder, after) is after


async def test_folder_starts_anew_when_the_attempt_before_failed(checkouts: Checkouts, manifest: Manifest) -> None:
    async def fail() -> None:
        async with checkouts.hold("run-1", "a", manifest.digest) as folder:
            make(folder, {"a": "half done", "junk/x": "", "__pycache__/x.pyc": ""})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with checkouts.hold("run-1", "a", manifest.digest) as folder:
        assert read(folder) == LAYOUT


async def test_earlier_tree_comes_back_when_asked_for_after_a_record(checkouts: Checkouts, manifest: Manifest) -> None:
    async with checkouts.hold("run-1", "a", manifest.digest) as folder:
        make(folder, {"a": "9", "new": "", "__pycache__/x.pyc": ""})
        await checkouts.snapshot(folder, manifest)
    async with checkouts.hold("run-1", "a", manifest.digest) as folder:
        assert read(folder) == LAYOUT


async def test_branches_get_folders_of_their_own_when_held_at_once(checkouts: Checkouts, manifest: Manifest) -> None:
    async with (
        checkouts.hold("run-1", "g/a", manifest.digest) as first,
        checkouts.hold("run-1", "g/b", manifest.digest) as second,
        checkouts.hold("run-2", "g/b", manifest.digest) as third,
    ):
        assert len({first, second, third}) == 3
        make(first, {"a": "first"})
        assert read(second) == read(third) == LAYOUT


async def test_branch_gets_its_own_folder_back_when_it_goes_on(
    checkouts: Checkouts, manifest: Manifest, store: Store
) -> None:
    places: dict[str, Path] = {}
    trees: dict[str, str] = {}
    async with (
        checkouts.hold("run-1", "g/a", manifest.digest) as first,
        checkouts.hold("run-1", "g/b", manifest.digest) as second,
    ):
        for name, folder in (("a", first), ("b", second)):
            make(folder, {"by": name})
            after = await checkouts.snapshot(folder, manifest)
            places[name], trees[name] = folder, save_manifest(store, after)
    for name in ("b", "a"):
        async with checkouts.hold("run-1", "next", trees[name]) as folder:
            assert folder == places[name]


async def test_many_steps_hold_folders_when_they_run_at_once(checkouts: Checkouts, manifest: Manifest) -> None:
    inside: set[Path] = set()

    async def step(number: int) -> None:
        async with checkouts.hold("run-1", f"s{number}", manifest.digest) as folder:
            assert folder not in inside
            inside.add(folder)
            await asyncio.to_thread(make, folder, {"a": str(number)})
            assert read(folder)["a"] == str(number)
            inside.remove(folder)

    await asyncio.gather(*(step(number) for number in range(20)))


async def test_folder_is_trusted_when_a_new_process_finds_its_state(
    checkouts: Checkouts, root: Path, manifest: Manifest, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with checkouts.hold("run-1", "a", manifest.digest) as folder:
        await checkouts.record(folder, manifest)
    forget_everything(root)
    monkeypatch.setattr(DirectoryStore, "copy_blob_to", None)
    async with Checkouts(root, store).hold("run-1", "b", manifest.digest) as folder:
        assert read(folder) == LAYOUT


@pytest.mark.parametrize("crash", ["while held", "other boot", "damaged state", "damaged stats"])
async def test_folder_is_not_trusted_when_its_state_does_not_hold(
    checkouts: Checkouts, root: Path, manifest: Manifest, store: Store, crash: str
) -> None:
    async with checkouts.hold("run-1", "a", manifest.digest) as folder:
        if crash != "while held":
            await checkouts.record(folder, manifest)
        make(folder, {"a": "x", "junk": "", "__pycache__/x": ""})
    home = folder.parent
    if crash == "other boot":
        state = json.loads((home / "state.json").read_text())
        (home / "state.json").write_text(json.dumps(state | {"boot": "another"}))
    elif crash != "while held":
        (home / ("state.json" if crash == "damaged state" else "stats.json")).write_text("{")
    (folder / "__pycache__" / "x").unlink()
    (folder / "__pycache__").rmdir()
    forget_everything(root)
    async with Checkouts(root, store).hold("run-1", "b", manifest.digest) as folder:
        assert read(folder) == LAYOUT


async def test_file_is_mended_when_it_changed_behind_our_back(checkouts: Checkouts, manifest: Manifest) -> None:
    async with checkouts.hold("run-1", "a", manifest.digest) as folder:
        await checkouts.record(folder, manifest)
    (folder / "a").write_text("2")
    async with checkouts.hold("run-1", "b", manifest.digest) as folder:
        assert read(folder) == LAYOUT


HOLDER = """
import asyncio, sys
from pathlib import Path
from activities.store.opening import open_store
from activities.workspace.checkouts import Checkouts
async def main():
    async with Checkouts(Path(sys.argv[1]), open_store(sys.argv[2])).hold("run-1", "a", sys.argv[3]) as folder:
        print(folder, flush=True)
        sys.stdin.read()
asyncio.run(main())
"""


async def test_folder_is_not_shared_when_another_process_holds_it(
    checkouts: Checkouts, root: Path, manifest: Manifest, store: Store
) -> None:
    argv = [sys.executable, "-c", HOLDER, str(root), store.location, manifest.digest]
    with subprocess.Popen(  # noqa: ASYNC220
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        theirs = holder.stdout.readline().strip()
        async with checkouts.hold("run-1", "b", manifest.digest) as ours:
            assert str(ours) != theirs
        await checkouts.discard("run-1")
        assert await asyncio.to_thread(Path(theirs).exists)
        holder.kill()
    async with checkouts.hold("run-1", "a", manifest.digest) as folder:
        assert str(folder) == theirs
        assert read(folder) == LAYOUT


async def test_blob_missing_is_raised_and_the_folder_freed_when_the_tree_is_gone(
    checkouts: Checkouts, manifest: Manifest
) -> None:
    with pytest.raises(BlobMissing):
        async with checkouts.hold("run-1", "a", "0" * 64):
            pytest.fail("held a tree that is not there")
    async with checkouts.hold("run-1", "a", manifest.digest) as folder:
        assert folder.parent.name == "1"


def refuse(number: int):
    def refused(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return refused


async def test_folder_is_removed_and_the_remedy_named_when_the_disk_is_full(
    checkouts: Checkouts, root: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "write", refuse(errno.ENOSPC))
    with pytest.raises(StepFailure, match="free space there, or set `PERDURE_HOME`") as failure:
        async with checkouts.hold("run-1", "a", manifest.digest):
            pytest.fail("held a folder on a full disk")
    assert failure.value.error_class == ErrorClass.WORKSPACE
    monkeypatch.undo()
    assert not (root / "run-1" / "1" / "workspace").exists()
    async with checkouts.hold("run-1", "a", manifest.digest) as folder:
        assert read(folder) == LAYOUT


@pytest.mark.parametrize("call", ["mkdir", "unlink"])
async def test_failure_names_the_folder_when_it_cannot_be_taken(
    checkouts: Checkouts, root: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    monkeypatch.setattr(Path, call, refuse(errno.EACCES))
    with pytest.raises(StepFailure, match=f"{root}/run-1.*permission denied"):
        async with checkouts.hold("run-1", "a", manifest.digest):
            pytest.fail("held a folder that cannot be written")


async def test_folder_is_just_not_trusted_when_recording_fails(
    checkouts: Checkouts, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with checkouts.hold("run-1", "a", manifest.digest) as folder:
        monkeypatch.setattr(Path, "write_text", refuse(errno.ENOSPC))
        await checkouts.record(folder, manifest)
        monkeypatch.undo()
        assert not (folder.parent / "state.json").exists()
        STAT_CACHES.forget(folder)
        await checkouts.record(folder, manifest)
        assert (folder.parent / "state.json").exists()


async def test_folder_is_let_go_only_when_writing_ended_after_a_cancel(
    checkouts: Checkouts, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go_on, ended = threading.Event(), threading.Event(), threading.Event()
    real = slots.bring_to

    def slow(*args: object, **kwargs: object) -> StatCache:
        began.set()
        go_on.wait(10)
        stats = real(*args, **kwargs)  # pyright: ignore[reportArgumentType]
        ended.set()
        return stats

    monkeypatch.setattr(slots, "bring_to", slow)

    async def step() -> None:
        async with checkouts.hold("run-1", "a", manifest.digest):
            pytest.fail("held although cancelled")

    task = asyncio.ensure_future(step())
    await asyncio.to_thread(began.wait, 10)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()
    monkeypatch.undo()
    async with checkouts.hold("run-1", "a", manifest.digest) as folder:
        assert folder.parent.name == "1"


async def test_folder_is_free_again_when_cancelled_while_it_is_taken(
    checkouts: Checkouts, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go_on = threading.Event(), threading.Event()
    real = Checkouts._take

    def slow(self: Checkouts, execution_id: str, tree: str | None) -> object:
        began.set()
        go_on.wait(10)
        return real(self, execution_id, tree)

    monkeypatch.setattr(Checkouts, "_take", slow)

    async def step() -> None:
        async with checkouts.hold("run-1", "a", manifest.digest):
            pytest.fail("held although cancelled")

    task = asyncio.ensure_future(step())
    await asyncio.to_thread(began.wait, 10)
    task.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    monkeypatch.undo()
    async with checkouts.hold("run-1", "a", manifest.digest) as folder:
        assert folder.parent.name == "1"


async def test_run_is_discarded_when_it_has_ended(checkouts: Checkouts, root: Path, manifest: Manifest) -> None:
    async with checkouts.hold("run-1", "a", manifest.digest):
        await checkouts.discard("run-1")
        assert os.listdir(root) == ["run-1"]
    await checkouts.discard("run-1")
    await checkouts.discard("never-was")
    assert os.listdir(root) == []


async def test_left_overs_are_removed_by_age_when_a_worker_starts(
    checkouts: Checkouts, root: Path, manifest: Manifest
) -> None:
    for name in ("old", "young"):
        async with checkouts.hold(name, "a", manifest.digest):
            pass
    (root / "%trash-1" / "x").mkdir(parents=True)
    async with checkouts.hold("held", "a", manifest.digest):
        for name in ("old", "held"):
            for path in (root / name / "1" / "lock", root / name):
                os.utime(path, (0, 0))
        assert await checkouts.remove_leftovers(timedelta(hours=1)) == 1
        assert sorted(os.listdir(root)) == ["held", "young"]
    assert await Checkouts(root / "absent", checkouts._store).remove_leftovers() == 0


@pytest.mark.parametrize("execution_id", ["../../etc", "a/b", "..", ".", "%trash-x", "x" * 1000, "ü\n"])
async def test_folder_lies_below_the_root_whatever_the_id(
    checkouts: Checkouts, root: Path, manifest: Manifest, execution_id: str
) -> None:
    async with checkouts.hold(execution_id, "a", manifest.digest) as folder:
        assert folder.resolve().is_relative_to(root)
        assert len(folder.relative_to(root).parts) == 3
        assert not folder.relative_to(root).parts[0].startswith("%trash-")


async def test_long_ids_do_not_meet_when_they_begin_alike(checkouts: Checkouts, manifest: Manifest) -> None:
    async with (
        checkouts.hold("x" * 300 + "a", "s", manifest.digest) as first,
        checkouts.hold("x" * 300 + "b", "s", manifest.digest) as second,
    ):
        assert first.parent.parent != second.parent.parent


def test_boot_is_the_process_when_the_system_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", refuse(errno.ENOENT))
    assert slots._boot() == f"process {os.getpid()}"


async def test_new_folder_is_made_when_the_lock_goes_while_it_is_taken(
    checkouts: Checkouts, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with checkouts.hold("run-1", "a", manifest.digest) as folder:
        first = folder.parent
    real = module.fcntl.flock

    def replace_the_lock(descriptor: int, operation: int) -> None:
        real(descriptor, operation)
        monkeypatch.undo()
        (first / "lock").rename(first / "lock-of-another")
        (first / "lock").touch()

    monkeypatch.setattr(module.fcntl, "flock", replace_the_lock)
    async with checkouts.hold("run-1", "a", manifest.digest) as folder:
        assert folder.parent != first


def test_slot_is_not_taken_when_its_folder_is_gone(tmp_path: Path) -> None:
    assert module._lock(tmp_path / "absent") is None
