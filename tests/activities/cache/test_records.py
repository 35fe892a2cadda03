import errno
import os
from pathlib import Path

import pytest
from pydantic import JsonValue

from activities.cache.records import Hit, Miss, find_record, look_up, tree_after
from activities.store.canonical_json import digest_of
from activities.store.interface import Store, StoreError
from activities.workspace.manifest import Manifest, load_manifest
from definitions.records import file_reference, value_reference
from tests.activities.cache.results import keep, key_of
from tests.activities.workspace.trees import tree

BEFORE = {"src/a": "1", "out": "old", "keep": "k"}
AFTER = {"src/a": "1", "out*": "new", "made/x": "m", "keep": "k"}
KEY = key_of()


def hit(store: Store, manifest: Manifest | None) -> Hit:
    found = look_up(store, KEY, manifest)
    assert isinstance(found, Hit), found
    return found


def miss(store: Store, manifest: Manifest | None) -> str:
    found = look_up(store, KEY, manifest)
    assert isinstance(found, Miss)
    return found.reason


def test_look_up_misses_when_nothing_is_kept(store: Store) -> None:
    assert miss(store, None) == "nothing is kept under this key"


def test_hit_gives_back_all_that_was_saved(store: Store) -> None:
    digest = store.write_blob(b"report")
    assert keep(store, KEY, outputs={"n": 1.5}, artifacts={"r": file_reference("r.xml", digest, 6)})
    found = hit(store, None)
    assert found.tree is None
    assert tree_after(store, found) is None
    assert found.record.outputs == {"n": 1.5}
    assert found.record.artifacts == {"r": file_reference("r.xml", digest, 6)}
    assert found.record.produced_by.execution_id == "run-1"
    assert found.record.usage is not None
    assert found.record.usage.usd == 0.5
    assert found.record.log == "runs/run-1/logs/build/1/log-00001"


def test_hit_applies_what_the_step_changed(store: Store) -> None:
    keep(store, KEY, tree(store, BEFORE), tree(store, AFTER))
    found = hit(store, tree(store, BEFORE))
    assert found.tree == tree(store, AFTER)
    assert load_manifest(store, tree_after(store, found)) == tree(store, AFTER)


def test_hit_keeps_other_edits_when_the_step_does_not_touch_them(store: Store) -> None:
    keep(store, KEY, tree(store, BEFORE), tree(store, AFTER))
    assert hit(store, tree(store, {**BEFORE, "keep": "edited", "more": "x"})).tree == tree(
        store, {**AFTER, "keep": "edited", "more": "x"}
    )


def test_hit_gives_the_tree_itself_when_the_step_changed_nothing(store: Store) -> None:
    manifest = tree(store, BEFORE)
    keep(store, KEY, manifest, manifest)
    assert hit(store, manifest).tree is manifest


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        ({**BEFORE, "out": "edited"}, "`out`, which the step changes, is not what it was then"),
        ({**BEFORE, "made/x": "there already"}, "`made/x`, which"),
        ({"src/a": "1", "keep": "k"}, "`out`, which"),
        ({"src/a": "1", "made/x": "m", "out": "other"}, "`made/x` and 1 more, which"),
        ({**BEFORE, "made": "a file"}, "lies below `made`"),
    ],
)
def test_look_up_misses_when_a_path_that_it_touches_differs(
    store: Store, now: dict[str, str | None], reason: str
) -> None:
    keep(store, KEY, tree(store, BEFORE), tree(store, AFTER))
    assert reason in miss(store, tree(store, now))


def test_look_up_misses_when_there_is_no_workspace_now(store: Store) -> None:
    keep(store, KEY, tree(store, BEFORE), tree(store, AFTER))
    assert "there is no workspace now" in miss(store, None)


def test_first_writer_wins_when_the_same_is_saved_twice(store: Store) -> None:
    before = tree(store, BEFORE)
    assert keep(store, KEY, before, tree(store, AFTER), run="first")
    assert not keep(store, KEY, before, tree(store, {**AFTER, "out": "another"}), run="second")
    assert hit(store, before).record.produced_by.execution_id == "first"


def test_results_lie_side_by_side_when_they_began_differently(store: Store) -> None:
    for name in ("one", "two", "three", "four"):
        assert keep(store, KEY, tree(store, {"out": name}), tree(store, {"out": name + " after"}), run=name)
    assert not keep(store, KEY, tree(store, {"out": "five"}), tree(store, {"out": "six"}))
    assert "`out`" in miss(store, tree(store, {"out": "five"}))
    for name in ("one", "two", "three", "four"):
        assert hit(store, tree(store, {"out": name})).record.produced_by.execution_id == name


def test_ignored_files_are_laid_down_whatever_was_there(store: Store) -> None:
    ignored = ("coverage.xml",)
    keep(store, KEY, tree(store, {"a": "1"}), tree(store, {"a": "1", "coverage.xml": "c"}, ignored))
    for now in ({"a": "1"}, {"a": "1", "coverage.xml": "of another run"}):
        assert hit(store, tree(store, now, ignored)).tree == tree(store, {"a": "1", "coverage.xml": "c"}, ignored)


GIT = (".git/index", ".git/HEAD", ".git/objects/1")


def test_gits_index_alone_is_no_change(store: Store) -> None:
    before = tree(store, {"a": "1", ".git/index": "1"}, GIT)
    keep(store, KEY, before, tree(store, {"a": "2", ".git/index": "2"}, GIT))
    assert hit(store, before).tree == tree(store, {"a": "2", ".git/index": "1"}, GIT)


def test_commit_is_part_of_the_result_and_fits_the_same_history_only(store: Store) -> None:
    before = tree(store, {"a": "1", ".git/index": "1", ".git/HEAD": "1"}, GIT)
    after = tree(store, {"a": "2", ".git/index": "2", ".git/HEAD": "2", ".git/objects/1": "c"}, GIT)
    keep(store, KEY, before, after)
    assert hit(store, before).tree == after
    assert hit(store, tree(store, {"a": "1", ".git/index": "clone's", ".git/HEAD": "1"}, GIT)).tree == after
    assert "`.git/HEAD`" in miss(store, tree(store, {"a": "1", ".git/index": "1", ".git/HEAD": "other"}, GIT))


def record_file(store: Store) -> Path:
    return Path(store.location) / "keys" / KEY.record_key


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "not a record", "other version", "bad delta"])
def test_record_is_removed_when_it_is_damaged(store: Store, damage: str) -> None:
    keep(store, KEY, outputs={"n": 1})
    file = record_file(store)
    content = file.read_bytes()
    body = content.split(b"\n", 1)[1]

    def sealed(text: bytes) -> bytes:
        return digest_of(text).encode() + b"\n" + text

    file.chmod(0o644)
    file.write_bytes(
        {
            "cut": content[:-5],
            "flipped": content.replace(b'"n":1', b'"n":2'),
            "empty": b"",
            "not a record": sealed(b"{}"),
            "other version": sealed(body.replace(b'"version":1', b'"version":9')),
            "bad delta": sealed(body.replace(b'"delta":[]', b'"delta":[7]')),
        }[damage]
    )
    assert miss(store, None) == "what was kept is damaged and was removed"
    assert not file.exists()
    assert keep(store, KEY, outputs={"n": 1})
    assert hit(store, None).record.outputs == {"n": 1}


def references(digest: str) -> list[dict[str, JsonValue]]:
    return [
        {"o": file_reference("f", digest, 4)},
        {"o": value_reference(digest, 4)},
        {"o": [{"deep": file_reference("f", digest, 4)}]},
    ]


@pytest.mark.parametrize("kind", range(5))
def test_record_is_removed_when_a_blob_that_it_needs_is_gone(store: Store, kind: int) -> None:
    digest = store.write_blob(b"gone")
    before, after = tree(store, {"a": "1"}), tree(store, {"a": "1"})
    if kind == 4:
        after = tree(store, {"a": "1", "b": "gone"})
    outputs = references(digest)[kind] if kind < 3 else {}
    keep(
        store, KEY, before, after, outputs=outputs, artifacts={"a": file_reference("f", digest, 4)} if kind == 3 else {}
    )
    assert isinstance(look_up(store, KEY, before), Hit)
    (Path(store.location) / "cas" / digest[:2] / digest).unlink()
    assert f"content that was kept is gone (blob `{digest[:12]}…`)" in miss(store, before)
    assert not record_file(store).exists()


def refuse(*_: object, **__: object) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_look_up_misses_when_the_store_does_not_answer(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(store, KEY)
    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert "the store could not be asked: cannot read from the store" in miss(store, None)


def test_saving_fails_without_a_record_when_the_disk_is_full(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "write", refuse)
    with pytest.raises(StoreError):
        keep(store, KEY)
    monkeypatch.undo()
    assert miss(store, None) == "nothing is kept under this key"


def test_record_is_found_by_digest(store: Store) -> None:
    assert find_record(store, KEY.digest) is None
    keep(store, KEY)
    record = find_record(store, KEY.digest)
    assert record is not None
    assert record.key == KEY.digest
