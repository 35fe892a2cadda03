import subprocess
from pathlib import Path

import pytest

from activities.workspace import ignores
from activities.workspace.ignores import IgnoreRules
from tests.activities.workspace.trees import make

LAYOUT = {
    ".gitignore": "*.log\n/build/\n!keep.log\ndoc/**/*.tmp\n# comment\n\n\\#odd\ntrailing \n",
    "sub/.gitignore": "!important.log\nlocal\n/only_here\n",
    "sub/deep/.gitignore": "*\n!kept\n",
    "build/x": "",
    "sub/build/x": "",
    "a.log": "",
    "keep.log": "",
    "sub/important.log": "",
    "sub/b.log": "",
    "sub/local/inner/x": "",
    "sub/only_here": "",
    "sub/deep/only_here": "",
    "sub/deep/kept": "",
    "doc/a/b/c.tmp": "",
    "doc/c.tmp": "",
    "#odd": "",
    "trailing": "",
    "plain.txt": "",
    "excluded/x": "",
    "ü.log": "",
}


def rules_of(folder: Path) -> IgnoreRules:
    rules = IgnoreRules(folder)
    for path in sorted(folder.rglob("*")):
        if path.is_dir() and ".git" not in path.parts:
            rules.add(str(path.relative_to(folder)), [item.name for item in path.iterdir()])
    return rules


def test_verdicts_are_those_of_git_when_files_are_at_all_levels(folder: Path) -> None:
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    make(folder, LAYOUT)
    (folder / ".git" / "info" / "exclude").write_text("excluded\n")
    listed = subprocess.run(
        ["git", "-C", str(folder), "ls-files", "-zo", "--exclude-standard"], capture_output=True, check=True
    ).stdout.decode()
    rules = rules_of(folder)
    assert {path for path in LAYOUT if not rules.ignores_file(path)} == set(listed.split("\0")) - {""}


def test_perdureignore_adds_to_gitignore_when_both_are_there(folder: Path) -> None:
    make(folder, {".gitignore": "*.log\n", ".perdureignore": "data/\n!a.log\n", "data/x": "", "a.log": ""})
    rules = rules_of(folder)
    assert rules.ignores_file("data/x")
    assert rules.ignores_folder("data")
    assert not rules.ignores_file("a.log")
    assert rules.ignores_file("b.log")


def test_node_modules_are_ignored_when_nothing_is_said(folder: Path) -> None:
    assert IgnoreRules(folder).ignores_file("web/node_modules/x/y.js")
    make(folder, {".gitignore": "!node_modules/\n"})
    assert not IgnoreRules(folder).ignores_file("node_modules/x.js")


def test_gits_own_is_ignored_at_any_depth(folder: Path) -> None:
    rules = IgnoreRules(folder)
    assert rules.ignores_file(".git/config")
    assert rules.ignores_folder("sub/.git")
    assert not rules.ignores_file(".github/workflow.yml")


def test_bad_lines_are_passed_over_when_others_are_good(folder: Path) -> None:
    make(folder, {".gitignore": "!\n*.log\n"})
    assert IgnoreRules(folder).ignores_file("a.log")


@pytest.mark.parametrize("kind", ["link", "folder", "huge", "bytes"])
def test_ignore_file_is_passed_over_when_it_is_none(folder: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ignores, "LARGEST_IGNORE_FILE", 20)
    place = folder / ".gitignore"
    if kind == "link":
        (folder / "other").write_text("*\n")
        place.symlink_to("other")
    elif kind == "folder":
        place.mkdir()
    else:
        place.write_bytes(b"*\n" * 20 if kind == "huge" else b"\xff*.x\n")
    assert not IgnoreRules(folder).ignores_file("a.log")


def test_rules_are_empty_when_an_ignore_file_cannot_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(folder, {".gitignore": "*\n"})

    def refused(*_: object, **__: object) -> str:
        raise PermissionError

    monkeypatch.setattr(Path, "read_text", refused)
    assert not IgnoreRules(folder).ignores_file("a.log")
