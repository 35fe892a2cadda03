"""A small folder that stands as it was needs no thread; whatever is otherwise is seen."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from activities.store.directory import DirectoryStore
from activities.workspace import checkouts as module
from activities.workspace import small_trees
from activities.workspace.checkouts import Checkouts
from activities.workspace.manifest import EMPTY, Manifest, load_manifest
from tests.activities.workspace.trees import make, read

LAYOUT = {"a": "1", "d/b": "2", "d/e/c": "3"}


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    root = tmp_path / "store"
    for name in ("cas", "keys", "tmp", "locks", "quarantine"):
        (root / name).mkdir(parents=True)
    return DirectoryStore(root)


@pytest.fixture
def checkouts(tmp_path: Path, store: DirectoryStore) -> Checkouts:
    return Checkouts(tmp_path / "work", store)


@pytest.fixture
async def kept(checkouts: Checkouts, store: DirectoryStore) -> Manifest:
    """Return the tree of a run whose folder is at it, as after a step that changed no file."""
    async with checkouts.hold("run-1", "a", None) as folder:
        make(folder, LAYOUT)
        (folder / "link").symlink_to("a")
        (folder / "hollow").mkdir()
        os.utime(folder / "a", ns=(1_500_000_001, 1_500_000_001))
        made = await checkouts.snapshot(folder, EMPTY)
    for step in ("b", "c"):
        async with checkouts.hold("run-1", step, made.digest) as folder:
            made = await checkouts.snapshot(folder, load_manifest(store, made.digest))
    return made


@pytest.fixture
def by_thread(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what was asked of threads."""
    asked: list[str] = []
    finish = module._finish  # pyright: ignore[reportPrivateUsage] # the seam that a test counts

    async def counted(work: Callable[[], object]) -> object:
        asked.append(getattr(work, "__qualname__", ""))
        return await finish(work)

    monkeypatch.setattr(module, "_finish", counted)
    return asked


async def settled(checkouts: Checkouts, tree: Manifest, by_thread: list[str]) -> None:
    """Let the files be old enough to be believed, by holding the folder until no thread is needed."""
    for _ in range(200):
        by_thread.clear()
        async with checkouts.hold("run-1", "s", tree.digest) as folder:
            await checkouts.snapshot(folder, tree)
        if not by_thread:
            return
    raise AssertionError(f"still by threads: {by_thread}")


async def test_no_thread_is_asked_when_nothing_changes(
    checkouts: Checkouts, kept: Manifest, by_thread: list[str]
) -> None:
    await settled(checkouts, kept, by_thread)
    async with checkouts.hold("run-1", "d", kept.digest) as folder:
        assert read(folder)["d/b"] == "2"
        assert await checkouts.snapshot(folder, kept) is kept
    assert by_thread == []


CHANGES: dict[str, Callable[[Path], object]] = {
    "a file is written": lambda folder: (folder / "a").write_text("9"),
    "a file is new": lambda folder: (folder / "d/new").write_text("n"),
    "a file is gone": lambda folder: (folder / "d/e/c").unlink(),
    "a file can be run": lambda folder: (folder / "a").chmod(0o755),
    "a folder is new": lambda folder: (folder / "d/folder").mkdir(),
    "an empty folder is gone": lambda folder: (folder / "hollow").rmdir(),
    "an empty folder is filled": lambda folder: (folder / "hollow/x").write_text("x"),
    "a link leads elsewhere": lambda folder: ((folder / "link").unlink(), (folder / "link").symlink_to("d/b")),
    "a link is a file": lambda folder: ((folder / "link").unlink(), (folder / "link").write_text("1")),
    "a file is a folder": lambda folder: ((folder / "a").unlink(), (folder / "a").mkdir()),
    "the times are set back": lambda folder: ((folder / "a").write_text("8"), os.utime(folder / "a", (1.5, 1.5))),
    "an ignore file is new": lambda folder: (folder / ".gitignore").write_text("a\n"),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_is_seen_when(
    checkouts: Checkouts, store: DirectoryStore, kept: Manifest, by_thread: list[str], change: str
) -> None:
    await settled(checkouts, kept, by_thread)
    async with checkouts.hold("run-1", "d", kept.digest) as folder:
        CHANGES[change](folder)
        after = await checkouts.snapshot(folder, kept)
        expected = read(folder)
    assert after != kept
    async with checkouts.hold("run-2", "e", after.digest) as folder:
        assert read(folder) == expected


@pytest.mark.parametrize("change", CHANGES)
async def test_a_folder_goes_back_when_a_lost_attempt_had_changed_it_and(
    checkouts: Checkouts, kept: Manifest, by_thread: list[str], change: str
) -> None:
    await settled(checkouts, kept, by_thread)
    async with checkouts.hold("run-1", "d", kept.digest) as folder:
        before = read(folder)
        CHANGES[change](folder)  # and nothing is recorded
    async with checkouts.hold("run-1", "d", kept.digest) as folder:
        assert read(folder) == before


async def test_a_socket_is_looked_at_by_the_long_way(
    checkouts: Checkouts, kept: Manifest, by_thread: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await settled(checkouts, kept, by_thread)
    async with checkouts.hold("run-1", "d", kept.digest) as folder:
        monkeypatch.chdir(folder)
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind("s")
        after = await checkouts.snapshot(folder, kept)
    assert (after, bool(by_thread)) == (kept, True)
    assert "left out `s`" in after.notes[0]


async def test_a_cache_folder_changes_nothing(checkouts: Checkouts, kept: Manifest, by_thread: list[str]) -> None:
    await settled(checkouts, kept, by_thread)
    async with checkouts.hold("run-1", "d", kept.digest) as folder:
        (folder / "__pycache__").mkdir()
        (folder / "__pycache__/m.pyc").write_text("x")
        assert await checkouts.snapshot(folder, kept) is kept
    async with checkouts.hold("run-1", "e", kept.digest) as folder:
        assert (folder / "__pycache__/m.pyc").exists()
    assert by_thread == []


async def test_a_tree_that_was_kept_long_ago_is_looked_at_again(
    checkouts: Checkouts, kept: Manifest, by_thread: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await settled(checkouts, kept, by_thread)
    monkeypatch.setattr(small_trees, "SURE_FOR", -1.0)
    async with checkouts.hold("run-1", "d", kept.digest) as folder:
        await checkouts.snapshot(folder, kept)
    assert len(by_thread) == 1


async def test_a_bigger_tree_goes_by_a_thread(
    checkouts: Checkouts, kept: Manifest, by_thread: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await settled(checkouts, kept, by_thread)
    monkeypatch.setattr(small_trees, "SMALL", 2)
    async with checkouts.hold("run-1", "d", kept.digest) as folder:
        await checkouts.snapshot(folder, kept)
    assert len(by_thread) == 2


async def test_an_unreadable_folder_is_left_to_the_long_way(
    checkouts: Checkouts, kept: Manifest, by_thread: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await settled(checkouts, kept, by_thread)

    def refuse(path: Path, **options: object) -> None:
        monkeypatch.undo()
        raise PermissionError(13, "refused", str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    async with checkouts.hold("run-1", "d", kept.digest) as folder:
        assert read(folder)["a"] == "1"
