"""What a run, or one step of it, changed in the files: the tree that it began with against the tree as it is now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from client.exit_codes import ExitCode
from client.messages import amount_words, change_words, run_words
from client.output import Problem, one_line

if TYPE_CHECKING:
    from activities.store.interface import Store
    from activities.workspace.applying import Applied
    from activities.workspace.branches import MadeBranch
    from activities.workspace.manifest import Manifest
    from activities.workspace.unified_diff import FileChange, FileCount
    from definitions.statuses import Status

STAT_WIDTH = 80
_LONGEST_PATH = 400


@dataclass(frozen=True, slots=True)
class Trees:
    """The files before and after."""

    store: Store
    before: Manifest
    after: Manifest


def trees_of(status: Status, store: Store, step: str | None = None) -> Trees:
    """Return the two trees of a run, or of a step. Raises `Problem` where there are none."""
    from activities.workspace.manifest import load_manifest

    if status.tree_before is None or status.tree is None:
        raise Problem(change_words.NO_WORKSPACE, slug="no-workspace")
    if step is None:
        return Trees(store, load_manifest(store, status.tree_before), load_manifest(store, status.tree))
    found = status.steps.get(step)
    if found is None:
        raise _unknown_step(status, step)
    if found.status != "completed":
        raise Problem(change_words.step_without_files(step, found.status), slug="no-workspace")
    return Trees(store, load_manifest(store, found.tree_before), load_manifest(store, found.tree))


def changed_files(trees: Trees) -> list[FileChange]:
    """Return the files that differ."""
    from activities.workspace.changes import file_changes

    return file_changes(trees.before, trees.after)


def counts(trees: Trees) -> list[FileCount]:
    """Return how much of each file differs."""
    from activities.workspace.changes import file_counts

    return file_counts(trees.store, trees.before, trees.after)


def text_of(trees: Trees) -> str:
    """Return the unified diff; bytes that are not UTF-8 stand in it as surrogates."""
    from activities.workspace.changes import unified_diff

    return unified_diff(trees.store, trees.before, trees.after)


def stat_lines(found: Sequence[FileCount], width: int = STAT_WIDTH) -> list[str]:
    """Return what `git diff --stat` prints: a line for each file with its share of changes, and the sums."""
    names = [_name(count.change) for count in found]
    longest = max((len(name) for name in names), default=0)
    digits = max((len(str(count.added + count.deleted)) for count in found), default=1)
    most = max((count.added + count.deleted for count in found), default=0)
    room = max(width - longest - digits - 5, 10)
    scale = min(1.0, room / most) if most else 1.0
    lines = [
        f" {name:{longest}} | "
        + ("Bin" if count.is_binary else f"{count.added + count.deleted:{digits}} {_bar(count, scale)}")
        for name, count in zip(names, found, strict=True)
    ]
    return [*(line.rstrip() for line in lines), _sums(found)]


def as_row(count: FileCount) -> dict[str, object]:
    """Return a changed file as JSON."""
    from activities.workspace.manifest import printable

    change = count.change
    row: dict[str, object] = {"path": printable(change.path), "change": change.kind}
    if change.kind == "renamed" and change.old is not None:
        row["from"] = printable(change.old.path)
    lines = {"binary": True} if count.is_binary else {"insertions": count.added, "deletions": count.deleted}
    return {**row, **lines}


def shown(paths: Sequence[str]) -> list[str]:
    """Return paths as JSON can have them."""
    from activities.workspace.manifest import printable

    return [printable(path) for path in paths]


def apply_changes(trees: Trees, folder: Path, *, merges: bool = False) -> Applied:
    """Take the changes into the workspace that `folder` is in, as `run` takes its files from.

    Raises:
        StepFailure: paths were changed there meanwhile (all are named); nothing is touched then.
    """
    from activities.workspace.changes import apply_to_folder
    from activities.workspace.sources import source_root

    return apply_to_folder(trees.store, trees.before, trees.after, source_root(folder), merges=merges)


def make_branch(trees: Trees, folder: Path, name: str, message: str, *, merges: bool = False) -> MadeBranch:
    """Commit the changes on a new branch of the repository that `folder` is in; its checkout is not touched.

    Raises:
        StepFailure: there is no repository, the name is taken, or the commit has other content; no branch is made.
    """
    from activities.workspace.changes import apply_to_branch
    from activities.workspace.sources import source_root

    return apply_to_branch(trees.store, trees.before, trees.after, source_root(folder), name, message, merges=merges)


def _unknown_step(status: Status, step: str) -> Problem:
    from definitions.suggestions import did_you_mean

    remedy = did_you_mean(step, status.steps) or f"`perdure show {status.execution_id}` lists its steps"
    message = run_words.unknown_step(status.execution_id, step)
    return Problem(message, code=ExitCode.USAGE, slug="unknown-step", remedy=remedy)


def _name(change: FileChange) -> str:
    path = one_line(change.path, _LONGEST_PATH)
    if change.kind != "renamed" or change.old is None:
        return path
    return f"{one_line(change.old.path, _LONGEST_PATH)} => {path}"


def _bar(count: FileCount, scale: float) -> str:
    """Return a file's share of changes as signs; whatever changed has at least one."""
    added, deleted = (max(round(lines * scale), 1) if lines else 0 for lines in (count.added, count.deleted))
    return "+" * added + "-" * deleted


def _sums(found: Sequence[FileCount]) -> str:
    added, deleted = sum(count.added for count in found), sum(count.deleted for count in found)
    parts = [amount_words.plural(len(found), "file", "files") + " changed"]
    if added or not deleted:
        parts.append(amount_words.plural(added, "insertion(+)", "insertions(+)"))
    if deleted or not added:
        parts.append(amount_words.plural(deleted, "deletion(-)", "deletions(-)"))
    return " " + ", ".join(parts)
