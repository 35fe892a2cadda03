import os
from pathlib import Path

import pytest

from activities import heavy_trees as module
from activities.cache.keys import cache_key
from activities.heavy_trees import key_on, merged_tree, source_tree
from activities.store.canonical_json import digest_of
from activities.store.interface import Store
from activities.store.opening import open_store
from activities.workspace.manifest import Entry, load_manifest, manifest_of, save_manifest
from activities.workspace.pool import POOL
from definitions.errors import StepFailure

CONTENTS = (b"0", b"1", b"2")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = open_store(tmp_path / "store")
    for content in CONTENTS:
        made.write_blob(content)
    return made


@pytest.fixture(params=[1, 2000])
def heavy_from(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do all in the pool, and then all here."""
    monkeypatch.setattr(module, "HEAVY", request.param)


def file(path: str, digest: str = digest_of(b"0")) -> Entry:
    return Entry(path, "f", digest, 1)


@pytest.mark.usefixtures("heavy_from")
def test_source_is_the_same_tree_wherever_it_is_read(store: Store, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for number in range(3):
        (source / f"f{number}").write_text(str(number))
    tree = load_manifest(store, source_tree(store, source))
    assert [entry.path for entry in tree.entries] == ["f0", "f1", "f2"]


def test_source_is_refused_when_it_cannot_be_read(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StepFailure, match="is no folder"):
        source_tree(store, tmp_path / "absent")


@pytest.mark.usefixtures("heavy_from")
def test_join_is_the_same_tree_wherever_it_is_made(store: Store) -> None:
    base = save_manifest(store, manifest_of([file("a"), file("b")]))
    left = save_manifest(store, manifest_of([file("a"), file("b"), file("l")]))
    right = save_manifest(store, manifest_of([file("a"), file("r")]))
    joined = load_manifest(store, merged_tree(store, base, {"left": left, "right": right}))
    assert [entry.path for entry in joined.entries] == ["a", "l", "r"]
    changed = save_manifest(store, manifest_of([file("a", digest_of(b"1"))]))
    other = save_manifest(store, manifest_of([file("a", digest_of(b"2"))]))
    with pytest.raises(StepFailure, match="changed the same files") as conflict:
        merged_tree(store, base, {"left": changed, "right": other})
    assert conflict.value.details["kind"] == "conflict"


@pytest.mark.usefixtures("heavy_from")
def test_key_is_the_same_wherever_it_is_made(store: Store) -> None:
    tree = manifest_of([file("a"), file("b")])
    save_manifest(store, tree)
    fields = {"type": "shell", "command": "true"}
    assert key_on(store, tree, fields, globs=["a"], salt="x") == cache_key(fields, tree=tree, globs=["a"], salt="x")
    assert key_on(store, None, fields) == cache_key(fields)


def test_pool_is_used_when_a_tree_is_big(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEAVY", 1)
    tree = manifest_of([file("a"), file("b")])
    save_manifest(store, tree)
    POOL.close()
    key_on(store, tree, {"type": "shell"})
    assert len(POOL.pids) == 1


def test_folder_counts_as_small_when_it_cannot_be_looked_at(tmp_path: Path) -> None:
    assert module._is_big(tmp_path / "absent") is False


def test_source_is_read_again_when_its_content_is_gone_from_the_store(store: Store, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a").write_text("1")
    os.utime(source / "a", (1_600_000_000, 1_600_000_000))
    tree = load_manifest(store, source_tree(store, source))
    digest = tree.by_path["a"].digest
    for name in (digest, tree.digest):
        (tmp_path / "store" / "cas" / name[:2] / name).unlink()
    source_tree(store, source)
    assert store.read_blob(digest) == b"1"
