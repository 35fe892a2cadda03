"""Retention: what goes, what stays, and what the garbage collection must leave."""

from datetime import timedelta
from pathlib import Path

import pytest

from activities.artifacts import retention
from activities.artifacts.retention import live_digests, prune, prune_all
from activities.artifacts.step_artifacts import _publish  # pyright: ignore[reportPrivateUsage]
from activities.artifacts.tags import set_tag, tags_of
from activities.artifacts.versions import delete_version, version_numbers
from activities.store.interface import Store, StoreError
from activities.store.opening import open_store
from tests.activities.artifacts.samples import MOMENT, draft, publish, publish_folder, rule


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store")


def test_oldest_go_when_there_are_more_than_the_rule_keeps(store: Store):
    for number in range(6):
        publish(store, "n", str(number).encode(), retention=rule(versions=3))
    assert prune(store, "n", MOMENT, dry_run=True) == [1, 2, 3]
    assert prune(store, "n", MOMENT) == [1, 2, 3]
    assert version_numbers(store, "n") == [4, 5, 6]
    assert prune(store, "n", MOMENT) == []


def test_tagged_and_newest_stay_when_all_are_old(store: Store):
    for number in range(4):
        publish(store, "n", str(number).encode(), retention=rule(age=3600), published_at=MOMENT)
    set_tag(store, "n", "approved", 2, now=MOMENT, by=None)
    assert prune(store, "n", MOMENT + timedelta(minutes=59)) == []
    assert prune(store, "n", MOMENT + timedelta(hours=2)) == [1, 3]


def test_rule_of_the_newest_counts_when_rules_differ(store: Store):
    publish(store, "n", b"1", retention=rule(versions=1))
    publish(store, "n", b"2")
    publish(store, "m", b"1")
    publish(store, "m", b"2", retention=rule(versions=1))
    assert prune_all(store, MOMENT) == {"m": [1]}


def test_nothing_goes_when_the_store_does_not_answer(store: Store, monkeypatch: pytest.MonkeyPatch):
    publish(store, "n", b"1")
    publish(store, "n", b"2", retention=rule(versions=1))

    def away(*_: object) -> None:
        raise StoreError("away")

    monkeypatch.setattr(retention, "tags_of", away)
    assert prune(store, "n", MOMENT) == []
    assert prune(store, "nobody", MOMENT) == []


def test_contents_are_roots_when_a_version_needs_them(store: Store):
    file, folder = publish(store, "n", b"file"), publish_folder(store, "d", {"a": b"1", "b/c": b"2"})
    gone = publish(store, "n", b"gone")
    delete_version(store, "n", gone.version)
    found = set(live_digests(store))
    assert {file.digest, folder.digest, store.write_blob(b"1"), store.write_blob(b"2")} == found


def test_version_is_published_again_when_others_retention_took_it_before_its_tag(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    from activities.artifacts import step_artifacts

    real, raced = step_artifacts.set_tag, [False]

    def late(*arguments: object, **facts: object) -> object:
        if not raced[0]:
            raced[0] = True
            publish(store, "n", b"other", retention=rule(versions=1))
            prune(store, "n", MOMENT)
        return real(*arguments, **facts)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(step_artifacts, "set_tag", late)
    made = _publish(store, draft(store, "n", b"mine"), ["t"], "run step")
    assert (made.version, version_numbers(store, "n")) == (3, [2, 3])
    assert [tag.version for _, tag in tags_of(store, "n")] == [3]
