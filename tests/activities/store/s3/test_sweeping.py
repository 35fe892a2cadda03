import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from activities.store.s3 import sweeping
from activities.store.s3.store import S3Store
from tests.activities.store.s3.test_writing import SOME, objects, small_files
from tests.activities.store.s3_places import fresh_store
from tests.support.versitygw import Gateway

LATER = datetime.now(UTC) + timedelta(days=1)


def nothing(_: str) -> bool:
    return False


def test_what_a_killed_writer_left_goes_when_it_is_old(
    s3: Gateway, store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write_blobs_from(small_files(tmp_path / "tree", 20))
    for path in objects(s3, store, "index"):
        path.unlink()
    store.link_to(store.write_blob(b"text " * 1000), 60, "a", "text/plain")
    store._bucket.begin_parts("cas/aa/unfinished")
    other = fresh_store(monkeypatch, tmp_path / "other", store.location)
    assert other.sweep(nothing, datetime(2020, 1, 1, tzinfo=UTC), dry_run=False).blobs == 0
    assert objects(s3, store, "packs")
    assert other.sweep(nothing, LATER, dry_run=False).blobs == 1
    for folder in ("packs", "links", "cas", "dying"):
        assert objects(s3, store, folder) == []
    assert other._bucket.open_uploads() == []


def test_pack_stays_when_most_of_it_is_live(store: S3Store, tmp_path: Path) -> None:
    kept = [digest for digest, _ in store.write_blobs_from(small_files(tmp_path / "tree", 20))]
    assert store.sweep(set(kept[:15]).__contains__, LATER, dry_run=False).packs == 0
    assert store.missing_blobs(kept) == set()


def test_blob_stays_when_it_is_made_young_in_the_last_moment(
    s3: Gateway, store: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = store.write_blob(SOME)
    (path,) = objects(s3, store, "cas")
    os.utime(path, (1, 1))
    look_at = store._bucket.look_at

    def renewed_first(name: str):
        os.utime(path)
        return look_at(name)

    monkeypatch.setattr(store._bucket, "look_at", renewed_first)
    assert store.sweep(nothing, datetime(2020, 1, 1, tzinfo=UTC), dry_run=False).blobs == 0
    assert store.read_blob(digest) == SOME


def test_nothing_goes_when_a_sweep_takes_too_long(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write_blob(SOME)
    monkeypatch.setattr(sweeping, "DYING_AT_MOST", timedelta(0))
    assert store.sweep(nothing, LATER, dry_run=False).blobs == 0


def test_pack_stays_when_what_is_live_in_it_is_damaged(
    s3: Gateway, store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = [digest for digest, _ in store.write_blobs_from(small_files(tmp_path / "tree", 20))]
    (pack,) = objects(s3, store, "packs")
    pack.write_bytes(b"\0" * pack.stat().st_size)
    other = fresh_store(monkeypatch, tmp_path / "other", store.location)
    assert other.sweep({kept[0]}.__contains__, LATER, dry_run=False).packs == 0
    assert objects(s3, store, "packs") == [pack]
