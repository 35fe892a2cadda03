import subprocess
from pathlib import Path

import pytest

from activities.store.interface import Store
from activities.workspace import unified_diff as module
from activities.workspace.changes import unified_diff
from activities.workspace.restoring import restore
from tests.activities.workspace.trees import read, tree

BEFORE = {
    "a.txt": "1\n2\n3\n",
    "gone": "x\n",
    "run": "#!\n",
    "d/no newline": "1\n2",
    "l": "-> a.txt",
    "form\ffeed": "a\fb\rc\nd\n",
    "turns": "file\n",
    "emptied": "x\n",
    "empty": "",
    'quo"te\t\\': "x\n",
    "ü": "x\n",
}
AFTER = {
    "a.txt": "1\n2.5\n3\n",
    "run*": "#!\n",
    "d/no newline": "1\n2\n3",
    "l": "-> run",
    "new/file*": "hello\n",
    "form\ffeed": "a\fb\rc\ne\n",
    "turns": "-> a.txt",
    "emptied": "",
    "empty": "now\n",
    'quo"te\t\\': "y\n",
    "ü": "y\n",
}


def test_git_applies_the_text_when_files_of_all_kinds_changed(store: Store, tmp_path: Path) -> None:
    restore(store, tree(store, BEFORE), tmp_path / "repository")
    text = unified_diff(store, tree(store, BEFORE), tree(store, AFTER))
    subprocess.run(["git", "init", "-q", "repository"], cwd=tmp_path, check=True)
    subprocess.run(["git", "apply", "-"], cwd=tmp_path / "repository", input=text.encode(), check=True)
    found = {path: content for path, content in read(tmp_path / "repository").items() if not path.startswith(".git/")}
    assert found == AFTER


def test_text_shows_the_lines_when_one_changed(store: Store) -> None:
    assert unified_diff(store, tree(store, {"a": "1\n2\n"}), tree(store, {"a": "1\n3\n"})) == (
        "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n 1\n-2\n+3\n"
    )


@pytest.mark.parametrize("content", [b"\0\1", b"\xff\xfe", b"x" * 100], ids=["zero", "not utf-8", "big"])
def test_file_is_named_when_it_cannot_be_shown(store: Store, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_TEXT", 50)
    text = unified_diff(store, tree(store, {}), tree(store, {"a": content}))
    assert text == "diff --git a/a b/a\nnew file mode 100644\nBinary files /dev/null and b/a differ\n"


def test_text_is_empty_when_nothing_or_only_folders_and_ignored_files_changed(store: Store) -> None:
    before = tree(store, {"a": "1", "log": "1"}, ignored=("log",))
    after = tree(store, {"a": "1", "log": "2", "d": None}, ignored=("log",))
    assert unified_diff(store, before, after) == ""
