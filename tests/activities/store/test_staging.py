import errno
import os
from pathlib import Path

import pytest

from activities.store import cloning, staging
from activities.store.cloning import clone
from activities.store.interface import BlobMissing
from activities.store.opening import open_store


def files(folder: Path, count: int, text: str = "content {}") -> list[Path]:
    paths = [folder / f"f{number}" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_text(text.format(number))
    return paths


@pytest.mark.parametrize("lanes", [1, 4])
def test_digests_are_in_the_order_of_the_paths_when_threads_share_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lanes: int
) -> None:
    monkeypatch.setattr(staging, "LANES", lanes)
    store = open_store(tmp_path / "store")
    paths = files(tmp_path, 300)
    kept = store.write_blobs_from(paths)
    assert [store.read_blob(digest) for digest, _ in kept] == [path.read_bytes() for path in paths]
    assert os.listdir(tmp_path / "store" / "tmp") == []


def test_one_copy_is_kept_when_threads_stage_equal_contents(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store")
    kept = store.write_blobs_from(files(tmp_path, 300, "the same"))
    assert len(set(kept)) == 1
    assert os.listdir(tmp_path / "store" / "tmp") == []


def test_nothing_is_left_when_one_of_many_files_is_missing(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store")
    paths = files(tmp_path, 300)
    paths[70].unlink()
    with pytest.raises(FileNotFoundError):
        store.write_blobs_from(paths)
    assert os.listdir(tmp_path / "store" / "tmp") == []
    assert list(store.list_blobs()) == []


def test_blob_is_copied_when_the_file_system_cannot_share_blocks(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store")
    digest = store.write_blob(b"x" * (staging.WHOLE_READ_LIMIT + 1))
    store.copy_blob_to(digest, tmp_path / "out")
    assert (tmp_path / "out").stat().st_size == staging.WHOLE_READ_LIMIT + 1


def test_blob_is_hashed_too_when_the_file_system_shares_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(tmp_path / "store")
    digest = store.write_blob(b"x" * (staging.WHOLE_READ_LIMIT + 1))
    blob = tmp_path / "store" / "cas" / digest[:2] / digest
    blob.chmod(0o644)
    blob.write_bytes(b"y" * (staging.WHOLE_READ_LIMIT + 1))
    monkeypatch.setattr("activities.store.directory.clone", lambda source, target: True)
    with pytest.raises(BlobMissing, match="damaged"):
        store.copy_blob_to(digest, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("number", "is_raised"), [(errno.EOPNOTSUPP, False), (errno.EXDEV, False), (errno.ENOSPC, True)]
)
def test_clone_says_no_when_the_system_cannot_and_fails_when_the_disk_is_full(
    monkeypatch: pytest.MonkeyPatch, number: int, is_raised: bool
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(cloning.fcntl, "ioctl", refuse)
    if is_raised:
        with pytest.raises(OSError, match="No space"):
            clone(0, 1)
    else:
        assert clone(0, 1) is False


def test_clone_says_yes_when_the_system_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloning.fcntl, "ioctl", lambda *_: 0)
    assert clone(0, 1) is True
    monkeypatch.setattr(cloning.sys, "platform", "darwin")
    assert clone(0, 1) is False
