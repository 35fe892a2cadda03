"""The join of parallel branches: by path, a pure function of the trees, in declared order.

A path that one branch changed is taken from it; one that several changed must be the same in all of them, or
the join fails and names it. Deleting here and changing there is a conflict too, and so is a file where another
branch made a folder. Ignored paths do not take part: they stay as they were before the branches.
"""

from collections.abc import Mapping

from pydantic import JsonValue

from activities.store.interface import Store
from activities.workspace.deltas import Change, diff
from activities.workspace.manifest import (
    Entry,
    Manifest,
    load_manifest,
    manifest_of,
    parents,
    printable,
    save_manifest,
)
from definitions.errors import ErrorClass, StepFailure

NAMED_CONFLICTS = 10


def merge(store: Store, base: str | None, branches: Mapping[str, str | None]) -> str:
    """Return the digest of the join of `branches` (trees by branch id). Blocks. Raises `StepFailure`."""
    trees = {branch: load_manifest(store, digest) for branch, digest in branches.items()}
    return save_manifest(store, merge_manifests(load_manifest(store, base), trees))


def merge_manifests(base: Manifest, branches: Mapping[str, Manifest]) -> Manifest:
    """Return the join. Raises `StepFailure` (details `kind: conflict`) naming paths and branches."""
    changes = _changes(base, branches)
    conflicts = {path: list(by_branch) for path, by_branch in changes.items() if _disagree(by_branch)}
    if conflicts:
        raise _conflict(conflicts)
    merged = {entry.path: entry for entry in base.visible()}
    for path, by_branch in changes.items():
        after = next(iter(by_branch.values())).after
        if after is None or after.ignored:
            merged.pop(path, None)
        else:
            merged[path] = after
    nested = _nested(merged, changes)
    if nested:
        raise _conflict(nested)
    return manifest_of([*merged.values(), *_ignored_that_fit(base, merged)])


def _changes(base: Manifest, branches: Mapping[str, Manifest]) -> dict[str, dict[str, Change]]:
    """Return for each changed path who changed it, branches in declared order."""
    changes: dict[str, dict[str, Change]] = {}
    for branch, tree in branches.items():
        for change in diff(base, tree):
            changes.setdefault(change.path, {})[branch] = change
    return changes


def _disagree(by_branch: dict[str, Change]) -> bool:
    results = {None if change.after is None else change.after.content for change in by_branch.values()}
    return len(results) > 1


def _nested(merged: Mapping[str, Entry], changes: Mapping[str, Mapping[str, Change]]) -> dict[str, list[str]]:
    """Return files (or links) that other paths lie below, with the branches that made either."""
    conflicts: dict[str, list[str]] = {}
    for path in merged:
        for folder in parents(path):
            if folder in merged and merged[folder].type != "d":
                makers = [*changes.get(folder, ()), *changes.get(path, ())]
                conflicts[folder] = list(dict.fromkeys([*conflicts.get(folder, []), *makers]))
    return conflicts


def _ignored_that_fit(base: Manifest, merged: Mapping[str, Entry]) -> list[Entry]:
    """Return the ignored entries of `base` that no merged path stands in the way of."""
    folders = {folder for path in merged for folder in parents(path)}
    leaves = {path for path, entry in merged.items() if entry.type != "d"}
    return [
        entry
        for entry in base.entries
        if entry.ignored
        and entry.path not in leaves
        and (entry.type == "d" or entry.path not in folders)
        and not any(folder in leaves for folder in parents(entry.path))
    ]


def _conflict(conflicts: Mapping[str, list[str]]) -> StepFailure:
    named = [
        f"`{printable(path)}` (by {', '.join(f'`{branch}`' for branch in conflicts[path])})"
        for path in sorted(conflicts)[:NAMED_CONFLICTS]
    ]
    more = f" and {len(conflicts) - NAMED_CONFLICTS} more" if len(conflicts) > NAMED_CONFLICTS else ""
    paths: list[JsonValue] = [printable(path) for path in sorted(conflicts)]
    return StepFailure(
        ErrorClass.WORKSPACE,
        f"parallel branches changed the same files in different ways: {', '.join(named)}{more}; "
        "let one branch write each file, run the steps in sequence, or set `merge: outputs` on the group",
        {"kind": "conflict", "paths": paths[:100]},
    )
