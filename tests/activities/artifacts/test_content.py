"""What is published out of a tree, made of a value, and laid into a tree."""

import os
from pathlib import Path

import pytest

from activities.artifacts.content import content_at, content_of_value, digests_of, laid_into, reference_to
from activities.artifacts.getting import get
from activities.store.interface import Store
from activities.store.opening import open_store
from activities.workspace.manifest import Entry, Manifest, manifest_of
from definitions.errors import StepFailure
from tests.activities.artifacts.samples import publish, publish_folder


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store")


def tree(store: Store, *paths: str, links: dict[str, str] | None = None) -> Manifest:
    files = [Entry(path, "f", store.write_blob(path.encode()), len(path)) for path in paths]
    return manifest_of([*files, *(Entry(path, "l", target=target) for path, target in (links or {}).items())])


def test_link_to_a_file_is_that_file_when_published(store: Store):
    found = content_at(store, tree(store, "d/a.txt", links={"d/l": "a.txt", "gone": "nowhere"}), "d/l", "it")
    assert (found.kind, store.read_blob(found.digest), found.file_name) == ("file", b"d/a.txt", "l")
    with pytest.raises(StepFailure, match="is a link to no file"):
        content_at(store, tree(store, links={"gone": "nowhere"}), "gone", "it")


def test_empty_and_whole_folders_are_folders_when_published(store: Store):
    empty = content_at(store, manifest_of([Entry("d", "d")]), "d", "it")
    assert (empty.kind, empty.files, empty.media_type) == ("folder", 0, "inode/directory")
    whole = content_at(store, tree(store, "a", ".git/config"), ".", "it")
    assert (whole.files, whole.file_name) == (1, "workspace")


def test_folder_value_is_that_folder_when_published(store: Store):
    folder = publish_folder(store, "d", {"a": b"1"})
    found = content_of_value(store, reference_to(folder), "other")
    assert (found.kind, found.digest, found.files, found.file_name) == ("folder", folder.digest, 1, "dist")
    assert content_of_value(store, "x", "notes.md").file_name == "notes.md"


def test_place_is_taken_whole_when_an_artifact_is_laid(store: Store):
    before = tree(store, "in/old", "in/deep/old", "other")
    folder, empty = publish_folder(store, "d", {"a": b"1", "b/c": b"2"}), publish_folder(store, "e", {})
    assert [entry.path for entry in laid_into(store, before, folder, "in").entries] == ["in/a", "in/b/c", "other"]
    assert [entry.path for entry in laid_into(store, before, folder, ".").entries] == ["a", "b/c"]
    assert [(one.path, one.type) for one in laid_into(store, before, empty, "in").entries] == [
        ("in", "d"),
        ("other", "f"),
    ]
    with pytest.raises(StepFailure, match="nothing can be laid at"):
        laid_into(store, before, publish(store, "f"), ".")


def test_file_is_named_by_a_rename_when_there_are_no_hard_links(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_: object) -> None:
        raise PermissionError

    version = publish(store, "n", b"content")
    monkeypatch.setattr(os, "link", refuse)
    get(store, version, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"content"
    assert list(digests_of(store, version)) == [version.digest]
