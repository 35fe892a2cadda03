import hashlib
import os
from datetime import timedelta
from pathlib import Path

import pytest
import zstandard

from activities.store.interface import BlobMissing, StoreError
from activities.store.s3 import pack_index, renewal, writing
from activities.store.s3.store import S3Store
from tests.activities.store.s3_places import fresh_store
from tests.support.versitygw import Gateway

SOME = os.urandom(1 << 20)


def small_files(folder: Path, count: int, word: str = "file") -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{word}-{number:05}" for number in range(count)]
    for path in paths:
        path.write_text(f"{path.name}\n" * 20)
    return paths


def objects(s3: Gateway, store: S3Store, folder: str) -> list[Path]:
    root = s3.objects / store.location.partition("perdure/")[2] / folder
    return sorted(path for path in root.rglob("*") if path.is_file())


def test_few_requests_are_made_when_there_are_many_small_files(store: S3Store, tmp_path: Path) -> None:
    paths = small_files(tmp_path / "tree", 3000)
    before = store.requests
    kept = store.write_blobs_from(paths)
    assert store.requests - before <= 10
    assert store.write_blobs_from(paths) == kept
    assert store.requests - before <= 11


def test_one_pack_serves_two_workers_when_both_hold_the_same_files(
    s3: Gateway, store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = small_files(tmp_path / "tree", 50)
    other = fresh_store(monkeypatch, tmp_path / "other", store.location)
    kept = store.write_blobs_from(paths)
    assert other.write_blobs_from(paths) == kept
    assert len(objects(s3, store, "packs")) == 1
    assert [other.read_blob(digest) for digest, _ in kept] == [path.read_bytes() for path in paths]


@pytest.mark.parametrize("kind", ["random", "text", "zstd"])
def test_big_file_goes_in_parts_and_comes_back_when_it_is(
    s3: Gateway, store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    size = (17 if kind == "random" else 3) << 20
    monkeypatch.setattr(writing, "WHOLE_UP_TO", (16 if kind == "random" else 1) << 20)
    content = SOME * (size >> 20) if kind == "random" else b"line of text\n" * (size // 13)
    if kind == "zstd":
        content = zstandard.ZstdCompressor().compress(b"inner") + SOME * (size >> 20)
    (tmp_path / "big").write_bytes(content)
    digest, kept = store.write_blob_from(tmp_path / "big")
    assert (digest, kept) == (hashlib.sha256(content).hexdigest(), len(content))
    (stored,) = objects(s3, store, "cas")
    assert (stored.stat().st_size < size // 100) == (kind == "text")
    other = fresh_store(monkeypatch, tmp_path / "other", store.location)
    other.copy_blob_to(digest, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == content
    before = store.requests
    assert store.write_blob_from(tmp_path / "big") == (digest, kept)
    assert store.requests <= before + 1  # a look at what others packed


def test_big_content_is_kept_when_it_is_in_memory(store: S3Store) -> None:
    content = SOME * 18
    assert store.read_blob(store.write_blob(content)) == content


def test_nothing_is_kept_when_a_big_file_changes_while_it_is_read(
    s3: Gateway, store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "WHOLE_UP_TO", 1000)
    path = tmp_path / "big"
    path.write_bytes(SOME)
    digest_of = writing._digest_of

    def changing(descriptor: int) -> tuple[str, int]:
        found = digest_of(descriptor)
        with path.open("r+b") as file:
            file.write(os.urandom(8))
        return found

    monkeypatch.setattr(writing, "_digest_of", changing)
    with pytest.raises(OSError, match="changes while it is read"):
        store.write_blob_from(path)
    assert objects(s3, store, "cas") == []


def test_file_is_refused_when_it_grows_beyond_what_is_held_in_memory(
    store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "read_all", lambda _: b"x" * (writing.WHOLE_UP_TO + 1))
    (tmp_path / "file").write_bytes(SOME)
    with pytest.raises(OSError, match="grows while it is read"):
        store.write_blob_from(tmp_path / "file")


def test_no_half_object_is_seen_when_a_part_cannot_be_sent(
    s3: Gateway, store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "big").write_bytes(SOME * 17)

    def refused(*_: object) -> None:
        raise StoreError("no")

    monkeypatch.setattr(store._bucket, "put_part", refused)
    with pytest.raises(StoreError, match="no"):
        store.write_blob_from(tmp_path / "big")
    assert objects(s3, store, "cas") == []
    assert store._bucket.open_uploads() == []


def test_failure_is_told_when_a_pack_cannot_be_sent(
    store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.store.packs.pack.PACK_ENTRIES", 10)

    def refused(*_: object, **__: object) -> None:
        raise StoreError("no")

    monkeypatch.setattr(store._bucket, "put", refused)
    paths = small_files(tmp_path / "tree", 100)
    with pytest.raises(StoreError, match="no"):
        store.write_blobs_from(paths)
    monkeypatch.undo()
    assert len(store.write_blobs_from(paths)) == 100


@pytest.mark.parametrize("place", ["alone", "packed"])
def test_damaged_blob_is_written_anew_when_somebody_makes_it_again(
    s3: Gateway, store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    paths = small_files(tmp_path / "tree", 20 if place == "packed" else 1)
    digest, _ = store.write_blobs_from(paths)[0]
    (stored,) = objects(s3, store, "packs" if place == "packed" else "cas")
    content = bytearray(stored.read_bytes())
    content[10:20] = b"0123456789"
    stored.write_bytes(content)
    other = fresh_store(monkeypatch, tmp_path / "other", store.location)
    with pytest.raises(BlobMissing, match="is damaged"):
        other.read_blob(digest)
    assert other.missing_blobs([digest]) == {digest}
    other.write_blobs_from(paths)
    assert other.read_blob(digest) == paths[0].read_bytes()
    assert fresh_store(monkeypatch, tmp_path / "third", store.location).read_blob(digest) == paths[0].read_bytes()


def test_old_blobs_are_made_young_when_they_are_kept_again(
    s3: Gateway, store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = small_files(tmp_path / "tree", 20)
    kept = [digest for digest, _ in store.write_blobs_from(paths)]
    alone = store.write_blob(b"alone")
    # nothing is young to a worker whose times are short
    for module in (pack_index, renewal):
        monkeypatch.setattr(module, "RENEWED_AFTER", timedelta(hours=-1))
    other = fresh_store(monkeypatch, tmp_path / "other", store.location)
    assert not other.is_young(kept[0])
    assert not other.is_young(alone)
    stored = [*objects(s3, store, "index"), *objects(s3, store, "cas")]
    for path in stored:
        os.utime(path, (1, 1))
    assert other.renew([alone, *kept]) == set()
    assert all(path.stat().st_mtime > 1 for path in stored)
    for path in stored:
        os.utime(path, (1, 1))
    other = fresh_store(monkeypatch, tmp_path / "another", store.location)
    other.write_blob(b"alone")
    assert objects(s3, store, "cas")[0].stat().st_mtime > 1


@pytest.mark.parametrize("is_seen", [True, False])
def test_renewed_blob_is_missing_when_a_sweep_was_faster(
    store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_seen: bool
) -> None:
    alone = store.write_blob(b"alone")
    words = [{alone}, {alone}, set[str]()] if is_seen else [set[str]()]
    monkeypatch.setattr(renewal, "RENEWED_AFTER", timedelta(hours=-1))
    other = fresh_store(monkeypatch, tmp_path / "other", store.location)
    bucket, told = other._bucket, iter(words)

    def dying() -> set[str]:
        word = next(told)
        if not word:
            bucket.delete(f"cas/{alone[:2]}/{alone}")
        return word

    monkeypatch.setattr(other._renewal, "_dying", dying)
    assert other.renew([alone]) == {alone}


def test_word_of_a_sweep_is_heard_when_it_is_young(store: S3Store) -> None:
    word = b'["name"]'
    store._bucket.put("dying/x", word, hashlib.sha256(word).digest())
    assert store._renewal._dying() == {"name"}


def swept_meanwhile(patch: pytest.MonkeyPatch, store: S3Store, stored: list[Path]) -> None:
    """Let a sweep, whose word nobody saw, be through with these objects when `store` looks for its word."""

    def dying() -> set[str]:
        while stored:
            stored.pop().unlink()
        return set()

    patch.setattr(store._renewal, "_dying", dying)


def test_renewed_pack_is_missing_when_a_sweep_was_faster(
    s3: Gateway, store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = {digest for digest, _ in store.write_blobs_from(small_files(tmp_path / "tree", 20))}
    monkeypatch.setattr(pack_index, "RENEWED_AFTER", timedelta(hours=-1))
    other = fresh_store(monkeypatch, tmp_path / "other", store.location)
    swept_meanwhile(monkeypatch, other, [*objects(s3, store, "index"), *objects(s3, store, "packs")])
    assert other.renew(kept) == kept


@pytest.mark.parametrize("left", ["both", "pack", "neither, soon"])
def test_pack_is_young_and_whole_when_the_same_files_are_kept_again(
    s3: Gateway, store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: str
) -> None:
    paths = small_files(tmp_path / "tree", 20)
    kept = [digest for digest, _ in store.write_blobs_from(paths)]
    (index,), (pack,) = objects(s3, store, "index"), objects(s3, store, "packs")
    for path in (index, pack):
        os.utime(path, (1, 1))
    if left == "pack":
        index.unlink()
    other = fresh_store(monkeypatch, tmp_path / "other", store.location)
    if left == "neither, soon":
        swept_meanwhile(monkeypatch, other, [index, pack])
    other.write_blobs_from(paths)
    assert index.stat().st_mtime > 1
    assert [fresh_store(monkeypatch, tmp_path / "third", store.location).read_blob(one) for one in kept] == [
        path.read_bytes() for path in paths
    ]


def test_damaged_blob_is_written_again_when_it_was_about_to_go(
    s3: Gateway, store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = store.write_blob(SOME)
    (stored,) = objects(s3, store, "cas")
    stored.write_bytes(b"damaged")
    other = fresh_store(monkeypatch, tmp_path / "other", store.location)
    with pytest.raises(BlobMissing):
        other.check_blob(digest)
    swept_meanwhile(monkeypatch, other, [stored])
    other.write_blob(SOME)
    assert stored.read_bytes() == SOME
