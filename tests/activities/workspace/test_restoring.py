import errno
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings

from activities.store.interface import BlobMissing, Store
from activities.store.opening import open_store
from activities.workspace import restoring
from activities.workspace.manifest import EMPTY, Entry, Manifest
from activities.workspace.restoring import bring_to, restore
from activities.workspace.snapshots import snapshot
from activities.workspace.stat_cache import StatCache
from definitions.errors import ErrorClass, StepFailure
from tests.activities.workspace.trees import MANIFESTS, keep_contents, make, read, tree

LAYOUT = {
    "a.txt": "1",
    "run*": "#!",
    "d/e/f": "2",
    "d/e/g": "3",
    "d/h": "4",
    "l": "-> d/h",
    "empty/in": None,
    ".git/HEAD": "ref",
    "x y": "5",
}


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "target"


def test_folder_holds_exactly_the_tree_when_restored(store: Store, target: Path) -> None:
    restore(store, tree(store, LAYOUT), target)
    assert read(target) == LAYOUT


def test_folder_holds_exactly_the_tree_when_it_held_something_else(store: Store, target: Path) -> None:
    make(
        target, {"a.txt": "old", "d": "a file", "l/x": "a folder", "run": "#!", "empty": "-> /etc", "extra/deep/x": "1"}
    )
    os.mkfifo(target / "pipe")
    restore(store, tree(store, LAYOUT), target)
    assert read(target) == LAYOUT


def test_snapshot_reads_nothing_when_the_folder_was_just_restored(
    store: Store, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = tree(store, LAYOUT, ignored=(".git/HEAD",))
    stats = restore(store, manifest, target)
    monkeypatch.setattr(type(store), "write_blobs_from", None)
    assert snapshot(store, target, manifest, stats=stats) is manifest


def test_file_in_the_way_is_untouched_when_a_link_leads_to_it(store: Store, target: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    make(outside, {"d/h": "mine"})
    target.mkdir()
    (target / "d").symlink_to(outside / "d")
    (target / "a.txt").symlink_to(outside / "d" / "h")
    restore(store, tree(store, LAYOUT), target)
    assert read(target) == LAYOUT
    assert read(outside) == {"d/h": "mine"}


def test_nothing_is_written_through_a_link_when_it_appears_meanwhile(
    store: Store, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    real = restoring.scan

    def scan_then_attack(folder: Path) -> object:
        found = real(folder)
        (folder / "d").symlink_to(outside)
        return found

    monkeypatch.setattr(restoring, "scan", scan_then_attack)
    with pytest.raises(StepFailure, match="cannot write"):
        restore(store, tree(store, LAYOUT), target)
    assert list(outside.iterdir()) == []


def test_only_differences_are_touched_when_going_to_a_near_tree(store: Store, target: Path) -> None:
    stats = restore(store, tree(store, LAYOUT), target)
    kept = (target / "d" / "e" / "f").stat()
    after = {**LAYOUT, "d/e/g": "changed", "new/x": "1"}
    del after["d/h"], after["l"]
    stats = bring_to(store, tree(store, after), target, stats)
    assert read(target) == after
    now = (target / "d" / "e" / "f").stat()
    assert (now.st_ino, now.st_ctime_ns) == (kept.st_ino, kept.st_ctime_ns)
    bring_to(store, EMPTY, target, stats)
    assert read(target) == {}


@settings(max_examples=60, deadline=None)
@given(MANIFESTS, MANIFESTS)
def test_any_tree_is_reached_from_any_other(before: Manifest, after: Manifest) -> None:
    place = Path(tempfile.mkdtemp())
    try:
        store = open_store(place / "store")
        keep_contents(store)
        stats = restore(store, before, place / "target")
        stats = bring_to(store, after, place / "target", stats)
        for cache in (stats, StatCache()):
            found = snapshot(store, place / "target", after, stats=cache)
            assert [entry[:6] for entry in found.entries] == [entry[:6] for entry in after.entries]
    finally:
        shutil.rmtree(place)


def test_changes_of_a_step_are_undone_when_brought_back(store: Store, target: Path) -> None:
    manifest = tree(store, LAYOUT)
    stats = restore(store, manifest, target)
    make(target, {"a.txt": "2", "new": "x", "node/x/y": "1", "__pycache__/x.pyc": "c"})
    (target / "d" / "e" / "f").unlink()
    (target / "d" / "e" / "g").chmod(0o755)
    (target / "l").unlink()
    (target / "l").symlink_to("elsewhere")
    bring_to(store, manifest, target, stats)
    assert read(target) == LAYOUT


def test_caches_stay_when_asked_for(store: Store, target: Path) -> None:
    manifest = tree(store, LAYOUT)
    stats = restore(store, manifest, target)
    caches = {"d/__pycache__/x.pyc": "c", ".venv/pyvenv.cfg": "", "only/__pycache__/y.pyc": "c"}
    make(target, caches)
    stats = bring_to(store, manifest, target, stats, keep_left_out=True)
    assert read(target) == LAYOUT | caches
    bring_to(store, manifest, target, stats)
    assert read(target) == LAYOUT


def test_read_only_folders_are_removed_when_a_step_left_them(store: Store, target: Path) -> None:
    make(target, {"locked/deep/x": "1"})
    for path in (target / "locked" / "deep", target / "locked"):
        path.chmod(0o500)
    restore(store, EMPTY, target)
    assert read(target) == {}


def test_permissions_are_plain_when_restored(store: Store, target: Path) -> None:
    restore(store, tree(store, {"a": "", "run*": ""}), target)
    assert (target / "a").stat().st_mode & 0o7111 == 0
    assert (target / "run").stat().st_mode & 0o7100 == 0o100


def test_blob_missing_is_raised_when_content_is_gone(store: Store, target: Path) -> None:
    with pytest.raises(BlobMissing):
        restore(store, Manifest((Entry("a", "f", "0" * 64, 1),)), target)


@pytest.mark.parametrize(
    ("number", "remedy"), [(errno.ENOSPC, "free space there"), (errno.EIO, "look at that folder and its disk")]
)
def test_failure_names_the_remedy_when_the_disk_refuses(
    store: Store, target: Path, monkeypatch: pytest.MonkeyPatch, number: int, remedy: str
) -> None:
    manifest = tree(store, LAYOUT)

    def refused(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "write", refused)
    with pytest.raises(StepFailure, match=f"private copy of the workspace at `{target}`.*{remedy}") as failure:
        restore(store, manifest, target)
    assert failure.value.error_class == ErrorClass.WORKSPACE


def test_big_tree_is_whole_when_threads_write_it(store: Store, folder: Path) -> None:
    files = {f"d{n % 9}/e{n % 5}/f{n}": f"content {n}" for n in range(700)}
    restore(store, tree(store, files), folder)
    assert read(folder) == files


def test_failure_is_raised_when_one_thread_finds_no_content(store: Store, folder: Path, tmp_path: Path) -> None:
    manifest = tree(store, {f"f{n}": f"content {n}" for n in range(700)})
    digest = manifest.by_path["f500"].digest
    (tmp_path / "store" / "cas" / digest[:2] / digest).unlink()
    with pytest.raises(BlobMissing):
        restore(store, manifest, folder)
