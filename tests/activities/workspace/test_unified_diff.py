import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from activities.store.interface import Store
from activities.workspace import unified_diff as module
from activities.workspace.changes import unified_diff
from activities.workspace.line_matching import blocks_of, hunks_of
from activities.workspace.restoring import restore
from activities.workspace.unified_diff import FileCount, file_changes, file_counts
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
    "latin": b"caf\xe9\n",
    "moves": "the same\n",
    "moves too": "the same\n",
    "becomes a program": "#!\n#\n",
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
    "latin": b"th\xe9\n",
    "moved/here": "the same\n",
    "moved/a space": "the same\n",
    "program*": "#!\n#\n",
}


def test_git_applies_the_text_when_files_of_all_kinds_changed(store: Store, tmp_path: Path) -> None:
    restore(store, tree(store, BEFORE), tmp_path / "repository")
    text = unified_diff(store, tree(store, BEFORE), tree(store, AFTER))
    subprocess.run(["git", "init", "-q", "repository"], cwd=tmp_path, check=True)
    subprocess.run(
        ["git", "apply", "-"], cwd=tmp_path / "repository", input=text.encode(errors="surrogateescape"), check=True
    )
    found = {path: content for path, content in read(tmp_path / "repository").items() if not path.startswith(".git/")}
    assert found == AFTER | {"latin": "th\\xe9\n"}


def test_text_shows_the_lines_when_one_changed(store: Store) -> None:
    assert unified_diff(store, tree(store, {"a": "1\n2\n"}), tree(store, {"a": "1\n3\n"})) == (
        "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n 1\n-2\n+3\n"
    )


@pytest.mark.parametrize("content", [b"\0\1", b"x" * 100], ids=["zero", "big"])
def test_file_is_named_when_it_cannot_be_shown(store: Store, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_TEXT", 50)
    text = unified_diff(store, tree(store, {}), tree(store, {"a": content}))
    assert text == "diff --git a/a b/a\nnew file mode 100644\nBinary files /dev/null and b/a differ\n"


def test_text_is_empty_when_nothing_or_only_folders_and_ignored_files_changed(store: Store) -> None:
    before = tree(store, {"a": "1", "log": "1"}, ignored=("log",))
    after = tree(store, {"a": "1", "log": "2", "d": None}, ignored=("log",))
    assert unified_diff(store, before, after) == ""


def test_renames_are_told_when_the_content_is_the_same(store: Store) -> None:
    before, after = tree(store, {"a": "x\n", "b": "x\n", "c": ""}), tree(store, {"a": "x\n", "n/b": "x\n", "e": ""})
    assert unified_diff(store, before, after) == (
        "diff --git a/c b/c\ndeleted file mode 100644\ndiff --git a/e b/e\nnew file mode 100644\n"
        "diff --git a/b b/n/b\nsimilarity index 100%\nrename from b\nrename to n/b\n"
    )
    assert [change.kind for change in file_changes(before, after)] == ["deleted", "added", "renamed"]


def test_hunk_is_headed_by_what_it_is_in(store: Store) -> None:
    body = "".join(f"    {number}\n" for number in range(9))
    text = unified_diff(
        store,
        tree(store, {"a.py": f"def one():\n{body}"}),
        tree(store, {"a.py": f"def one():\n{body}    more\n"}),
    )
    assert "@@ -8,3 +8,4 @@ def one():\n" in text


def test_lines_are_counted_when_texts_differ(store: Store) -> None:
    before = tree(store, {"a": "1\n2\n", "b": b"\0", "l": "-> a", "m": "x"})
    after = tree(store, {"a": "1\n3\n4\n", "b": b"\0\1", "n": "new\n", "m*": "x"})
    counts = {count.change.path: count[1:] for count in file_counts(store, before, after)}
    assert counts == {
        "a": (2, 1, False),
        "b": (0, 0, True),
        "l": (0, 1, False),
        "m": (0, 0, False),
        "n": (1, 0, False),
    }
    assert FileCount(file_changes(before, after)[0]).change.kind == "modified"


def test_type_is_changed_by_taking_away_and_adding(store: Store) -> None:
    text = unified_diff(store, tree(store, {"a": "x\n"}), tree(store, {"a": "-> b"}))
    assert text.count("diff --git a/a b/a\n") == 2
    assert text.index("deleted file mode 100644") < text.index("new file mode 120000")


def test_time_is_bounded_when_big_texts_have_many_equal_lines() -> None:
    old = [f"{number % 100}\n" for number in range(10_000)]
    new = [f"{number % 99}\n" for number in range(10_000)]
    assert blocks_of(["start\n", *old, "end\n"], ["start\n", *new, "end\n"]) == [
        ("equal", 0, 100, 0, 100),
        ("replace", 100, 10_001, 100, 10_001),
        ("equal", 10_001, 10_002, 10_001, 10_002),
    ]


@given(some.lists(some.sampled_from("abc"), max_size=30), some.lists(some.sampled_from("abc"), max_size=30))
def test_blocks_are_both_texts_and_hunks_all_changes(old: list[str], new: list[str]) -> None:
    blocks = blocks_of(old, new)
    assert [line for _, i1, i2, _, _ in blocks for line in old[i1:i2]] == old
    assert [line for _, _, _, j1, j2 in blocks for line in new[j1:j2]] == new
    assert all(old[i1:i2] == new[j1:j2] for tag, i1, i2, j1, j2 in blocks if tag == "equal")
    changed = [block for block in blocks if block[0] != "equal"]
    hunks = hunks_of(blocks)
    assert [block for hunk in hunks for block in hunk if block[0] != "equal"] == changed
    for hunk in hunks:
        edges = [block for block in (hunk[0], hunk[-1]) if block[0] == "equal"]
        assert all(block[2] - block[1] <= 3 for block in edges)
        for left, right in pairwise(hunk):
            assert (left[2], left[4]) == (right[1], right[3])
