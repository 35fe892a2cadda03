"""What a run changed in the files: the tree that it began with against the tree as it is now."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from client import messages
from client.output import Problem

if TYPE_CHECKING:
    from activities.store.interface import Store
    from activities.workspace.manifest import Manifest
    from definitions.records import Status

ChangeKind = Literal["added", "modified", "deleted"]


@dataclass(frozen=True, slots=True)
class Trees:
    """The files before and after."""

    store: Store
    before: Manifest
    after: Manifest


def trees_of(status: Status, store: Store) -> Trees:
    """Return the two trees of a run. Raises `Problem` where it has none."""
    from activities.workspace.manifest import load_manifest

    if status.tree_before is None or status.tree is None:
        raise Problem(messages.NO_WORKSPACE, slug="no-workspace")
    return Trees(store, load_manifest(store, status.tree_before), load_manifest(store, status.tree))


def changed_paths(trees: Trees) -> list[tuple[str, ChangeKind]]:
    """Return the paths that differ, with what became of them; Git's own are no business of a reader's."""
    from activities.workspace.changes import diff
    from activities.workspace.manifest import is_git_path

    found: list[tuple[str, ChangeKind]] = []
    for change in diff(trees.before, trees.after):
        if not is_git_path(change.path):
            kind = "added" if change.before is None else "deleted" if change.after is None else "modified"
            found.append((change.path, kind))
    return found


def text_of(trees: Trees) -> str:
    """Return the unified diff."""
    from activities.workspace.changes import unified_diff

    return unified_diff(trees.store, trees.before, trees.after)


def apply_changes(trees: Trees, folder: Path) -> list[str]:
    """Take the changes into the workspace that `folder` is in, as `run` takes its files from; return the paths written.

    Raises:
        StepFailure: paths were changed there meanwhile (all are named); nothing is touched then.
    """
    from activities.workspace.changes import apply_to_folder
    from activities.workspace.sources import source_root

    return apply_to_folder(trees.store, trees.before, trees.after, source_root(folder))
