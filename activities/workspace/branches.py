"""Taking what a run made as a commit on a new branch: the checkout and its index are not touched.

The commit stands on what is checked out now (HEAD) and has the run's changes only. They are made twice in a folder
of this moment, with an index of their own: with the files as the run began with them, which tells where HEAD has
something else, and with the files as it left them. Git itself turns files into blobs there (`git update-index`), so
that line ends and large files are as in any commit of the repository; the only programs that run are those filters
that the user's own settings name.
"""

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue

from activities.store.interface import Store
from activities.workspace.deltas import Change, diff
from activities.workspace.git import GitFailed, ask_git, git
from activities.workspace.manifest import Entry, Manifest, is_git_path, printable
from activities.workspace.text_merging import merged_text
from definitions.errors import ErrorClass, StepFailure

NAMED_PATHS = 10
AUTHOR = {"GIT_AUTHOR_NAME": "Perdure", "GIT_AUTHOR_EMAIL": "perdure@localhost"}
"""Who is named as author where the repository's settings name nobody."""
COMMITTER = {"GIT_COMMITTER_NAME": "Perdure", "GIT_COMMITTER_EMAIL": "perdure@localhost"}

_GitEntry = tuple[str, str]
"""Mode and blob of a path in one of git's trees."""


class MadeBranch(NamedTuple):
    """A branch with one new commit."""

    name: str
    commit: str
    changed: list[str]
    """Paths that the commit changes."""
    merged: list[str]
    """Those of them that hold changes of both sides."""


def apply_to_branch(
    store: Store, before: Manifest, after: Manifest, repository: Path, name: str, message: str, *, merges: bool = False
) -> MadeBranch:
    """Commit what differs between the trees on a new branch `name` of `repository`. Blocks.

    Raises:
        StepFailure: there is no git repository, the branch is there already or its name is none, or HEAD has other
            content at paths that the run changed (all named in `details["paths"]`) that cannot be merged.
            No branch is made then.
    """
    _check_name(repository, name)
    changes = [change for change in diff(before, after) if not is_git_path(change.path) and _is_of_files(change)]
    with tempfile.TemporaryDirectory(prefix="perdure-branch-") as folder:
        work = _Work(store, repository, Path(folder))
        files = [entry for change in changes for entry in (change.before, change.after) if entry is not None]
        store.fetch(entry.digest for entry in files if entry.type == "f")
        head = work.head()
        tree_before = work.tree_with(head, [(change.path, change.before) for change in changes], "before")
        tree_after = work.tree_with(head, [(change.path, change.after) for change in changes], "after")
        elsewhere = work.differing(head, tree_before)
        merged = work.merged(head, tree_before, tree_after, elsewhere, merges=merges)
        if merged:
            tree_after = work.tree_of(tree_after, merged)
        changed = work.differing(head, tree_after)
        commit = work.commit(tree_after, head, message)
        _create(repository, name, commit)
    return MadeBranch(name, commit, changed, sorted(set(elsewhere) & set(changed)))


def _is_of_files(change: Change) -> bool:
    """Git knows no empty folders."""
    return any(entry is not None and entry.type != "d" for entry in (change.before, change.after))


def _check_name(repository: Path, name: str) -> None:
    prefix = ask_git(repository, "rev-parse", "--show-prefix")
    if prefix.status or prefix.output.strip():
        raise _refused(f"`{repository}` is not the top folder of a git repository, so no branch can be made there")
    if name.startswith("-") or ask_git(repository, "check-ref-format", f"refs/heads/{name}").status:
        raise _refused(f"`{printable(name)}` is not fit for the name of a branch")
    if ask_git(repository, "show-ref", "--verify", "--quiet", f"refs/heads/{name}").status == 0:
        raise _refused(f"there is a branch `{name}` already; give another name, or delete it")


def _create(repository: Path, name: str, commit: str) -> None:
    """Make the branch, if nobody else has made it in this moment."""
    try:
        git(repository, "update-ref", f"refs/heads/{name}", commit, "0" * len(commit))
    except GitFailed as failure:
        raise _refused(f"the branch `{name}` cannot be made: {failure.answer.complaint}") from failure


@dataclass(frozen=True, slots=True)
class _Work:
    """A folder beside the repository in which trees are made."""

    store: Store
    repository: Path
    folder: Path

    def head(self) -> str | None:
        """Return the commit that is checked out; None in a repository without any."""
        answer = ask_git(self.repository, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        return answer.output.decode().strip() if answer.status == 0 else None

    def tree_with(self, head: str | None, wanted: Sequence[tuple[str, Entry | None]], name: str) -> str:
        """Return the tree of `head` in which these paths are as given."""
        index, files = self._index(name, head), self.folder / name
        files.mkdir()
        for path, entry in wanted:
            self._lay(files / path, entry)
        place = {**index, "GIT_DIR": self._private_folder(), "GIT_WORK_TREE": str(files)}
        words = ("-c", "core.fileMode=true", "-c", "core.symlinks=true", "update-index", "-z")
        # Removals first: a file may have become a folder.
        for flag, paths in (
            ("--force-remove", [path for path, entry in wanted if not _is_file(entry)]),
            ("--add", [path for path, entry in wanted if _is_file(entry)]),
        ):
            given = b"".join(os.fsencode(path) + b"\0" for path in paths)
            answer = ask_git(files, *words, flag, "--stdin", given=given, environment=place)
            if answer.status:
                raise _refused(f"no branch was made: the changes do not fit the commit: {answer.complaint}")
        return git(files, "write-tree", environment=place).decode().strip()

    def tree_of(self, tree: str, merged: Mapping[str, _GitEntry]) -> str:
        """Return `tree` in which these paths are as given."""
        index = self._index("merged", tree)
        lines = [f"{mode} {blob}\t".encode() + os.fsencode(path) + b"\0" for path, (mode, blob) in merged.items()]
        git(self.repository, "update-index", "-z", "--index-info", given=b"".join(lines), environment=index)
        return git(self.repository, "write-tree", environment=index).decode().strip()

    def differing(self, head: str | None, tree: str) -> list[str]:
        """Return the paths that differ between the commit and a tree."""
        base = self._empty_tree() if head is None else head
        names = git(self.repository, "diff-tree", "-r", "-z", "--no-renames", "--name-only", base, tree)
        return [os.fsdecode(name) for name in names.split(b"\0") if name]

    def merged(
        self, head: str | None, before: str, after: str, paths: list[str], *, merges: bool
    ) -> dict[str, _GitEntry]:
        """Return what both sides made of paths that HEAD has otherwise. Raises `StepFailure` where nothing can be."""
        if not paths:
            return {}
        base, theirs = self._entries(before), self._entries(after)
        ours = {} if head is None else self._entries(head)
        found: dict[str, _GitEntry] = {}
        blocked: list[str] = []
        for path in paths:
            if ours.get(path) == theirs.get(path):
                continue  # HEAD has what the run made
            result = self._merge(base.get(path), ours.get(path), theirs.get(path)) if merges else None
            if result is None:
                blocked.append(path)
            else:
                found[path] = result
        if blocked:
            raise _blocked(blocked, self.repository, merges=merges)
        return found

    def commit(self, tree: str, head: str | None, message: str) -> str:
        """Return a commit of `tree` on top of `head`, by whom the repository's settings name."""
        parents = () if head is None else ("-p", head)
        words = ("commit-tree", tree, *parents, "-F", "-")
        text = message.encode("utf-8", "backslashreplace")
        is_known = ask_git(self.repository, "var", "GIT_COMMITTER_IDENT").status == 0
        return (
            git(self.repository, *words, given=text, environment={} if is_known else AUTHOR | COMMITTER)
            .decode()
            .strip()
        )

    # --- parts --------------------------------------------------------------------------------------

    def _merge(self, base: _GitEntry | None, ours: _GitEntry | None, theirs: _GitEntry | None) -> _GitEntry | None:
        if (
            base is None
            or ours is None
            or theirs is None
            or not all(one[0].startswith("100") for one in (base, ours, theirs))
        ):
            return None
        contents = [git(self.repository, "cat-file", "blob", blob) for _, blob in (base, ours, theirs)]
        text = merged_text(*contents)
        if text is None:
            return None
        blob = git(self.repository, "hash-object", "-w", "--stdin", given=text).decode().strip()
        return (ours[0] if theirs[0] == base[0] else theirs[0], blob)

    def _index(self, name: str, tree: str | None) -> dict[str, str]:
        environment = {"GIT_INDEX_FILE": str(self.folder / f"{name}.index")}
        git(self.repository, "read-tree", *(("--empty",) if tree is None else (tree,)), environment=environment)
        return environment

    def _lay(self, target: Path, entry: Entry | None) -> None:
        if entry is None or entry.type == "d":
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        if entry.type == "l":
            target.symlink_to(entry.target)
        else:
            self.store.copy_blob_to(entry.digest, target, executable=entry.executable)

    def _private_folder(self) -> str:
        return git(self.repository, "rev-parse", "--absolute-git-dir").decode().removesuffix("\n")

    def _empty_tree(self) -> str:
        return git(self.repository, "hash-object", "-w", "-t", "tree", "--stdin", given=b"").decode().strip()

    def _entries(self, tree: str) -> dict[str, _GitEntry]:
        found: dict[str, _GitEntry] = {}
        for line in git(self.repository, "ls-tree", "-r", "-z", "--full-tree", tree).split(b"\0"):
            facts, _, path = line.partition(b"\t")
            if path:
                mode, _, blob = facts.decode().split(" ")
                found[os.fsdecode(path)] = (mode, blob)
        return found


def _is_file(entry: Entry | None) -> bool:
    return entry is not None and entry.type != "d"


def _refused(message: str) -> StepFailure:
    return StepFailure(ErrorClass.WORKSPACE, message)


def _blocked(paths: list[str], repository: Path, *, merges: bool) -> StepFailure:
    named = ", ".join(f"`{printable(path)}`" for path in paths[:NAMED_PATHS])
    more = f" and {len(paths) - NAMED_PATHS} more" if len(paths) > NAMED_PATHS else ""
    what = "cannot be merged with" if merges else "is not what the run began with in"
    remedy = "check out the commit that the run began with" + ("" if merges else ", or merge texts by `--merge`")
    listed: list[JsonValue] = [printable(path) for path in paths]
    return StepFailure(
        ErrorClass.WORKSPACE,
        f"no branch was made: {named}{more} {what} the commit that is checked out in `{repository}`; {remedy}",
        {"kind": "blocked", "paths": listed},
    )
