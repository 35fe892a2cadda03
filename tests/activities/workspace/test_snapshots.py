import errno
import os
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from activities.store.directory import DirectoryStore
from activities.store.interface import Store, StoreError
from activities.workspace import scanning, size_limits, snapshots, stat_cache
from activities.workspace.manifest import Manifest, manifest_of
from activities.workspace.restoring import bring_to, restore
from activities.workspace.snapshots import FolderIsBig, snapshot
from activities.workspace.stat_cache import StatCache
from definitions.errors import ErrorClass, StepFailure
from tests.activities.workspace.trees import make, tree


class CountingStore(DirectoryStore):
    """A folder store that tells which files it was given."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.read: list[str] = []

    def write_blobs_from(self, paths: Sequence[Path | str]) -> list[tuple[str, int]]:
        self.read += [Path(path).name for path in paths]
        return super().write_blobs_from(paths)


@pytest.fixture
def counting(store: Store) -> CountingStore:
    return CountingStore(Path(store.location))


def age(folder: Path) -> None:
    """Give every file a time that is past doubt."""
    for path in folder.rglob("*"):
        os.utime(path, (1_600_000_000, 1_600_000_000), follow_symlinks=False)


LAYOUT = {"a.txt": "1", "run*": "#!", "d/b": "2", "l": "-> d/b", "empty/inner": None, ".hidden": "", "x y": "3"}


def test_tree_has_all_that_is_in_the_folder(store: Store, folder: Path) -> None:
    make(folder, LAYOUT)
    assert snapshot(store, folder) == tree(store, LAYOUT)


def test_contents_are_in_the_store_when_snapshotted(store: Store, folder: Path) -> None:
    make(folder, {"a": "content"})
    (entry,) = snapshot(store, folder).entries
    assert store.read_blob(entry.digest) == b"content"


def test_names_that_are_not_utf8_are_kept(store: Store, folder: Path) -> None:
    with open(os.fsencode(folder) + b"/x\xff", "wb") as file:
        file.write(b"1")
    assert snapshot(store, folder) == tree(store, {"x\udcff": "1"})


def test_previous_itself_is_returned_when_nothing_changed(counting: CountingStore, folder: Path) -> None:
    make(folder, LAYOUT)
    age(folder)
    stats = StatCache()
    first = snapshot(counting, folder, stats=stats)
    counting.read.clear()
    assert snapshot(counting, folder, first, stats=stats) is first
    assert counting.read == []


def test_only_the_changed_file_is_read_when_one_changed(counting: CountingStore, folder: Path) -> None:
    make(folder, LAYOUT)
    age(folder)
    stats = StatCache()
    snapshot(counting, folder, stats=stats)
    counting.read.clear()
    make(folder, {"d/b": "9"})
    assert snapshot(counting, folder, stats=stats) == tree(counting, LAYOUT | {"d/b": "9"})
    assert counting.read == ["b"]


def test_file_is_read_again_when_it_was_written_in_the_moment_of_reading(counting: CountingStore, folder: Path) -> None:
    make(folder, {"a": "1"})
    moment = time.time_ns() + 1_000_000
    os.utime(folder / "a", ns=(moment, moment))
    stats = StatCache()
    snapshot(counting, folder, stats=stats)
    snapshot(counting, folder, stats=stats)
    assert counting.read == ["a", "a"]


def test_change_shows_when_only_the_executable_bit_changed(store: Store, folder: Path) -> None:
    make(folder, {"a": "1"})
    age(folder)
    stats = StatCache()
    snapshot(store, folder, stats=stats)
    (folder / "a").chmod(0o755)
    assert snapshot(store, folder, stats=stats) == tree(store, {"a*": "1"})


@pytest.mark.parametrize("name", ["socket", "pipe"])
def test_note_is_left_when_something_is_no_file(
    store: Store, folder: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(folder, {"a": "1"})
    monkeypatch.chdir(folder)
    listener = socket.socket(socket.AF_UNIX)
    if name == "socket":
        listener.bind("socket")
    else:
        os.mkfifo("pipe")
    listener.close()
    manifest = snapshot(store, folder)
    assert manifest == tree(store, {"a": "1"})
    assert manifest.notes == (f"left out `{name}`: not a file, a folder or a link",)


def test_links_are_left_out_with_a_note_when_they_lead_out(store: Store, folder: Path) -> None:
    make(folder, {"a": "-> /etc/passwd", "b": "-> ../x", "c": "-> a", "d": "-> nowhere"})
    manifest = snapshot(store, folder)
    assert manifest == tree(store, {"d": "-> nowhere"})
    assert "left out `a`: the link leads out of the workspace, to `/etc/passwd`" in manifest.notes
    assert len(manifest.notes) == 3


def test_notes_are_bounded_when_there_are_many(store: Store, folder: Path) -> None:
    make(folder, {f"l{number:02}": "-> /x" for number in range(15)})
    notes = snapshot(store, folder).notes
    assert len(notes) == 11
    assert notes[-1] == "left out 5 more"


def test_git_files_are_left_out_when_they_name_a_repository_outside(store: Store, folder: Path) -> None:
    make(
        folder,
        {
            ".git": "gitdir: /home/u/repo/.git/worktrees/x\n",
            "in/.git": "gitdir: ../.git/modules/in\n",
            "out/.git": "gitdir: ../../elsewhere\n",
            "odd/.git": "no git file",
            "big/.git": "gitdir: /" + "x" * 5000,
        },
    )
    manifest = snapshot(store, folder)
    assert [entry.path for entry in manifest.entries] == ["big/.git", "in/.git", "odd/.git"]
    assert manifest.notes == (
        "left out `.git`: it names a repository outside of the workspace",
        "left out `out/.git`: it names a repository outside of the workspace",
    ) or set(manifest.notes) == {
        "left out `.git`: it names a repository outside of the workspace",
        "left out `out/.git`: it names a repository outside of the workspace",
    }


def test_caches_and_virtual_environments_are_left_out(store: Store, folder: Path) -> None:
    make(
        folder,
        {"a.py": "", "__pycache__/a.pyc": "", "d/.pytest_cache/x": "", "env/pyvenv.cfg": "", "env/bin/python": "-> /x"},
    )
    assert [entry.path for entry in snapshot(store, folder).entries] == ["a.py"]


def flags(manifest: Manifest) -> dict[str, bool]:
    return {entry.path: entry.ignored for entry in manifest.entries}


def test_ignored_files_are_kept_with_a_flag(store: Store, folder: Path) -> None:
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    make(
        folder,
        {
            ".gitignore": "*.xml\nout/\n",
            "coverage.xml": "",
            "out/x": "",
            "out/e": None,
            "sub/.gitignore": "l\n",
            "sub/l": "-> x",
        },
    )
    found = flags(snapshot(store, folder))
    assert found["coverage.xml"]
    assert found["out/x"]
    assert found["out/e"]
    assert found["sub/l"]
    assert found[".git/HEAD"]
    assert not found[".gitignore"]
    assert not any(flags(snapshot(store, folder, honour_ignores=False)).values())


def test_file_stays_visible_when_it_was_before_it_was_ignored(store: Store, folder: Path) -> None:
    make(folder, {"a.log": "1"})
    before = snapshot(store, folder)
    make(folder, {".gitignore": "*.log\n", "a.log": "2", "b.log": ""})
    assert flags(snapshot(store, folder, before)) == {".gitignore": False, "a.log": False, "b.log": True}


@pytest.mark.parametrize("aged", [True, False])
def test_flags_follow_the_rules_when_these_change(store: Store, folder: Path, aged: bool) -> None:
    stats = StatCache()
    make(folder, {".gitignore": "*.log\n", "a.log": "", "a.txt": ""})
    if aged:
        age(folder)
    before = snapshot(store, folder, stats=stats)
    (folder / ".gitignore").write_text("*.txt\n")
    after = snapshot(store, folder, before, stats=stats)
    assert flags(after) == {".gitignore": False, "a.log": False, "a.txt": False}
    assert flags(snapshot(store, folder, stats=stats)) == {".gitignore": False, "a.log": False, "a.txt": True}


def test_snapshot_fails_when_a_file_never_comes_to_rest(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(folder, {"a": "1"})
    real = DirectoryStore.write_blobs_from

    def write_and_change(self: DirectoryStore, paths: Sequence[Path]) -> list[tuple[str, int]]:
        kept = real(self, paths)
        (folder / "a").write_text((folder / "a").read_text() + "1")
        return kept

    monkeypatch.setattr(DirectoryStore, "write_blobs_from", write_and_change)
    with pytest.raises(StepFailure, match=r"changes while it is stored \(`a`\)") as failure:
        snapshot(store, folder)
    assert failure.value.error_class == ErrorClass.WORKSPACE


def test_snapshot_is_whole_when_a_file_vanishes_once(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(folder, {"a": "1", "b": "2"})
    real = DirectoryStore.write_blobs_from

    def vanish(self: DirectoryStore, paths: Sequence[Path]) -> list[tuple[str, int]]:
        (folder / "a").unlink(missing_ok=True)
        return real(self, paths)

    monkeypatch.setattr(DirectoryStore, "write_blobs_from", vanish)
    assert snapshot(store, folder) == tree(store, {"b": "2"})


def test_failure_names_the_file_when_it_cannot_be_read(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(folder, {"a": "1"})

    def refused(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(folder / "a"))

    monkeypatch.setattr(DirectoryStore, "write_blobs_from", refused)
    with pytest.raises(StepFailure, match=f"cannot read `{folder}/a` of the workspace: permission denied"):
        snapshot(store, folder)


def test_store_error_passes_when_the_store_is_full(store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(folder, {"a": "1"})

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StoreError, match="free space there"):
        snapshot(store, folder)


@pytest.mark.parametrize("bound", ["MOST_FILES", "MOST_BYTES"])
def test_folder_is_refused_with_its_largest_parts_when_it_is_too_big(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    make(folder, {"a": "1", **{f"data/raw/{number}": "x" * 10 for number in range(20)}})
    monkeypatch.setattr(size_limits, bound, 15)
    with pytest.raises(StepFailure, match=r"Largest: `data/raw` \(20 files"):
        snapshot(store, folder)
    monkeypatch.setattr(scanning, "SCAN_LIMIT", 15)
    with pytest.raises(StepFailure, match="`data/raw`"):
        snapshot(store, folder)


def test_stat_cache_of_the_folder_is_used_when_none_is_given(counting: CountingStore, folder: Path) -> None:
    make(folder, {"a": "1"})
    age(folder)
    stat_cache.STAT_CACHES.put(folder, StatCache())
    first = snapshot(counting, folder)
    assert snapshot(counting, folder, first) is first
    assert counting.read == ["a"]
    stat_cache.STAT_CACHES.forget(folder)
    snapshot(counting, folder)
    assert counting.read == ["a", "a"]


def test_tries_are_bounded() -> None:
    assert snapshots.TRIES == 3


def test_tree_is_the_same_as_put_together_anew_when_a_folder_is_edited(store: Store, folder: Path) -> None:
    make(
        folder,
        {f"d{n % 7}/f{n:03}": f"content {n}" for n in range(40)} | {"l": "-> d1", "gone": "", ".gitignore": "*.log"},
    )
    age(folder)
    stats = StatCache()
    tree = snapshot(store, folder, stats=stats)
    edits: list[Callable[[], object]] = [
        lambda: (folder / "d1/f001").write_text("other"),
        (folder / "gone").unlink,
        lambda: (folder / "new.log").write_text("ignored"),
        (folder / "l").unlink,
        lambda: (folder / "l").write_text("a file now"),
        (folder / "empty").mkdir,
        lambda: (folder / "empty/filled").write_text("x"),
        lambda: (folder / "d2/f002").chmod(0o755),
        lambda: [file.unlink() for file in (folder / "d3").iterdir()],
        (folder / "d3").rmdir,
        lambda: (folder / ".gitignore").write_text("*.txt"),
        lambda: (folder / "a.txt").write_text("ignored now"),
        lambda: None,
    ]
    for edit in edits:
        edit()
        tree = snapshot(store, folder, tree, stats=stats)
        assert tree == snapshot(store, folder, tree, stats=StatCache())
        assert tree.entries == manifest_of(tree.entries).entries


def test_tree_itself_is_returned_when_nothing_changed_since_it_was_restored(store: Store, folder: Path) -> None:
    make(folder, {".gitignore": "*.log", "a": "1", "x.log": "2", "l": "-> a", "e": None})
    before = snapshot(store, folder)
    stats = restore(store, before, folder.parent / "out")
    assert snapshot(store, folder.parent / "out", before, stats=stats) is before
    assert stats.basis is not None
    assert bring_to(store, before, folder.parent / "out", stats, keep_left_out=True) is stats
    (folder.parent / "out" / "a").write_text("3")
    assert bring_to(store, before, folder.parent / "out", stats, keep_left_out=True) is not stats
    assert (folder.parent / "out" / "a").read_text() == "1"


def test_work_is_left_to_others_when_a_folder_is_big(store: Store, folder: Path) -> None:
    make(folder, {f"f{n}": "x" for n in range(5)})
    with pytest.raises(FolderIsBig):
        snapshot(store, folder, limit=4)
    assert snapshot(store, folder, limit=5).count == 5
