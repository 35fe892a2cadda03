import json

import pytest
from hypothesis import given

from activities.store.interface import BlobMissing, Store
from activities.workspace import shards
from activities.workspace.manifest import (
    EMPTY,
    Entry,
    Manifest,
    entry_of_row,
    is_git_path,
    load_manifest,
    manifest_of,
    parents,
    parse_manifest,
    printable,
    row_of_entry,
    save_manifest,
)
from activities.workspace.shards import forget_all, remembered_entries
from definitions.errors import ErrorClass, StepFailure
from tests.activities.workspace.trees import MANIFESTS, tree

DIGEST = "0" * 64


def file(path: str) -> Entry:
    return Entry(path, "f", DIGEST, 1)


@given(MANIFESTS)
def test_manifest_reads_back_when_parsed(manifest: Manifest) -> None:
    assert parse_manifest(manifest.to_bytes(), "x") == manifest


def test_manifest_reads_back_when_saved(store: Store) -> None:
    manifest = tree(store, {"a": "1", "run*": "2", "l": "-> a", "empty": None, "x\udcff": "3"}, ignored=("a",))
    digest = save_manifest(store, manifest)
    forget_all()
    assert load_manifest(store, digest) == manifest
    assert load_manifest(store, digest).digest == digest == save_manifest(store, manifest)


def test_tree_is_empty_when_there_is_none(store: Store) -> None:
    assert load_manifest(store, None) is EMPTY


def test_blob_missing_is_raised_when_a_tree_is_gone(store: Store) -> None:
    with pytest.raises(BlobMissing):
        load_manifest(store, DIGEST)


def test_digest_follows_content_only() -> None:
    assert Manifest((file("a"),), notes=("x",)).digest == Manifest((file("a"),)).digest
    assert Manifest((file("a"),)).digest != Manifest((file("b"),)).digest


def test_folders_are_no_entries_when_they_hold_something() -> None:
    manifest = manifest_of([Entry("d", "d"), file("d/x"), Entry("e", "d")])
    assert [entry.path for entry in manifest.entries] == ["d/x", "e"]


@pytest.mark.parametrize(
    "entries",
    [
        [file("../a")],
        [file("/etc/passwd")],
        [file("a/../../b")],
        [file("a//b")],
        [file("./a")],
        [file("")],
        [file("a\0b")],
        [file("a/" * 3000 + "b")],
        [file("b"), file("a")],
        [file("a"), file("a")],
        [file("a"), file("a/b")],
        [Entry("a", "l", target="b"), file("a/b")],
        [Entry("a", "d"), file("a/b")],
        [Entry("a", "l", target="/etc")],
        [Entry("a", "l", target="../x")],
        [Entry("a", "l", target="."), Entry("b", "l", target="a/..")],
    ],
)
def test_tree_is_refused_when_restoring_it_could_leave_the_folder(entries: list[Entry]) -> None:
    with pytest.raises(StepFailure, match="the tree `x` cannot be used") as failure:
        parse_manifest(Manifest(tuple(entries)).to_bytes(), "x")
    assert failure.value.error_class == ErrorClass.WORKSPACE


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"version":2}',
        b'{"version":2,"entries":[1]}',
        b'{"version":2,"entries":[["a","z","","",0]]}',
        b'{"version":2,"shards":[]}',
        b'{"version":1,"entries":[]}',
    ],
)
def test_text_is_refused_when_it_is_no_manifest(content: bytes) -> None:
    with pytest.raises(StepFailure, match="cannot be used"):
        parse_manifest(content, "x")


def test_memory_is_bounded_when_many_trees_are_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "REMEMBERED_ENTRIES", 10)
    forget_all()
    for number in range(8):
        save_manifest(store, tree(store, {f"{number}-{n}": "x" for n in range(3)}))
    assert remembered_entries() <= 10


def test_parents_are_the_nearest_first() -> None:
    assert list(parents("a/b/c")) == ["a/b", "a"]
    assert list(parents("a")) == []


def test_git_paths_are_known_at_any_depth() -> None:
    assert is_git_path(".git")
    assert is_git_path("sub/.git/config")
    assert not is_git_path(".github/x")
    assert not is_git_path("x.git")


def test_path_is_printable_when_it_is_not_utf8() -> None:
    assert printable("x\udcff") == "x\\xff"
    json.dumps(printable("x\udcff")).encode()


@given(MANIFESTS)
def test_entries_read_back_when_they_were_rows(manifest: Manifest) -> None:
    assert [entry_of_row(row_of_entry(entry)) for entry in manifest.entries] == list(manifest.entries)
