import os
import subprocess
from pathlib import Path

import pytest

from activities.store.interface import Store
from activities.store.opening import open_store
from activities.workspace import source_stats
from activities.workspace.sources import keep_source, snapshot_source, source_root
from activities.workspace.stat_cache import STAT_CACHES
from definitions.errors import ErrorClass, StepFailure
from tests.activities.workspace.trees import make, read


def git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", "-C", str(folder), *identity, *words], check=True, capture_output=True)


@pytest.fixture
def repository(folder: Path) -> Path:
    make(
        folder,
        {
            ".gitignore": "*.log\nout/\n.env\n",
            "src/a.py": "",
            "src/deep/.gitignore": "x\n",
            "src/deep/x": "",
            "src/deep/y": "",
            "a.log": "",
            "tracked.log": "",
            "out/kept": "",
            "out/not": "",
            "out/sub/not": "",
            ".env": "SECRET=1",
            "node_modules/m/i.js": "",
        },
    )
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "add", "-f", "tracked.log", "out/kept")
    git(folder, "commit", "-qm", "x")
    return folder


def visible(store: Store, path: Path) -> list[str]:
    return [entry.path for entry in snapshot_source(store, path).visible()]


def test_tree_has_what_git_tracks_and_what_it_would_add(store: Store, repository: Path) -> None:
    make(repository, {"untracked.txt": ""})
    assert visible(store, repository) == [
        ".gitignore",
        "out/kept",
        "src/a.py",
        "src/deep/.gitignore",
        "src/deep/y",
        "tracked.log",
        "untracked.txt",
    ]


def test_git_folder_comes_along_flagged_as_ignored(store: Store, repository: Path) -> None:
    ignored = [entry.path for entry in snapshot_source(store, repository).entries if entry.ignored]
    assert ".git/HEAD" in ignored
    assert all(path.startswith(".git/") for path in ignored)


def test_git_root_is_the_workspace_when_the_path_lies_within(store: Store, repository: Path) -> None:
    assert source_root(repository / "src" / "deep") == repository
    assert visible(store, repository / "src") == visible(store, repository)


def test_folder_itself_is_the_workspace_when_there_is_no_git(store: Store, folder: Path) -> None:
    make(folder, {"a": "", ".gitignore": "b\n", "b": "", "e": None, ".perdureignore": "data\n", "data/x": ""})
    assert visible(store, folder) == [".gitignore", ".perdureignore", "a", "e"]


def test_perdureignore_leaves_out_what_git_tracks(store: Store, repository: Path) -> None:
    make(repository, {".perdureignore": "src/deep/\n"})
    assert "src/deep/y" not in visible(store, repository)


def test_folder_is_only_read(store: Store, repository: Path) -> None:
    present = read(repository)
    snapshot_source(store, repository)
    assert read(repository) == present


def test_tree_is_the_same_when_taken_again(store: Store, repository: Path) -> None:
    assert snapshot_source(store, repository) == snapshot_source(store, repository)


@pytest.mark.parametrize("variables", [{"PATH": ""}, {"GIT_DIR": "/nowhere"}], ids=["no git", "foreign git dir"])
def test_tree_is_taken_whatever_the_environment_says_of_git(
    store: Store, repository: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = visible(store, repository)
    assert "src/a.py" in found
    assert ("tracked.log" in found) is ("PATH" not in variables)


def test_path_is_refused_when_it_is_no_folder(store: Store, folder: Path) -> None:
    make(folder, {"file": ""})
    for name in ("file", "absent"):
        with pytest.raises(StepFailure, match="is no folder; give one by `--workspace`") as failure:
            snapshot_source(store, folder / name)
        assert failure.value.error_class == ErrorClass.WORKSPACE


@pytest.mark.parametrize("place", ["/", "~"])
def test_path_is_refused_when_it_is_home_or_root(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setenv("HOME", str(folder))
    with pytest.raises(StepFailure, match="which is never copied"):
        snapshot_source(store, Path(place))


def test_project_is_taken_alone_when_the_home_folder_is_in_git(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(folder))
    git(folder, "init", "-q")
    make(folder, {"project/a": "", "secret": ""})
    assert visible(store, folder / "project") == ["a"]
    with pytest.raises(StepFailure, match="a home folder"):
        snapshot_source(store, folder)


def test_home_is_refused_when_reached_by_a_link(
    store: Store, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(folder))
    os.symlink(folder, tmp_path / "link")
    with pytest.raises(StepFailure, match="never copied"):
        snapshot_source(store, tmp_path / "link")


def test_big_source_is_not_read_again_when_another_command_comes(
    store: Store, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(source_stats, "KEPT_FROM", 2)
    make(folder, {"a": "1", "b": "2"})
    for path in folder.iterdir():
        os.utime(path, (1_600_000_000, 1_600_000_000))
    first = snapshot_source(store, folder)
    old = tmp_path / "cache" / "perdure" / "sources" / "old.json"
    old.touch()
    os.utime(old, (0, 0))
    STAT_CACHES.forget(folder)
    monkeypatch.setattr(type(store), "write_blobs_from", None)
    assert snapshot_source(store, folder) == first
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(source_stats, "KEPT_FROM", 2)
    make(folder, {"c": "3"})
    os.utime(folder / "c", (1_600_000_000, 1_600_000_000))
    snapshot_source(store, folder)
    assert not old.exists()


def test_source_is_taken_when_the_cache_folder_cannot_be_written(
    store: Store, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(source_stats, "KEPT_FROM", 0)
    make(folder, {"a": "1"})
    assert visible(store, folder) == ["a"]


def test_source_is_kept_when_it_was_last_read_for_another_store(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a").write_text("1")
    os.utime(source / "a", (1_600_000_000, 1_600_000_000))
    stores = [open_store(tmp_path / name) for name in ("first", "second")]
    trees = [keep_source(store, source) for store in stores]
    assert trees[0].digest == trees[1].digest
    assert [store.read_blob(trees[0].by_path["a"].digest) for store in stores] == [b"1", b"1"]
