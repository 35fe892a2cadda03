import os
from pathlib import Path

import pytest

from activities.workspace.removal import FEW, remove_few, remove_file, remove_tree
from tests.activities.workspace.trees import make


def test_link_is_removed_and_not_what_it_leads_to(folder: Path) -> None:
    make(folder, {"d/x": "1", "l": "-> d"})
    remove_tree(folder / "l")
    remove_tree(folder / "absent")
    assert sorted(os.listdir(folder)) == ["d"]
    remove_tree(folder / "d")
    assert os.listdir(folder) == []


def test_file_is_removed_when_its_folder_forbids_it_at_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root is never refused, so the refusal is played."""
    make(folder, {"d/x": "1"})
    (folder / "d").chmod(0o500)
    real = Path.unlink

    def unlink(self: Path, missing_ok: bool = False) -> None:
        if not self.parent.stat().st_mode & 0o200:
            raise PermissionError
        real(self, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink)
    remove_file(folder / "d" / "x")
    assert os.listdir(folder / "d") == []


@pytest.mark.parametrize("call", ["unlink", "rmdir", "open"])
def test_tree_is_removed_when_folders_forbid_it_at_first(
    folder: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    make(folder, {"d/e/x": "1", "d/e/y": "1", "d/l": "-> e"})
    (folder / "d" / "e").chmod(0o500)
    (folder / "d").chmod(0o500)
    real = getattr(os, call)

    def refuse_first(path: str, *args: object, dir_fd: int | None = None, **kwargs: object) -> object:
        place = Path(os.readlink(f"/proc/self/fd/{dir_fd}")) / path if dir_fd is not None else Path(path)
        guard = place if call == "open" else place.parent
        if guard.is_relative_to(folder / "d") and not guard.stat().st_mode & 0o200:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *args, dir_fd=dir_fd, **kwargs)

    monkeypatch.setattr(os, call, refuse_first)
    remove_tree(folder / "d")
    assert not (folder / "d").exists()


def test_tree_is_removed_when_a_file_vanishes_meanwhile(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(folder, {"d/x": "1"})
    real = os.unlink

    def unlink_twice(path: str, *, dir_fd: int | None = None) -> None:
        real(path, dir_fd=dir_fd)
        real(path, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", unlink_twice)
    remove_tree(folder / "d")
    assert not (folder / "d").exists()


def test_folder_is_gone_when_it_is_deeper_than_python_goes(folder: Path) -> None:
    deep = folder / "deep"
    deep.mkdir()
    here = os.open(deep, os.O_RDONLY)
    for number in range(1500):
        os.mkdir("d", dir_fd=here)
        if number % 500 == 0:
            os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=here))
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    remove_tree(deep)
    assert list(folder.iterdir()) == []


def test_a_few_files_are_removed_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "scratch"
    (folder / "tmp").mkdir(parents=True)
    (folder / "output").touch()
    (folder / "link").symlink_to(tmp_path)
    assert remove_few(folder)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["tmp/left", "tmp/.hidden"])
def test_a_folder_that_holds_a_full_one_is_left_to_others(tmp_path: Path, path: str) -> None:
    (tmp_path / "tmp").mkdir()
    (tmp_path / path).touch()
    assert not remove_few(tmp_path)
    assert (tmp_path / path).exists()


def test_a_folder_of_many_files_is_left_to_others(tmp_path: Path) -> None:
    for number in range(FEW + 1):
        (tmp_path / str(number)).touch()
    assert not remove_few(tmp_path)
    assert len(list(tmp_path.iterdir())) == FEW + 1
