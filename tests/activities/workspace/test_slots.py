from pathlib import Path

import pytest

from activities.store.interface import BlobMissing, Store
from activities.workspace import slots as module
from activities.workspace.manifest import EMPTY, Manifest, load_manifest, save_manifest
from activities.workspace.slots import lay_out, recorded_tree, take_in
from tests.activities.workspace.trees import make, read, tree

FILES = {"a": "1", "d/b*": "2", "l": "-> a", "empty": None}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "home"
    made.mkdir()
    return made


@pytest.fixture
def manifest(store: Store) -> Manifest:
    made = tree(store, FILES)
    save_manifest(store, made)
    return made


@pytest.fixture
def everything_is_big(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEAVY", 0)


@pytest.mark.usefixtures("everything_is_big")
def test_step_on_a_big_tree_is_as_on_a_small_one(store: Store, home: Path, manifest: Manifest) -> None:
    lay_out(store, home, manifest.digest)
    assert read(home / "workspace") == FILES
    make(home / "workspace", {"new": "3"})
    after = take_in(store, home, manifest)
    assert after == tree(store, {**FILES, "new": "3"})
    assert recorded_tree(home / "state.json") == after.digest
    assert take_in(store, home, after) is after
    lay_out(store, home, manifest.digest)
    assert read(home / "workspace") == FILES


@pytest.mark.usefixtures("everything_is_big")
def test_notes_arrive_when_a_big_tree_has_some(store: Store, home: Path, manifest: Manifest) -> None:
    lay_out(store, home, manifest.digest)
    make(home / "workspace", {"out": "-> /etc"})
    after = take_in(store, home, manifest)
    assert after.digest == manifest.digest
    assert "left out `out`" in after.notes[0]


def test_pool_takes_over_when_a_step_makes_many_files(
    store: Store, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_out(store, home, None)
    monkeypatch.setattr(module, "HEAVY", 3)
    make(home / "workspace", {f"f{number}": "x" for number in range(9)})
    after = take_in(store, home, EMPTY)
    assert load_manifest(store, after.digest).count == 9


@pytest.mark.usefixtures("everything_is_big")
def test_blob_missing_is_raised_when_content_of_a_big_tree_is_gone(
    store: Store, home: Path, manifest: Manifest, tmp_path: Path
) -> None:
    digest = manifest.by_path["a"].digest
    (tmp_path / "store" / "cas" / digest[:2] / digest).unlink()
    with pytest.raises(BlobMissing):
        lay_out(store, home, manifest.digest)
    assert not (home / "workspace").exists()


def test_files_are_read_again_when_their_content_is_gone_from_the_store(
    store: Store, home: Path, manifest: Manifest, tmp_path: Path
) -> None:
    lay_out(store, home, manifest.digest)
    digest = manifest.by_path["a"].digest
    (tmp_path / "store" / "cas" / digest[:2] / digest).unlink()
    make(home / "workspace", {"new": "3"})
    take_in(store, home, manifest)
    assert store.read_blob(digest) == b"1"
