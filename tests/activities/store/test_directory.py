import errno
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from activities.store import directory_place, durable_files
from activities.store.interface import BlobMissing, Store, StoreError
from activities.store.opening import open_store
from tests.activities.store.conformance import BIG, StoreConformance


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(root: Path) -> Store:
    return open_store(root)


class TestDirectoryStore(StoreConformance):
    """The suite that every back end passes."""


def blob_file(root: Path, digest: str) -> Path:
    return root / "cas" / digest[:2] / digest


def leftovers(root: Path) -> list[str]:
    return os.listdir(root / "tmp")


@pytest.mark.parametrize("content", [b"x" * 100, BIG], ids=["small", "big"])
@pytest.mark.parametrize("damage", ["flipped", "cut"])
def test_blob_is_put_aside_when_its_content_is_damaged(
    store: Store, root: Path, tmp_path: Path, content: bytes, damage: str
) -> None:
    digest = store.write_blob(content)
    file = blob_file(root, digest)
    file.chmod(0o644)
    file.write_bytes(content[:-1] + (b"\0" if damage == "flipped" else b""))
    with pytest.raises(BlobMissing, match="is damaged and was put aside"):
        store.copy_blob_to(digest, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    assert not store.has_blob(digest)
    assert (root / "quarantine" / digest).exists()
    assert store.write_blob(content) == digest
    assert store.read_blob(digest) == content


def test_blob_is_written_again_when_a_power_loss_cut_it(store: Store, root: Path) -> None:
    digest = store.write_blob(b"whole content")
    blob_file(root, digest).chmod(0o644)
    blob_file(root, digest).write_bytes(b"")
    assert store.write_blob(b"whole content") == digest
    assert store.read_blob(digest) == b"whole content"


def test_nothing_is_flushed_or_written_when_the_blob_is_present(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = store.write_blob(b"present")
    monkeypatch.setattr(os, "fsync", refuse(errno.EIO))
    monkeypatch.setattr(directory_place, "write_new_file", refuse(errno.EIO))
    assert store.write_blob(b"present") == digest


def test_nothing_is_flushed_when_a_document_is_written(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", refuse(errno.EIO))
    store.write_document("runs/x/run.json", b"{}")
    assert store.read_document("runs/x/run.json") == b"{}"


def refuse(number: int):
    def refused(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return refused


WRITES = {
    "blob": lambda store, _: store.write_blob(b"new"),
    "record": lambda store, _: store.create_record("a/b", b"new"),
    "document": lambda store, _: store.write_document("a/b", b"new"),
    "file": lambda store, path: store.write_blob_from(path),
    "big file": lambda store, path: store.write_blobs_from([path, path.with_name("big")]),
}


CALLS = [
    *((write, call) for write in ("blob", "file", "big file") for call in ("write", "replace", "fsync")),
    *(("record", call) for call in ("write", "link", "fsync")),
    *(("document", call) for call in ("write", "replace")),
]


@pytest.mark.parametrize(("write", "call"), CALLS)
@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "free space there"),
        (errno.EROFS, "make that folder writable"),
        (errno.EACCES, "make that folder writable"),
        (errno.EIO, "look at that folder and its disk"),
    ],
)
def test_failure_names_the_remedy_when_the_disk_refuses(
    store: Store,
    root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    write: str,
    number: int,
    remedy: str,
    call: str,
) -> None:
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "big").write_bytes(BIG)
    monkeypatch.setattr(os, call, refuse(number))
    with pytest.raises(StoreError, match=f"cannot write to the store `{root}`.*{remedy}"):
        WRITES[write](store, tmp_path / "file")
    monkeypatch.undo()
    assert leftovers(root) == []


def test_staged_files_are_removed_when_a_later_file_is_missing(store: Store, root: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    with pytest.raises(FileNotFoundError):
        store.write_blobs_from([tmp_path / "file", tmp_path / "absent"])
    assert leftovers(root) == []
    assert not store.has_blob(hashlib.sha256(b"content").hexdigest())


def test_staged_copy_is_removed_when_the_disk_is_full_in_a_big_file(
    store: Store, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "big").write_bytes(BIG)
    monkeypatch.setattr(os, "write", refuse(errno.ENOSPC))
    with pytest.raises(StoreError, match="free space there"):
        store.write_blob_from(tmp_path / "big")
    assert leftovers(root) == []


def test_partial_copy_is_removed_when_the_target_disk_is_full(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for content in (b"small", BIG):
        digest = store.write_blob(content)
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", refuse(errno.ENOSPC))
            with pytest.raises(OSError, match="No space left"):
                store.copy_blob_to(digest, tmp_path / "copy")
        assert not (tmp_path / "copy").exists()


def test_read_failure_names_the_store_when_the_disk_fails(
    store: Store, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = store.write_blob(BIG)
    monkeypatch.setattr(Path, "read_bytes", refuse(errno.EIO))
    monkeypatch.setattr(os, "read", refuse(errno.EIO))
    for read in (lambda: store.read_blob(digest), lambda: store.read_record("a/b")):
        with pytest.raises(StoreError, match=f"cannot read from the store `{root}`"):
            read()


def test_document_is_absent_when_its_key_lies_below_another_document(store: Store) -> None:
    store.write_document("a", b"x")
    assert store.read_document("a/b") is None
    assert list(store.list_keys("a/")) == []
    with pytest.raises(StoreError):
        store.write_document("a/b", b"x")


def test_file_systems_without_a_group_flush_still_keep_blobs(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable_files, "_system_call", lambda name: None)
    monkeypatch.setattr(durable_files, "GROUP_FLUSH_FROM", 10)
    paths = [tmp_path / str(number) for number in range(20)]
    for path in paths:
        path.write_text(path.name)
    assert len(store.write_blobs_from(paths)) == 20


WRITER = """
import sys
from pathlib import Path
from activities.store.opening import open_store
store = open_store(Path(sys.argv[1]))
print(sum(store.create_record(f"records/{n}", sys.argv[2].encode() * 500) for n in range(100)))
for n in range(100):
    store.write_blob(b"%d" % n * 1000)
    store.write_document("doc", sys.argv[2].encode() * 2000)
"""


def test_each_record_has_one_winner_when_two_processes_write_at_once(root: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(root), name], stdout=subprocess.PIPE, text=True)
        for name in ("a", "b")
    ]
    won = [int(writer.communicate(timeout=60)[0]) for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0]
    assert sum(won) == 100
    store = open_store(root)
    assert {store.read_record(f"records/{n}") for n in range(100)} <= {b"a" * 500, b"b" * 500}
    assert store.read_document("doc") in {b"a" * 2000, b"b" * 2000}
    assert leftovers(root) == []


def test_what_is_no_blob_is_not_listed_when_it_lies_among_them(store: Store, root: Path) -> None:
    digest = store.write_blob(b"x")
    (blob_file(root, digest).parent / "notes.txt").write_text("hers")
    (blob_file(root, digest).parent / ("0" * 64)).mkdir()
    (root / "cas" / "file").write_text("")
    assert [blob.digest for blob in store.list_blobs()] == [digest]


def test_an_entry_is_left_out_when_it_goes_while_it_is_listed(store: Store) -> None:
    store.write_document("a/1", b"x")
    store.write_document("a/2", b"x")
    listing = store.list_entries("a/")
    assert next(listing).key == "a/1"
    store.delete_record("a/2")
    assert list(listing) == []


def test_nothing_is_swapped_when_the_disk_refuses(store: Store, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write_document("tag", b"1")
    for call in ("write", "fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, call, refuse(errno.ENOSPC))
            with pytest.raises(StoreError, match="free space there"):
                store.swap_document("tag", b"1", b"2")
    assert store.read_document("tag") == b"1"
    assert leftovers(root) == []
