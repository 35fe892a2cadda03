"""Versions: counted, immutable, the same for a repeated publication, whoever else publishes at the same time."""

import threading
from pathlib import Path

import pytest

from activities.artifacts import versions
from activities.artifacts.versions import (
    artifact_names,
    delete_version,
    deleted_numbers,
    find_version,
    publish_version,
    read_version,
    version_numbers,
)
from activities.store.interface import Store
from activities.store.opening import open_store
from definitions.artifact_names import ArtifactReference, parse_reference
from definitions.errors import StepFailure
from tests.activities.artifacts.samples import draft, publish


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store")


def test_numbers_are_counted_when_versions_are_published(store: Store):
    assert [publish(store, "a/b", text).version for text in (b"1", b"2", b"3")] == [1, 2, 3]
    assert publish(store, "a").version == 1
    assert artifact_names(store) == ["a", "a/b"]


def test_version_is_the_same_when_a_publication_is_repeated(store: Store):
    one = draft(store, "n", b"same")
    first = publish_version(store, one)
    publish(store, "n", b"other")
    assert publish_version(store, one) == first
    assert version_numbers(store, "n") == [1, 2]


class Dies(Exception):
    pass


@pytest.mark.parametrize("at", range(6))
def test_no_second_version_appears_when_the_publisher_dies_anywhere(
    store: Store, monkeypatch: pytest.MonkeyPatch, at: int
):
    """Each call that changes the store is the last one, once."""
    one, calls = draft(store, "n"), 0
    create = store.create_record

    def dying(key: str, content: bytes) -> bool:
        nonlocal calls
        calls += 1
        if calls - 1 == at // 2 and at % 2 == 0:
            raise Dies
        made = create(key, content)
        if calls - 1 == at // 2:
            raise Dies
        return made

    with monkeypatch.context() as patch:
        patch.setattr(store, "create_record", dying)
        try:
            publish_version(store, one)
        except Dies:
            pass
        else:
            assert at > 3, "there are two such calls, each with a before and an after"
    assert publish_version(store, one).version == 1
    assert version_numbers(store, "n") == [1]


def test_each_number_is_given_once_when_many_publish_at_the_same_time(store: Store):
    found: list[int] = []
    begin = threading.Barrier(8)

    def work(number: int) -> None:
        begin.wait()
        for turn in range(4):
            found.append(publish(store, "n", f"{number} {turn}".encode()).version)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [*range(1, 33)]
    assert version_numbers(store, "n") == [*range(1, 33)]


def test_one_version_appears_when_the_same_publication_is_made_twice_at_once(store: Store):
    """Two attempts of one step, of which the first was taken for lost: at most one number each, never a wrong one."""
    one, found, begin = draft(store, "n"), list[int](), threading.Barrier(2)

    def work() -> None:
        begin.wait()
        found.append(publish_version(store, one).version)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert publish_version(store, one).version == min(version_numbers(store, "n"))
    assert {(read_version(store, "n", number) or one).digest for number in found} == {one.digest}


def test_number_is_not_given_again_when_a_version_was_deleted(store: Store):
    publish(store, "n", b"1")
    publish(store, "n", b"2")
    assert delete_version(store, "n", 2)
    assert not delete_version(store, "n", 2)
    assert publish(store, "n", b"3").version == 3
    assert deleted_numbers(store, "n") == [2]
    assert read_version(store, "n", 2) is None


def test_newest_is_found_when_no_version_is_named(store: Store):
    publish(store, "n", b"1")
    publish(store, "n", b"2")
    assert [(find_version(store, parse_reference(text)) or draft(store, "n")).version for text in ("n", "n@1")] == [
        2,
        1,
    ]
    assert find_version(store, ArtifactReference("n", tag="t")) is None
    assert find_version(store, ArtifactReference("n", tag="t"), 1) is not None
    assert find_version(store, parse_reference("nobody")) is None


@pytest.mark.parametrize("damage", [b"", b"{}", b"not json", b'{"name": "m"}'])
def test_damaged_record_is_told_when_it_is_read(store: Store, tmp_path: Path, damage: bytes):
    publish(store, "n")
    path = tmp_path / "store" / "keys" / "artifacts" / "n" / "versions" / "000000001"
    path.chmod(0o644)
    path.write_bytes(damage)
    with pytest.raises(StepFailure, match="the record of the artifact `n@1` is damaged"):
        read_version(store, "n", 1)
    with pytest.raises(StepFailure):
        publish_version(store, draft(store, "n"))


def test_record_of_another_name_is_damage_when_it_is_read(store: Store, tmp_path: Path):
    publish(store, "n", b"1")
    publish(store, "m", b"2")
    keys = tmp_path / "store" / "keys" / "artifacts"
    (keys / "n" / "versions" / "000000001").unlink()
    (keys / "m" / "versions" / "000000001").rename(keys / "n" / "versions" / "000000001")
    with pytest.raises(StepFailure, match="`n@1` is damaged"):
        read_version(store, "n", 1)


def test_publication_is_refused_when_every_number_is_taken(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(versions, "MOST_TRIES", 1)
    create = store.create_record
    monkeypatch.setattr(store, "create_record", lambda key, content: "versions" not in key and create(key, content))  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    with pytest.raises(StepFailure, match="try again"):
        publish(store, "n")
