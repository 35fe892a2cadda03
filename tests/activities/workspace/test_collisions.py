from pathlib import Path

import pytest

from activities.store.interface import Store
from activities.workspace import collisions as module
from activities.workspace.collisions import check_collisions, collisions, folds_names
from activities.workspace.restoring import restore
from definitions.errors import StepFailure
from tests.activities.workspace.trees import read, tree


@pytest.mark.parametrize(
    ("paths", "pairs"),
    [
        (["a", "A"], [("a", "A")]),
        (["caf\u00e9", "cafe\u0301"], [("caf\u00e9", "cafe\u0301")]),
        (["Stra\u00dfe", "STRASSE"], [("Stra\u00dfe", "STRASSE")]),
        (["src/a", "SRC/b"], [("src", "SRC")]),
        (["src", "SRC/b"], [("src", "SRC")]),
        (["src/deep/a", "src/deep/b", "src/c"], []),
        (["a", "b", "ab"], []),
    ],
)
def test_paths_that_are_one_where_names_are_folded_are_found(paths: list[str], pairs: list[tuple[str, str]]) -> None:
    assert list(collisions(paths)) == pairs


def test_file_system_of_the_tests_tells_names_apart(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_folding", {})
    assert not folds_names(folder)
    monkeypatch.setattr(module, "_probe", None)
    assert not folds_names(folder)
    assert read(folder) == {}


def test_folding_is_seen_when_another_spelling_leads_to_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_folding", {})
    real = Path.exists
    monkeypatch.setattr(Path, "exists", lambda path: real(path) or path.name.startswith(".PERDURE-PROBE"))
    assert folds_names(folder)


def test_tree_is_refused_when_two_of_its_paths_would_be_one(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_folding", {folder.stat().st_dev: True})
    with pytest.raises(StepFailure, match="`README` and `readme` are one name to that file system; rename one"):
        restore(store, tree(store, {"README": "1", "readme": "2"}), folder)
    assert read(folder) == {}
    restore(store, tree(store, {"README": "1"}), folder)
    check_collisions(folder, ["a", "b"])
    assert read(folder) == {"README": "1"}
