import gc
import os
from pathlib import Path

import pytest

from activities.store.interface import Arrival, BlobMissing, StoreAway
from activities.store.s3 import transfers
from activities.store.s3.at_hand import AtHand
from activities.store.s3.bucket import StoredObject
from activities.store.s3.store import S3Store
from tests.activities.store.s3.test_writing import SOME, objects, small_files
from tests.activities.store.s3_places import fresh_store
from tests.support.versitygw import Gateway


@pytest.fixture
def away(store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> S3Store:
    """Another worker, that keeps nothing on its disk."""
    monkeypatch.setenv("PERDURE_STORE_CACHE_SIZE", "0")
    return fresh_store(monkeypatch, tmp_path / "away", store.location)


def read_all(store: S3Store, digests: list[str]) -> dict[str, bytes]:
    return {digest: store.read_blob(digest) for group in store.arriving(digests) for digest in group.digests}


def test_files_of_a_pack_come_in_one_request_when_nothing_is_kept_here(
    store: S3Store, away: S3Store, tmp_path: Path
) -> None:
    paths = small_files(tmp_path / "tree", 500)
    kept = [digest for digest, _ in store.write_blobs_from(paths)]
    alone = store.write_blob(SOME)
    away.missing_blobs([*kept, alone])
    before = away.requests
    found = read_all(away, [*kept, alone])
    assert away.requests - before <= 3
    assert [found[digest] for digest in kept] == [path.read_bytes() for path in paths]
    assert found[alone] == SOME


def test_memory_is_free_again_when_arrivals_are_let_go_of(store: S3Store, away: S3Store, tmp_path: Path) -> None:
    kept = [digest for digest, _ in store.write_blobs_from(small_files(tmp_path / "tree", 20))]
    (arrival,) = away.arriving(kept)
    room = away._fetcher._at_hand._room
    assert room._used > 0
    del arrival
    gc.collect()
    assert room._used == 0
    before = away.requests
    away.read_blob(kept[0])
    assert away.requests == before + 1


def test_what_is_here_or_wanted_singly_comes_first_when_others_are_to_be_brought(
    store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [digest for digest, _ in store.write_blobs_from(small_files(tmp_path / "tree", 20))]
    few = [digest for digest, _ in store.write_blobs_from(small_files(tmp_path / "tree", 20, "other"))][:2]
    here = store.write_blob(SOME)
    other = fresh_store(monkeypatch, tmp_path / "other", store.location)
    other.read_blob(here)
    first, second = other.arriving([*many, *few, here])
    assert first == Arrival(frozenset([*few, here]))
    assert second.digests == frozenset(many)
    before = other.requests
    assert list(read_all(fresh_store(monkeypatch, tmp_path / "other", store.location), many)) != []
    assert other.requests == before


def test_all_arrives_when_there_is_room_for_one_only(
    store: S3Store, away: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfers.Budget.__init__, "__defaults__", (1,))
    contents = [os.urandom(300_000) for _ in range(6)]
    kept = [store.write_blob(content) for content in contents]
    narrow = fresh_store(monkeypatch, tmp_path / "narrow", store.location)
    groups = list(narrow.arriving(kept))
    assert sorted(digest for group in groups for digest in group.digests) == sorted(kept)
    found = read_all(narrow, kept)
    assert [found[digest] for digest in kept] == contents


@pytest.mark.parametrize("size", ["0", "5GB"])
def test_later_parts_follow_the_first_when_a_blob_is_larger(
    store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: str
) -> None:
    content = os.urandom(9 << 20)
    digest = store.write_blob(content)
    monkeypatch.setenv("PERDURE_STORE_CACHE_SIZE", size)
    other = fresh_store(monkeypatch, tmp_path / "other", store.location)
    before = other.requests
    (arrival,) = other.arriving([digest])
    other.copy_blob_to(digest, tmp_path / "copy", executable=True)
    del arrival
    assert (tmp_path / "copy").read_bytes() == content
    # the listing of indexes, and three parts: the first one once
    assert other.requests - before == 4
    assert other._fetcher._cache.has("blobs", digest) == (size != "0")


@pytest.mark.parametrize("folder", ["packs", "cas"])
def test_content_is_never_handed_on_when_it_is_damaged(
    s3: Gateway, store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    kept = [digest for digest, _ in store.write_blobs_from(small_files(tmp_path / "tree", 20))]
    wanted = kept if folder == "packs" else [store.write_blob(SOME)]
    (stored,) = objects(s3, store, folder)
    sound = stored.read_bytes()
    stored.write_bytes(b"\0" * len(sound))
    other = fresh_store(monkeypatch, tmp_path / "other", store.location)
    groups = list(other.arriving(wanted))
    for read in (lambda: other.read_blob(wanted[0]), lambda: other.copy_blob_to(wanted[0], tmp_path / "copy")):
        with pytest.raises(BlobMissing, match="is damaged"):
            read()
    assert not (tmp_path / "copy").exists()
    stored.write_bytes(sound)  # what arrived is damaged still, and so was what was kept here
    assert other.read_blob(wanted[0]) == store.read_blob(wanted[0])
    del groups


def test_break_is_told_when_a_group_does_not_come(
    store: S3Store, away: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = [digest for digest, _ in store.write_blobs_from(small_files(tmp_path / "tree", 20))]
    away.missing_blobs(kept)
    get = away._bucket.get

    def broken(name: str) -> StoredObject | None:
        raise StoreAway(f"no `{name}`")

    monkeypatch.setattr(away._bucket, "get", broken)
    with pytest.raises(StoreAway):
        list(away.arriving(kept))
    monkeypatch.setattr(away._bucket, "get", get)
    assert len(read_all(away, kept)) == 20


def test_one_request_serves_all_when_two_want_the_same_at_once(store: S3Store) -> None:
    held = AtHand(store._fetcher._pool)
    asked: list[str] = []

    def bring() -> StoredObject:
        asked.append("once")
        return StoredObject(b"x", "", 1)

    first = held.hold("a", 1, bring, even_if_full=False)
    second = held.hold("a", 1, bring, even_if_full=False)
    assert first is second
    assert first is not None
    first.wait()
    assert held.find("a") == StoredObject(b"x", "", 1)
    assert asked == ["once"]
    del first, second
    gc.collect()
    assert held.find("a") is None
