import errno
import os
from pathlib import Path

import pytest

from activities.store.opening import open_store
from definitions.errors import EnvironmentUnfit


def test_folder_is_made_when_it_is_absent(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "a" / "b"))
    assert store.location == str(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b" / "format").read_text() == "perdure-store 1\n"


def test_home_is_expanded_when_the_location_begins_with_a_tilde(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert open_store("~/store").location == str(tmp_path / "store")


def test_content_stays_when_opened_again(tmp_path: Path) -> None:
    digest = open_store(tmp_path / "store").write_blob(b"x")
    assert open_store(tmp_path / "store").read_blob(digest) == b"x"


@pytest.mark.parametrize(
    ("location", "message"), [("ftp://x", "unknown scheme `ftp`"), ("s3://B/x", "names no bucket: `B`")]
)
def test_location_is_refused_when_it_is_no_folder(location: str, message: str) -> None:
    with pytest.raises(EnvironmentUnfit, match=message):
        open_store(location)


def test_folder_is_refused_when_it_holds_other_things(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(EnvironmentUnfit, match="is no store and is not empty"):
        open_store(tmp_path)
    assert os.listdir(tmp_path) == ["thesis.tex"]


def test_store_is_refused_when_its_format_is_newer(tmp_path: Path) -> None:
    (tmp_path / "format").write_text("perdure-store 2\n")
    with pytest.raises(EnvironmentUnfit, match="has the format `perdure-store 2`"):
        open_store(tmp_path)


def test_store_is_refused_when_its_path_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentUnfit, match="cannot be written"):
        open_store(tmp_path / "file")


@pytest.mark.parametrize("call", ["write", "link"])
@pytest.mark.parametrize(
    ("number", "remedy"), [(errno.EROFS, "make that folder writable"), (errno.ENOSPC, "free space there")]
)
def test_store_is_refused_with_a_remedy_when_it_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, remedy: str
) -> None:
    open_store(tmp_path / "store")

    def refused(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, refused)
    with pytest.raises(EnvironmentUnfit, match=remedy):
        open_store(tmp_path / "store")
    monkeypatch.undo()
    assert os.listdir(tmp_path / "store" / "tmp") == []


def test_old_temporary_files_are_removed_when_the_store_is_opened(tmp_path: Path) -> None:
    open_store(tmp_path)
    for name in ("old", "young"):
        (tmp_path / "tmp" / name).touch()
    os.utime(tmp_path / "tmp" / "old", (0, 0))
    open_store(tmp_path)
    assert os.listdir(tmp_path / "tmp") == ["young"]
