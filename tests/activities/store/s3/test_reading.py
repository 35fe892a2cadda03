import os
import shutil
from pathlib import Path

import pytest

from activities.store.interface import BlobMissing
from activities.store.s3.store import S3Store
from tests.activities.store.s3.test_writing import SOME, objects, small_files
from tests.activities.store.s3_places import fresh_store
from tests.support.versitygw import Gateway


def test_whole_tree_comes_in_few_requests_when_it_was_fetched(
    store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = small_files(tmp_path / "tree", 500)
    (tmp_path / "tree" / "random").write_bytes(SOME)
    paths.append(tmp_path / "tree" / "random")
    kept = [digest for digest, _ in store.write_blobs_from(paths)]
    other = fresh_store(monkeypatch, tmp_path / "other", store.location)
    other.fetch(kept)
    other.fetch(kept)
    before = other.requests
    for digest, path in zip(kept, paths, strict=True):
        assert other.read_blob(digest) == path.read_bytes()
    assert other.requests == before


@pytest.mark.parametrize("size", ["0", "5GB"])
def test_blobs_are_read_when_nothing_is_kept_here(
    store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: str
) -> None:
    paths = small_files(tmp_path / "tree", 20)
    kept = [digest for digest, _ in store.write_blobs_from(paths)] + [store.write_blob(b"alone")]
    monkeypatch.setenv("PERDURE_STORE_CACHE_SIZE", size)
    other = fresh_store(monkeypatch, tmp_path / "other", store.location)
    if size == "0":
        other.fetch(kept)
    assert other.read_blob(kept[3]) == paths[3].read_bytes()
    assert other.read_blob(kept[-1]) == b"alone"
    assert (tmp_path / "other").exists() == (size != "0")


@pytest.mark.parametrize("damage", [b"", b"short", b"x" * 100_000])
def test_content_comes_from_s3_when_the_copy_here_is_damaged(
    store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes
) -> None:
    paths = small_files(tmp_path / "tree", 20)
    kept = [digest for digest, _ in store.write_blobs_from(paths)] + [store.write_blob(SOME)]
    copies = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert len(copies) == 3
    for path in copies:
        path.write_bytes(damage)
    assert store.read_blob(kept[0]) == paths[0].read_bytes()
    store.copy_blob_to(kept[-1], tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == SOME
    other = fresh_store(monkeypatch, tmp_path / "cache", store.location)
    assert other.read_blob(kept[0]) == paths[0].read_bytes()


def test_blob_is_missing_when_its_pack_is_gone(s3: Gateway, store: S3Store, tmp_path: Path) -> None:
    paths = small_files(tmp_path / "tree", 20)
    kept = [digest for digest, _ in store.write_blobs_from(paths)]
    shutil.rmtree(tmp_path / "cache")
    for path in [*objects(s3, store, "packs"), *objects(s3, store, "index")]:
        path.unlink()
    with pytest.raises(BlobMissing, match="is not in the store"):
        store.read_blob(kept[0])
    assert store.missing_blobs(kept) == set(kept)


def test_damaged_index_is_reported_and_its_files_are_missing_when_it_is_read(
    s3: Gateway,
    store: S3Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    paths = small_files(tmp_path / "tree", 20)
    kept = [digest for digest, _ in store.write_blobs_from(paths)]
    (index,) = objects(s3, store, "index")
    index.write_bytes(index.read_bytes()[:-40])
    other = fresh_store(monkeypatch, tmp_path / "other", store.location)
    with pytest.raises(BlobMissing):
        other.read_blob(kept[0])
    assert "is damaged" in caplog.text
    assert list(other.list_blobs()) == []
    other.write_blobs_from([*paths, *small_files(tmp_path / "tree", 1, "more")])
    assert other.read_blob(kept[0]) == paths[0].read_bytes()


def test_many_blobs_are_looked_up_in_a_listing_when_they_are_asked_for(
    store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = [store.write_blob(b"%d" % number) for number in range(60)]
    absent = {f"{number:064x}" for number in range(40)} | {"f" * 64}
    monkeypatch.setattr("activities.store.s3.presence.PAGE", 20)
    for page in (20, 1000):
        monkeypatch.setattr("activities.store.s3.presence.PAGE", page)
        other = fresh_store(monkeypatch, tmp_path / f"other-{page}", store.location)
        assert other.missing_blobs([*kept, *absent]) == absent


def test_what_was_used_longest_ago_goes_when_the_cache_is_full(
    store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = [store.write_blob(os.urandom(100_000)) for _ in range(20)]
    monkeypatch.setenv("PERDURE_STORE_CACHE_SIZE", "1MB")
    other = fresh_store(monkeypatch, tmp_path / "other", store.location)
    other.fetch(kept)
    for digest in kept:
        other.read_blob(digest)
    size = sum(path.stat().st_size for path in (tmp_path / "other").rglob("*") if path.is_file())
    assert 0 < size <= 1_000_000


def test_blobs_are_read_and_written_when_the_cache_cannot_be(
    store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    other = fresh_store(monkeypatch, tmp_path / "file", store.location)
    digest = other.write_blob(b"content")
    assert other.read_blob(digest) == b"content"
