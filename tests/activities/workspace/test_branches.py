import subprocess
from pathlib import Path

import pytest

from activities.store.interface import Store
from activities.workspace.branches import apply_to_branch
from activities.workspace.manifest import Manifest
from definitions.errors import StepFailure
from tests.activities.workspace.trees import make, read, tree

BEFORE = {
    "a": "0\n1\n2\n3\n4\n",
    "gone": "2",
    "run": "#!",
    "l": "-> a",
    "swap": "file",
    "box/x": "1",
    "same": "s",
    "ü \udcff": "1",
}
AFTER = {
    "a": "0\n1\n2\n3\ntheirs\n",
    "new/deep": "n",
    "run*": "#!",
    "l": "-> run",
    "swap/in": "1",
    "box": "file",
    "same": "s",
    "e": None,
    "ü \udcff": "2",
}


def git(folder: Path, *words: str) -> str:
    command = ["git", "-C", str(folder), *words]
    return subprocess.run(command, check=True, capture_output=True).stdout.decode(errors="surrogateescape").strip()


@pytest.fixture
def repository(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "none"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("HOME", str(tmp_path))
    git(folder, "init", "-q", "-b", "main")
    git(folder, "config", "user.name", "Ada")
    git(folder, "config", "user.email", "ada@example.org")
    make(folder, BEFORE)
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    return folder


@pytest.fixture
def trees(store: Store) -> tuple[Manifest, Manifest]:
    return tree(store, BEFORE), tree(store, AFTER)


def committed(repository: Path, branch: str) -> dict[str, str | None]:
    target = repository.parent / "checked out"
    git(repository, "worktree", "add", "-q", str(target), branch)
    found = {path: text for path, text in read(target).items() if path != ".git"}
    git(repository, "worktree", "remove", "--force", str(target))
    return found


def test_branch_has_one_commit_with_the_changes(
    store: Store, repository: Path, trees: tuple[Manifest, Manifest]
) -> None:
    head = git(repository, "rev-parse", "HEAD")
    made = apply_to_branch(store, *trees, repository, "perdure/run-1", "What a run made\n\nof it")
    assert git(repository, "rev-parse", "perdure/run-1") == made.commit
    assert git(repository, "log", "-1", "--format=%P %an %s", "perdure/run-1") == f"{head} Ada What a run made"
    wanted = {path: text for path, text in AFTER.items() if path != "e"}
    assert committed(repository, "perdure/run-1") == wanted
    assert made.merged == []
    assert "swap/in" in made.changed


def test_checkout_and_index_are_not_touched(store: Store, repository: Path, trees: tuple[Manifest, Manifest]) -> None:
    make(repository, {"same": "edited", "untracked": "u"})
    git(repository, "add", "same")
    make(repository, {"gone": "edited too"})
    present, index = read(repository / "box"), (repository / ".git" / "index").read_bytes()
    status = git(repository, "status", "--porcelain")
    index = (repository / ".git" / "index").read_bytes()
    made = apply_to_branch(store, *trees, repository, "b", "m")
    assert (repository / ".git" / "index").read_bytes() == index
    assert git(repository, "status", "--porcelain") == status
    assert read(repository / "box") == present
    assert git(repository, "show", f"{made.commit}:same") == "s"
    assert git(repository, "symbolic-ref", "HEAD") == "refs/heads/main"


def test_texts_are_merged_when_the_commit_has_other_content(
    store: Store, repository: Path, trees: tuple[Manifest, Manifest]
) -> None:
    make(repository, {"a": "mine\n1\n2\n3\n4\n"})
    git(repository, "commit", "-qam", "second")
    with pytest.raises(StepFailure, match="no branch was made: `a` is not what the run began with") as failure:
        apply_to_branch(store, *trees, repository, "b", "m")
    assert failure.value.details == {"kind": "blocked", "paths": ["a"]}
    made = apply_to_branch(store, *trees, repository, "b", "m", merges=True)
    assert git(repository, "show", "b:a") == "mine\n1\n2\n3\ntheirs"
    assert made.merged == ["a"]


def test_no_branch_is_made_when_texts_conflict(
    store: Store, repository: Path, trees: tuple[Manifest, Manifest]
) -> None:
    make(repository, {"a": "0\n1\n2\n3\nmine\n", "l2": "x"})
    git(repository, "commit", "-qam", "second")
    with pytest.raises(StepFailure, match="`a` cannot be merged with"):
        apply_to_branch(store, *trees, repository, "b", "m", merges=True)
    assert git(repository, "branch", "--list", "b") == ""


def test_path_is_left_when_the_commit_has_what_the_run_made(
    store: Store, repository: Path, trees: tuple[Manifest, Manifest]
) -> None:
    make(repository, {"a": str(AFTER["a"])})
    (repository / "gone").unlink()
    git(repository, "commit", "-qam", "second")
    made = apply_to_branch(store, *trees, repository, "b", "m")
    assert not {"a", "gone"} & set(made.changed)


def test_file_that_both_deleted_or_changed_blocks(store: Store, repository: Path) -> None:
    before, after = tree(store, {"a": "0\n1\n2\n3\n4\n"}), tree(store, {"a": "x"})
    (repository / "a").unlink()
    git(repository, "commit", "-qam", "second")
    with pytest.raises(StepFailure, match="cannot be merged"):
        apply_to_branch(store, before, after, repository, "b", "m", merges=True)


def test_first_commit_is_made_when_the_repository_has_none(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "none"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    repository = tmp_path / "empty"
    repository.mkdir()
    git(repository, "init", "-q")
    git(repository, "config", "user.useConfigOnly", "true")
    made = apply_to_branch(store, tree(store, {}), tree(store, {"a": "1"}), repository, "b", "m")
    assert made.changed == ["a"]
    assert git(repository, "log", "-1", "--format=%an %P|", "b") == "Perdure |"


def test_line_ends_are_those_of_the_repository(store: Store, repository: Path) -> None:
    make(repository, {".gitattributes": "*.txt text eol=crlf\n", "w.txt": "1\r\n2\r\n"})
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "crlf")
    before, after = tree(store, {"w.txt": "1\r\n2\r\n"}), tree(store, {"w.txt": "1\r\n3\r\n"})
    made = apply_to_branch(store, before, after, repository, "b", "m")
    assert (made.changed, made.merged) == (["w.txt"], [])
    blob = subprocess.run(
        ["git", "-C", str(repository), "cat-file", "blob", "b:w.txt"], capture_output=True, check=True
    )
    assert blob.stdout == b"1\n3\n"


@pytest.mark.parametrize("name", ["main", "a..b", "-x", "a b", "", "x.lock", "\udcff"])
def test_name_is_refused_when_it_is_taken_or_none(
    store: Store, repository: Path, trees: tuple[Manifest, Manifest], name: str
) -> None:
    if name == "\udcff":
        name = "a\nb"
    with pytest.raises(StepFailure, match=r"already|is not fit for the name"):
        apply_to_branch(store, *trees, repository, name, "m")


def test_branch_is_refused_when_the_name_is_a_folder_of_others(
    store: Store, repository: Path, trees: tuple[Manifest, Manifest]
) -> None:
    with pytest.raises(StepFailure, match="the branch `main/x` cannot be made"):
        apply_to_branch(store, *trees, repository, "main/x", "m")


def test_branch_is_refused_when_there_is_no_repository(
    store: Store, repository: Path, tmp_path: Path, trees: tuple[Manifest, Manifest]
) -> None:
    for folder in (tmp_path, repository / "box"):
        with pytest.raises(StepFailure, match="is not the top folder of a git repository"):
            apply_to_branch(store, *trees, folder, "b", "m")


def test_branch_is_refused_when_a_file_stands_where_the_run_has_a_folder(store: Store, repository: Path) -> None:
    with pytest.raises(StepFailure, match="do not fit the commit"):
        apply_to_branch(store, tree(store, {}), tree(store, {"same/in": "x"}), repository, "b", "m")


def test_no_hook_is_run(store: Store, repository: Path, tmp_path: Path, trees: tuple[Manifest, Manifest]) -> None:
    for hook in ("reference-transaction", "post-commit", "pre-commit", "commit-msg", "post-index-change"):
        make(repository, {f".git/hooks/{hook}*": f"#!/bin/sh\ntouch {tmp_path}/proof\n"})
    git_config = repository / ".git" / "config"
    git_config.write_text(git_config.read_text() + f"[core]\n fsmonitor = touch {tmp_path}/proof; false\n")
    apply_to_branch(store, *trees, repository, "b", "m")
    assert not (tmp_path / "proof").exists()
