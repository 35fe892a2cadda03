"""The join of parallel branches: by path, a pure function of the trees, in declared order.

A path that one branch changed is taken from it; one that several changed must be the same in all of them, or
the join fails and names it; where asked for (`merge: texts`), texts that they changed in different places are merged
one after the other. Deleting here and changing there is a conflict in any case, and so is a file where another
branch made a folder. Ignored paths do not take part: they stay as they were before the branches.
"""

import functools
from collections.abc import Callable, Mapping, Sequence

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
from activities.workspace.text_merging import LARGEST_TEXT, merged_text
from definitions.errors import ErrorClass, StepFailure

NAMED_CONFLICTS = 10


Resolve = Callable[[Sequence[Change]], Entry | None]
"""Makes one of the different things that branches made of a path, or gives up."""


def merge(store: Store, base: str | None, branches: Mapping[str, str | None], *, texts: bool = False) -> str:
    """Return the digest of the join of `branches` (trees by branch id). Blocks. Raises `StepFailure`."""
    trees = {branch: load_manifest(store, digest) for branch, digest in branches.items()}
    resolve = functools.partial(_merged_text, store) if texts else _give_up
    return save_manifest(store, merge_manifests(load_manifest(store, base), trees, resolve))


def _give_up(_: Sequence[Change]) -> None:
    """Leave a conflict one."""


def merge_manifests(base: Manifest, branches: Mapping[str, Manifest], resolve: Resolve = _give_up) -> Manifest:
    """Return the join. Raises `StepFailure` (details `kind: conflict`) naming paths and branches."""
    changes = _changes(base, branches)
    disputed = {path: by_branch for path, by_branch in changes.items() if _disagree(by_branch)}
    resolved = {path: resolve(list(by_branch.values())) for path, by_branch in disputed.items()}
    conflicts = {path: list(by_branch) for path, by_branch in disputed.items() if resolved[path] is None}
    if conflicts:
        raise _conflict(conflicts)
    merged = {entry.path: entry for entry in base.visible()}
    for path, by_branch in changes.items():
        after = resolved.get(path) or next(iter(by_branch.values())).after
        if after is None or after.ignored:
            merged.pop(path, None)
        else:
            merged[path] = after
    nested = _nested(merged, changes)
    if nested:
        raise _conflict(nested)
    return manifest_of([*merged.values(), *_ignored_that_fit(base, merged)])


def _merged_text(store: Store, changes: Sequence[Change]) -> Entry | None:
    """Return a text with what each branch made of it, the first one first; None where that is not to be had."""
    before = changes[0].before
    afters = [change.after for change in changes if change.after is not None and not change.after.ignored]
    if before is None or len(afters) < len(changes) or {entry.type for entry in (before, *afters)} != {"f"}:
        return None
    if max(entry.size for entry in (before, *afters)) > LARGEST_TEXT:
        return None
    base = text = store.read_blob(before.digest)
    for entry in afters:
        merged = merged_text(base, text, store.read_blob(entry.digest))
        if merged is None:
            return None
        text = merged
    changed_bits = {entry.executable for entry in afters} - {before.executable}
    executable = changed_bits.pop() if changed_bits else before.executable
    return before._replace(digest=store.write_blob(text), size=len(text), executable=executable)


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
        "let one branch write each file, run the steps in sequence, or set `merge: texts` or `merge: outputs`",
        {"kind": "conflict", "paths": paths[:100]},
    )
