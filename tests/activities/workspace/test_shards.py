from pathlib import Path

import pytest
from hypothesis import given, strategies

from activities.store.canonical_json import digest_of
from activities.store.interface import BlobMissing, Store
from activities.workspace import manifest as manifests
from activities.workspace import shards as module
from activities.workspace.deltas import apply_delta, diff
from activities.workspace.manifest import (
    Entry,
    Manifest,
    changed,
    differing,
    load_manifest,
    manifest_of,
    parse_manifest,
    save_manifest,
)
from activities.workspace.shards import Shard, cut_all, edited, forget_all, parse_entries
from definitions.errors import StepFailure

DIGEST = digest_of(b"")


def file(path: str, content: str = DIGEST) -> Entry:
    return Entry(path, "f", content, 1)


def many(count: int) -> Manifest:
    return manifest_of(file(f"d{number % 30}/f{number}") for number in range(count))


@pytest.fixture(autouse=True)
def content(request: pytest.FixtureRequest) -> None:
    """Keep what all files of these trees hold, where a test has a store."""
    if "store" in request.fixturenames:
        request.getfixturevalue("store").write_blob(b"")


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ENTRIES", 4)
    monkeypatch.setattr(module, "CUT_EACH", 3)
    monkeypatch.setattr(manifests, "WHOLE_UP_TO", 5)


PATHS = strategies.integers(0, 60).map(lambda number: f"p{number:02}")


@pytest.mark.usefixtures("small_shards")
@given(
    strategies.sets(PATHS),
    strategies.dictionaries(PATHS, strategies.sampled_from([None, "1" * 64, "2" * 64]), max_size=8),
)
def test_shards_are_as_if_cut_anew_when_a_tree_is_edited(paths: set[str], changes: dict[str, str | None]) -> None:
    before = cut_all([file(path) for path in sorted(paths)])
    entries = {path: None if content is None else file(path, content) for path, content in changes.items()}
    after = {**{path: file(path) for path in paths}, **entries}
    anew = cut_all(sorted(entry for entry in after.values() if entry is not None))
    assert [shard.entries for shard in edited(before, entries)] == [shard.entries for shard in anew]


@pytest.mark.usefixtures("small_shards")
@given(strategies.sets(PATHS), strategies.sets(PATHS))
def test_difference_is_whole_when_trees_share_shards(one: set[str], other: set[str]) -> None:
    before, after = (manifest_of(map(file, paths)) for paths in (one, other))
    assert {change.path for change in diff(before, after)} == one ^ other
    assert apply_delta(before, diff(before, after)) == after


def test_one_shard_is_new_when_one_file_of_a_big_tree_changes() -> None:
    before = many(10_000)
    after = changed(before, {"d3/f33": file("d3/f33", "1" * 64)})
    new = {shard.digest for shard in after.shards} - {shard.digest for shard in before.shards}
    assert len(new) == 1
    assert all(shard.count <= module.MOST_ENTRIES for shard in after.shards)
    left, right = differing(before, after)
    assert len(left) == len(right) <= module.MOST_ENTRIES


def test_big_tree_reads_back_when_saved(store: Store) -> None:
    manifest = many(10_000)
    digest = save_manifest(store, manifest)
    forget_all()
    loaded = load_manifest(store, digest)
    assert loaded.count == 10_000
    assert (loaded.digest, loaded.entries) == (digest, manifest.entries)
    assert loaded == manifest


class Counting:
    """A store that counts what is read."""

    def __init__(self, store: Store) -> None:
        self.store, self.reads = store, 0

    def read_blob(self, digest: str) -> bytes:
        self.reads += 1
        return self.store.read_blob(digest)


def test_few_blobs_are_read_when_paths_of_a_big_tree_are_asked_for(store: Store) -> None:
    digest = save_manifest(store, many(10_000))
    forget_all()
    counting = Counting(store)
    loaded = load_manifest(counting, digest)  # type: ignore[arg-type]
    assert loaded.find("d3/f33") == file("d3/f33")
    assert loaded.find("d3/absent") is None
    assert loaded.find("") is None
    assert counting.reads == 4
    assert counting.reads < len(loaded.shards)


def test_few_shards_are_kept_one_by_one_when_a_saved_tree_is_edited(store: Store) -> None:
    before = load_manifest(store, save_manifest(store, many(5000)))
    after = changed(before, {"d3/f33": None, "d3/new": file("d3/new")})
    forget_all()
    assert load_manifest(store, save_manifest(store, after)).find("d3/f33") is None


def test_folder_is_no_entry_of_its_own_when_an_edit_fills_it() -> None:
    before = manifest_of([*many(3000).entries, Entry("empty", "d")])
    after = changed(before, {"empty/x": file("empty/x")})
    assert after.find("empty") is None
    assert after == manifest_of([*many(3000).entries, file("empty/x")])
    assert changed(before, {"d1": Entry("d1", "d")}).find("d1") is None


@pytest.mark.parametrize(
    "entries",
    [
        [*many(3000).entries, file("zz"), file("zz/below")],
        [*many(3000).entries, Entry("zz", "l", target="../out")],
    ],
)
def test_big_tree_is_refused_when_restoring_it_could_leave_the_folder(store: Store, entries: list[Entry]) -> None:
    loaded = load_manifest(store, save_manifest(store, Manifest(tuple(entries))))
    with pytest.raises(StepFailure, match="cannot be used"):
        _ = loaded.entries


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"[1]", b'[["b","f","","",0],["a","f","","",0]]'])
def test_text_is_refused_when_it_is_no_shard(content: bytes) -> None:
    with pytest.raises(StepFailure, match="cannot be used"):
        parse_entries(content, "x")


def test_shard_is_refused_when_it_is_not_what_the_root_says(store: Store) -> None:
    shard = cut_all(many(10).entries)[0]
    digest = store.write_blob(shard.to_bytes())
    for first, count in (("a", shard.count), (shard.first, 3)):
        forget_all()
        with pytest.raises(StepFailure, match="not the part of a tree"):
            _ = Shard(first, count, digest=digest, store=store).entries
    with pytest.raises(ValueError, match="a store to read them from"):
        _ = Shard("a", 1, digest=digest).entries


@pytest.mark.parametrize("rows", [b'["a",1]', b'["a",0,"x"]', b'["b",1,"x"],["a",1,"x"]'])
def test_root_is_refused_when_its_parts_are_not_sound(store: Store, rows: bytes) -> None:
    with pytest.raises(StepFailure, match="cannot be used"):
        parse_manifest(b'{"version":2,"shards":[' + rows + b"]}", "x", store)


def test_manifest_says_what_it_is() -> None:
    assert repr(many(3)).endswith("3 entries)")
    assert len({many(3), many(3), many(4)}) == 2
    assert many(3) != Path()


def test_tree_is_not_kept_when_the_content_of_a_file_is_not_in_the_store(store: Store) -> None:
    for count in (10, 3000):
        tree = changed(many(count), {"d1/f1": file("d1/f1", "1" * 64)})
        with pytest.raises(BlobMissing, match="the content of `d1/f1` is not in the store"):
            save_manifest(store, tree)
        assert not store.has_blob(tree.digest)
