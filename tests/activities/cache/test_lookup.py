import errno
import os
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import JsonValue

from activities.cache.lookup import ANY, Hit, Limits, Miss, look_up, tree_after
from activities.store.canonical_json import digest_of
from activities.store.interface import Store, StoreForbidden
from activities.workspace.manifest import Manifest, load_manifest, save_manifest
from definitions.stored_values import file_reference, folder_reference, value_reference
from definitions.trust import TRUSTED, parse_trust
from tests.activities.cache.results import NOON, keep, key_of
from tests.activities.workspace.trees import tree

BEFORE = {"src/a": "1", "out": "old", "keep": "k"}
AFTER = {"src/a": "1", "out*": "new", "made/x": "m", "keep": "k"}
KEY = key_of()


def hit(store: Store, manifest: Manifest | None, limits: Limits = ANY) -> Hit:
    found = look_up(store, KEY, manifest, limits)
    assert isinstance(found, Hit), found
    return found


def miss(store: Store, manifest: Manifest | None, limits: Limits = ANY) -> str:
    found = look_up(store, KEY, manifest, limits)
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


def test_record_is_removed_when_it_is_another_keys(store: Store) -> None:
    other = key_of("other")
    keep(store, other, outputs={"n": "not ours"})
    file = record_file(store)
    file.parent.mkdir(parents=True)
    file.write_bytes((Path(store.location) / "keys" / other.record_key).read_bytes())
    assert miss(store, None) == "what was kept is damaged and was removed"


def test_miss_says_damage_only_when_there_is_some(store: Store) -> None:
    assert look_up(store, KEY, None) == Miss("nothing is kept under this key")
    keep(store, KEY)
    record_file(store).chmod(0o644)
    record_file(store).write_bytes(b"x")
    assert look_up(store, KEY, None) == Miss("what was kept is damaged and was removed", is_damage=True)


def test_damaged_record_is_a_miss_when_the_store_may_only_be_read(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(name: str) -> None:
        raise StoreForbidden(f"`{name}` must not be removed")

    keep(store, KEY)
    record_file(store).chmod(0o644)
    record_file(store).write_bytes(b"x")
    monkeypatch.setattr(store, "delete_record", forbidden)
    assert miss(store, None) == "what was kept is damaged and was removed"


# --- age ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "says"),
    [(0, None), (2, None), (2.01, "older than its `ttl`, 2:00:00"), (-0.05, None), (-24, "which is not yet")],
)
def test_age_decides_when_there_is_a_ttl(store: Store, hours: float, says: str | None) -> None:
    keep(store, KEY)
    limits = Limits(ttl=timedelta(hours=2), at=NOON + timedelta(hours=hours))
    if says is None:
        hit(store, None, limits)
    else:
        assert says in miss(store, None, limits)
    hit(store, None, Limits(at=NOON + timedelta(hours=hours)))


# --- trust ----------------------------------------------------------------------------------------------

PR, OTHER = parse_trust("untrusted/pr-12"), parse_trust("untrusted/pr-13")


def test_trusted_run_reads_what_trusted_ones_made_only(store: Store) -> None:
    keep(store, KEY, outputs={"by": "pr"}, limits=Limits(PR))
    assert miss(store, None) == "nothing is kept under this key"
    assert miss(store, None, Limits(OTHER)) == "nothing is kept under this key"
    assert hit(store, None, Limits(PR)).record.outputs == {"by": "pr"}


def test_untrusted_run_reads_what_trusted_ones_made_before_its_own(store: Store) -> None:
    keep(store, KEY, outputs={"by": "pr"}, limits=Limits(PR))
    keep(store, KEY, outputs={"by": "main"})
    for trust in (PR, OTHER, TRUSTED):
        assert hit(store, None, Limits(trust)).record.outputs == {"by": "main"}


def test_scopes_own_result_is_taken_when_the_trusted_one_does_not_fit(store: Store) -> None:
    before, changed = tree(store, BEFORE), tree(store, {**BEFORE, "out": "of the pr"})
    keep(store, KEY, before, tree(store, AFTER), run="main")
    keep(store, KEY, changed, tree(store, AFTER), run="pr", limits=Limits(PR))
    assert hit(store, changed, Limits(PR)).record.produced_by.execution_id == "pr"
    assert "`out`" in miss(store, changed)


# --- garbage --------------------------------------------------------------------------------------------


def old_content(store: Store) -> tuple[Manifest, Path]:
    """Return the tree before a step whose result is kept, and the old blob that a hit needs."""
    before = tree(store, {"a": "1"})
    keep(store, KEY, before, tree(store, {"a": "1", "b": "made"}))
    digest = digest_of(b"made")
    blob = Path(store.location) / "cas" / digest[:2] / digest
    os.utime(blob, (0, 0))
    return before, blob


def test_content_that_is_taken_becomes_young(store: Store) -> None:
    before, blob = old_content(store)
    hit(store, before)
    assert blob.stat().st_mtime > 0


def test_hit_is_given_when_content_may_not_be_renewed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(_: object) -> set[str]:
        raise StoreForbidden("read-only")

    before, blob = old_content(store)
    monkeypatch.setattr(store, "renew", forbidden)
    hit(store, before)
    assert blob.stat().st_mtime == 0


def test_objects_come_back_in_the_order_that_they_had(store: Store) -> None:
    keep(store, KEY, outputs={"b": {"z": 1, "a": [{"y": 1, "x": 2}]}, "a": None})
    assert str(hit(store, None).record.outputs) == str({"b": {"z": 1, "a": [{"y": 1, "x": 2}]}, "a": None})


def test_names_that_are_not_utf8_come_back(store: Store) -> None:
    before, after = tree(store, {"a": "1"}), tree(store, {"a": "1", "x\udcff": "2", "l": "-> x\udcff"})
    keep(store, KEY, before, after)
    assert hit(store, before).tree == after


def test_record_is_removed_when_a_file_in_a_folder_that_it_refers_to_is_gone(store: Store) -> None:
    inside = tree(store, {"x": "1", "deep/y": "2"})
    folder = folder_reference("d", save_manifest(store, inside), 2, 2)
    keep(store, KEY, artifacts={"d": folder})
    assert hit(store, None).record.artifacts == {"d": folder}
    blob = digest_of(b"2")
    (Path(store.location) / "cas" / blob[:2] / blob).unlink()
    assert miss(store, None) == f"content that was kept is gone (blob `{blob[:12]}…`); the record was removed"
