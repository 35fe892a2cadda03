"""What a run changed in the files: the tree that it began with against the tree as it is now."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from client import messages
from client.output import Problem

if TYPE_CHECKING:
    from activities.store.interface import Store
    from activities.workspace.manifest import Entry, Manifest
    from definitions.records import Status

Change = Literal["added", "modified", "deleted"]


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


def changed_paths(trees: Trees) -> list[tuple[str, Change]]:
    """Return the paths that differ, with what became of them."""
    before, after = _by_path(trees.before), _by_path(trees.after)
    return [
        (path, _change(before.get(path), after.get(path)))
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path)
    ]


def text_of(trees: Trees) -> str:
    """Return the unified diff."""
    from activities.workspace.changes import unified_diff

    return unified_diff(trees.store, trees.before, trees.after)


def apply_changes(trees: Trees, folder: Path) -> None:
    """Take the changes into a folder. Raises `StepFailure` naming the paths that were changed there meanwhile."""
    from activities.workspace.changes import apply_to_folder

    apply_to_folder(trees.store, trees.before, trees.after, folder)


def _by_path(manifest: Manifest) -> dict[str, Entry]:
    return {entry.path: entry for entry in manifest.entries}


def _change(before: Entry | None, after: Entry | None) -> Change:
    if before is None:
        return "added"
    return "deleted" if after is None else "modified"
