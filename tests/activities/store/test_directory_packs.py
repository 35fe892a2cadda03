"""Packs in a store's folder: the conformance suite with nearly all in packs, other processes, damage, sweeps, races."""

import errno
import hashlib
import logging
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from activities.store import directory_packs, directory_sweeping, packing, staging
from activities.store.directory import DirectoryStore
from activities.store.interface import BlobMissing, Store, StoreError
from activities.store.opening import open_store
from activities.store.packs.index import index_of
from tests.activities.store.conformance import StoreConformance

ROOT = Path(__file__).parents[3]
LONG_AGO = (datetime.now(UTC) - timedelta(days=9)).timestamp()
WEEK_AGO = datetime.now(UTC) - timedelta(days=7)
COUNT = 100


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(root: Path) -> Store:
    return open_store(root)


class TestPackedDirectoryStore(StoreConformance):
    """The suite that every back end passes, where whatever is kept as a group is packed."""

    @pytest.fixture(autouse=True)
    def _pack_early(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(staging, "MANY", 2)
        monkeypatch.setattr("activities.store.directory.MANY", 2)
        monkeypatch.setattr(packing, "PACKED_FROM", 1)


def content(number: int) -> bytes:
    return b"content %d " % number * 20


def digest(number: int) -> str:
    return hashlib.sha256(content(number)).hexdigest()


def keep(store: Store, folder: Path, numbers: range = range(COUNT)) -> list[str]:
    """Keep files as one group; return their digests."""
    folder.mkdir(exist_ok=True)
    for number in numbers:
        (folder / f"{number}").write_bytes(content(number))
    return [found for found, _ in store.write_blobs_from([folder / f"{number}" for number in numbers])]


def pack_files(root: Path) -> list[Path]:
    return sorted((root / "packs").iterdir())


def index_files(root: Path) -> list[Path]:
    return sorted((root / "index").iterdir())


def age(root: Path) -> None:
    for path in (*pack_files(root), *index_files(root), *(root / "cas").rglob("*")):
        os.utime(path, (LONG_AGO, LONG_AGO))


def flip(path: Path, offset: int) -> None:
    path.chmod(0o644)
    body = bytearray(path.read_bytes())
    body[offset] ^= 255
    path.write_bytes(body)


def test_many_small_files_are_one_pack_and_others_stand_alone(store: Store, root: Path, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(os.urandom(packing.PACKED_UP_TO + 1))
    keep(store, tmp_path / "files")
    store.write_blobs_from([tmp_path / "large", *(tmp_path / "files").iterdir()])
    assert len(pack_files(root)) == len(index_files(root)) == 1
    assert [blob.size for blob in store.list_blobs() if blob.pack is None] == [packing.PACKED_UP_TO + 1]
    assert {blob.digest for blob in store.list_blobs() if blob.pack} == {digest(number) for number in range(COUNT)}
    assert os.listdir(root / "tmp") == []


def test_few_new_files_stand_alone_when_they_are_among_many(store: Store, root: Path, tmp_path: Path) -> None:
    keep(store, tmp_path / "files")
    keep(store, tmp_path / "files", range(COUNT + 5))
    assert len(pack_files(root)) == 1
    assert len([blob for blob in store.list_blobs() if blob.pack is None]) == 5


def test_several_packs_are_made_when_one_is_full(store: Store, root: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("activities.store.packs.pack.PACK_ENTRIES", 40)
    digests = keep(store, tmp_path / "files", range(300))
    assert 7 <= len(pack_files(root)) <= 8
    assert [store.read_blob(one) for one in digests] == [content(number) for number in range(300)]


def test_other_process_sees_what_was_packed_meanwhile(store: Store, root: Path, tmp_path: Path) -> None:
    other = open_store(root)
    assert other.missing_blobs([digest(1), digest(2)]) == {digest(1), digest(2)}
    keep(store, tmp_path / "files")
    assert not other.is_young("0" * 64)
    assert other.has_blob(digest(1))
    assert other.read_blob(digest(2)) == content(2)
    later = open_store(root)
    assert later.read_blob(digest(3)) == content(3)
    assert open_store(root).renew([digest(4), "0" * 64]) == {"0" * 64}
    open_store(root).check_blob(digest(5))


def test_damaged_file_is_put_aside_for_all_and_written_again(store: Store, root: Path, tmp_path: Path) -> None:
    keep(store, tmp_path / "files")
    other = open_store(root)
    assert other.has_blob(digest(7))
    row = next(blob for blob in store.list_blobs() if blob.digest == digest(7))
    modified = index_files(root)[0].stat().st_mtime_ns
    (location,) = [row for row in rows_of_store(store) if row.digest == digest(7)]
    flip(pack_files(root)[0], location.offset + location.stored // 2)
    with pytest.raises(BlobMissing, match="is damaged and was put aside"):
        store.copy_blob_to(digest(7), tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    assert len((root / "quarantine" / digest(7)).read_bytes()) == row.size
    assert index_files(root)[0].stat().st_mtime_ns // 1000 == modified // 1000
    for one in (store, other, open_store(root)):
        assert not one.has_blob(digest(7))
        assert one.read_blob(digest(8)) == content(8)
    keep(store, tmp_path / "files")
    assert store.read_blob(digest(7)) == other.read_blob(digest(7)) == content(7)


def rows_of_store(store: Store):
    assert isinstance(store, DirectoryStore)
    return [row for pack in store._packs.ages() for row in store._packs.rows(pack)]


def test_other_copy_is_read_when_one_is_damaged(store: Store, root: Path, tmp_path: Path) -> None:
    keep(store, tmp_path / "files")
    other = open_store(root)
    other.write_blob(content(1))  # it does not know the pack
    assert len(list(root.glob(f"cas/*/{digest(1)}"))) == 1
    for row in rows_of_store(store):
        flip(pack_files(root)[0], row.offset)
    assert store.read_blob(digest(1)) == content(1)
    with pytest.raises(BlobMissing):
        store.read_blob(digest(2))
    assert store.missing_blobs([digest(1), digest(2)]) == {digest(2)}


def test_damage_is_believed_when_it_cannot_be_put_aside(
    store: Store, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(store, tmp_path / "files")
    (row,) = [row for row in rows_of_store(store) if row.digest == digest(7)]
    flip(pack_files(root)[0], row.offset)

    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, "read-only")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", refuse)
        with pytest.raises(BlobMissing):
            store.read_blob(digest(7))
    assert not store.has_blob(digest(7))
    assert os.listdir(root / "tmp") == []


def test_rest_is_read_when_a_pack_was_cut_by_a_power_loss(store: Store, root: Path, tmp_path: Path) -> None:
    keep(store, tmp_path / "files")
    last = max(rows_of_store(store), key=lambda row: row.offset)
    os.truncate(pack_files(root)[0], last.offset + 1)
    later = open_store(root)
    assert later.missing_blobs(digest(number) for number in range(COUNT)) == {last.digest}


def test_index_is_passed_over_when_it_is_damaged(
    store: Store, root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keep(store, tmp_path / "files")
    flip(index_files(root)[0], 50)
    with caplog.at_level(logging.WARNING):
        later = open_store(root)
        assert not later.has_blob(digest(1))
        assert later.missing_blobs([digest(1)]) == {digest(1)}
    assert len(caplog.records) == 1
    keep(later, tmp_path / "files")
    assert later.read_blob(digest(1)) == content(1)


@pytest.mark.parametrize("gone", ["packs", "index", "both"])
def test_content_is_missing_and_can_be_kept_again_when_a_pack_is_gone(
    store: Store, root: Path, tmp_path: Path, gone: str
) -> None:
    keep(store, tmp_path / "files")
    age(root)
    reader, asker = open_store(root), open_store(root)
    assert reader.has_blob(digest(1))
    assert asker.has_blob(digest(1))
    for path in [*(pack_files(root) if gone != "index" else []), *(index_files(root) if gone != "packs" else [])]:
        path.unlink()
    if gone != "index":
        with pytest.raises(BlobMissing):
            reader.read_blob(digest(1))
    assert not reader.has_blob(digest(1))
    assert open_store(root).renew([digest(1)]) == {digest(1)}
    if gone != "packs":
        assert asker.renew([digest(2)]) == {digest(2)}
    keep(reader, tmp_path / "files")
    assert reader.read_blob(digest(1)) == content(1)


def test_pack_becomes_young_when_a_file_of_it_is_kept_again(store: Store, root: Path, tmp_path: Path) -> None:
    keep(store, tmp_path / "files")
    age(root)
    later = open_store(root)
    assert not later.is_young(digest(1))
    assert later.has_blob(digest(1))
    keep(later, tmp_path / "files", range(1))
    assert later.is_young(digest(1))
    assert index_files(root)[0].stat().st_mtime > LONG_AGO + 1
    age(root)
    assert open_store(root).renew([digest(1)]) == set()
    assert index_files(root)[0].stat().st_mtime > LONG_AGO + 1


# --- sweeps -----------------------------------------------------------------------------------------


def test_pack_goes_when_nothing_in_it_is_live(store: Store, root: Path, tmp_path: Path) -> None:
    keep(store, tmp_path / "files")
    assert store.sweep(lambda _: False, WEEK_AGO, dry_run=False).packs == 0
    age(root)
    other = open_store(root)
    assert other.read_blob(digest(1)) == content(1)
    tried = store.sweep(lambda _: False, WEEK_AGO, dry_run=True)
    assert (tried.blobs, tried.packs) == (COUNT, 1)
    assert store.sweep(lambda _: False, WEEK_AGO, dry_run=False) == tried
    assert pack_files(root) == index_files(root) == os.listdir(root / "tmp") == []
    assert other.missing_blobs([digest(1)]) == {digest(1)}
    keep(other, tmp_path / "files")
    assert store.read_blob(digest(1)) == content(1)


def test_pack_is_written_anew_when_most_of_it_is_dead(store: Store, root: Path, tmp_path: Path) -> None:
    keep(store, tmp_path / "files")
    age(root)
    before = pack_files(root)
    reader = open_store(root)
    assert reader.read_blob(digest(0)) == content(0)
    live = {digest(number) for number in range(COUNT // 4)}
    swept = store.sweep(live.__contains__, WEEK_AGO, dry_run=False)
    assert (swept.blobs, swept.packs) == (COUNT - len(live), 1)
    assert {blob.digest for blob in store.list_blobs()} == live
    assert len(pack_files(root)) == 1
    assert pack_files(root) != before
    assert [reader.read_blob(digest(number)) for number in range(10)] == [content(number) for number in range(10)]


def test_pack_stays_when_half_of_it_is_live(store: Store, root: Path, tmp_path: Path) -> None:
    keep(store, tmp_path / "files")
    age(root)
    live = {digest(number) for number in range(COUNT * 3 // 4)}
    assert store.sweep(live.__contains__, WEEK_AGO, dry_run=False).blobs == 0
    assert store.has_blob(digest(COUNT - 1))


def test_pack_stays_when_what_is_live_in_it_is_damaged(store: Store, root: Path, tmp_path: Path) -> None:
    keep(store, tmp_path / "files")
    age(root)
    (row,) = [row for row in rows_of_store(store) if row.digest == digest(7)]
    flip(pack_files(root)[0], row.offset)
    os.utime(pack_files(root)[0], (LONG_AGO, LONG_AGO))
    assert store.sweep({digest(7), digest(8)}.__contains__, WEEK_AGO, dry_run=False).packs == 0
    assert store.read_blob(digest(8)) == content(8)


def test_renewed_pack_stays_when_it_was_about_to_go(
    store: Store, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(store, tmp_path / "files")
    age(root)
    other = open_store(root)
    rename = os.rename

    def rename_late(source: str, target: str) -> None:
        assert other.renew([digest(1)]) == set()
        rename(source, target)

    monkeypatch.setattr(directory_sweeping.os, "rename", rename_late)
    assert store.sweep(lambda _: False, WEEK_AGO, dry_run=False).packs == 0
    monkeypatch.undo()
    assert store.read_blob(digest(1)) == content(1)
    assert os.listdir(root / "tmp") == []


def test_pack_goes_when_what_is_left_of_it_is_taken_for_a_leftover(
    store: Store, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(store, tmp_path / "files")
    age(root)
    rename = os.rename

    def rename_and_open_another(source: str, target: str) -> None:
        rename(source, target)
        os.unlink(target)  # as a store does that is opened: what is old in `tmp/` belongs to nobody

    monkeypatch.setattr(directory_sweeping.os, "rename", rename_and_open_another)
    assert store.sweep(lambda _: False, WEEK_AGO, dry_run=False).packs == 1
    assert pack_files(root) == index_files(root) == []


def test_what_killed_writers_left_goes_when_it_is_old(store: Store, root: Path, tmp_path: Path) -> None:
    keep(store, tmp_path / "files")
    for name in ("old", "young"):
        (root / "packs" / name).write_bytes(b"body without index")
    os.utime(root / "packs" / "old", (LONG_AGO, LONG_AGO))
    store.sweep(lambda _: True, WEEK_AGO, dry_run=True)
    assert (root / "packs" / "old").exists()
    store.sweep(lambda _: True, WEEK_AGO, dry_run=False)
    assert {path.name for path in pack_files(root)} == {"young", index_files(root)[0].name}


def test_every_kept_file_can_be_read_when_writers_race_with_sweeps(root: Path, tmp_path: Path) -> None:
    """Writers come back to content that is old and that nothing refers to, while it is swept."""
    stop = threading.Event()
    faults: list[str] = []

    def write(number: int) -> None:
        while not stop.is_set():
            store = open_store(root)  # what a process has seen to be young it believes to be
            try:
                keep(store, tmp_path / f"w{number}", range(70))
                for one in range(0, 70, 7):
                    store.read_blob(digest(one))
            except StoreError as error:
                faults.append(error.message)
                return
            for path in index_files(root):
                try:
                    os.utime(path, (LONG_AGO, LONG_AGO))
                except FileNotFoundError:
                    continue

    writer = threading.Thread(target=write, args=(1,))
    writer.start()
    sweeper = open_store(root)
    swept = 0
    try:
        while swept < 20 and not faults and writer.is_alive():
            swept += sweeper.sweep(lambda _: False, WEEK_AGO, dry_run=False).packs
    finally:
        stop.set()
        writer.join(60)
    assert faults == []


def test_nothing_half_is_visible_when_a_packing_process_is_killed_at_any_call(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "tests.support.store_work", "every-call-packed", str(tmp_path)]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=120, cwd=ROOT, check=False)
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) > 40


# --- failures ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["write", "replace", "fsync"])
def test_nothing_is_left_and_the_way_out_is_said_when_the_disk_is_full(
    store: Store, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for number in range(COUNT):
        (folder / f"{number}").write_bytes(content(number))

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse)
        with pytest.raises(StoreError, match="free space there"):
            store.write_blobs_from(sorted(folder.iterdir()))
    assert os.listdir(root / "tmp") == []
    assert pack_files(root) == index_files(root) == []
    assert list(store.list_blobs()) == []


def test_store_without_packs_is_read_when_it_is_older(store: Store, root: Path) -> None:
    kept = store.write_blob(b"old")
    (root / "packs").rmdir()
    (root / "index").rmdir()
    older = DirectoryStore(root)
    assert older.read_blob(kept) == b"old"
    assert not older.has_blob("0" * 64)
    assert [blob.digest for blob in older.list_blobs()] == [kept]
    assert older.sweep(lambda _: True, WEEK_AGO, dry_run=False).blobs == 0


def test_descriptors_are_few_when_many_packs_are_read(
    store: Store, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.store.packs.pack.PACK_ENTRIES", 10)
    monkeypatch.setattr(directory_packs, "OPEN_AT_ONCE", 3)
    keep(store, tmp_path / "files", range(200))
    before = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
    for number in range(200):
        store.read_blob(digest(number))
    assert sys.platform != "linux" or len(os.listdir("/proc/self/fd")) <= before + 3


def test_compression_is_not_imported_when_there_is_nothing_packed(root: Path) -> None:
    code = (
        "import sys; from activities.store.opening import open_store; store = open_store(sys.argv[1]);"
        "store.read_blob(store.write_blob(b'x')); store.has_blob('0' * 64); assert 'zstandard' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(root)], check=True, timeout=60, cwd=ROOT)


def test_empty_index_names_nothing() -> None:
    assert len(index_of([])) == 53
