import os
from pathlib import Path

import pytest

from activities.store.interface import Store
from activities.workspace import scanning, size_limits
from activities.workspace.scanning import scan
from activities.workspace.snapshots import snapshot
from definitions.errors import StepFailure
from tests.activities.workspace.trees import make


def test_everything_is_sorted_in_by_kind(folder: Path) -> None:
    make(folder, {"a": "", "d/b": "", "l": "-> d", "e": None, ".venv/pyvenv.cfg": "", "d/.tox/x": ""})
    os.mkfifo(folder / "pipe")
    found = scan(folder)
    assert sorted(path for path, _ in found.files) == ["a", "d/b"]
    assert [path for path, _ in found.links] == ["l"]
    assert sorted(found.folders) == ["d", "e"]
    assert found.empty_folders == ["e"]
    assert found.special == ["pipe"]
    assert sorted(found.left_out) == [".venv", "d/.tox"]


def test_folder_is_not_entered_when_told_so(folder: Path) -> None:
    make(folder, {"a": "", "d/b": "", "d/deep/c": ""})
    seen: dict[str, list[str]] = {}

    def enter(path: str, names: list[str]) -> bool:
        seen[path] = sorted(names)
        return path != "d"

    assert [path for path, _ in scan(folder, enter).files] == ["a"]
    assert seen == {"": ["a", "d"], "d": ["b", "deep"]}


def test_walk_ends_when_there_are_too_many_files(folder: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    make(folder, {f"{place}/{number}": "" for place in "abc" for number in range(10)})
    monkeypatch.setattr(scanning, "SCAN_LIMIT", 5)
    assert scan(folder).is_cut_short
    assert len(scan(folder).files) == 10
    monkeypatch.setattr(size_limits, "MOST_FILES", 5)
    with pytest.raises(StepFailure, match="has 10 files"):
        snapshot(store, folder)
