"""Whether what a step changed then can be put on the tree that is there now.

A path that the step changed must be now what it was before the step, or the result does not fit; the same holds for
one that it wrote anew with the content that it had. Ignored files, and those of `.git` that change without anything
having happened, are replaced whatever they are.
"""

from collections.abc import Collection

from activities.workspace.deltas import Change, Delta, apply_delta, diff
from activities.workspace.manifest import Manifest, check_entries, is_git_path, printable

_GIT_NOISE = frozenset({"index", "FETCH_HEAD", "ORIG_HEAD", "COMMIT_EDITMSG", "gc.log", "gc.pid"})
"""Files of `.git` that change without anything having happened, and are never the same in two clones."""


def delta_of(before: Manifest | None, after: Manifest | None, written: Collection[str] = ()) -> Delta:
    """Return what a step changed or wrote, ignored files too; git's own only where more than its noise changed.

    `written`: the paths that it wrote, also those that are what they were.
    """
    if before is None or after is None:
        return ()
    changes = diff(before, after, with_ignored=True)
    changes = tuple(sorted((*changes, *_rewritten(before, after, written)), key=lambda change: change.path))
    if all(_is_noise(change.path) for change in changes if is_git_path(change.path)):
        return tuple(change for change in changes if not is_git_path(change.path))
    return changes


def obstacle(delta: Delta, manifest: Manifest | None) -> str | None:
    """Return why a delta does not fit a tree, None where it does."""
    if not delta:
        return None
    if manifest is None:
        return "the step changed files, and there is no workspace now"
    unfit = [change for change in delta if not _fits(change, manifest)]
    if not unfit:
        return None
    more = f" and {len(unfit) - 1} more" if len(unfit) > 1 else ""
    return f"`{printable(unfit[0].path)}`{more}, which the step changes, is not what it was then"


def _fits(change: Change, manifest: Manifest) -> bool:
    """Whether a path is what it was. Ignored files and git's noise are replaced whatever they are."""
    if _is_noise(change.path) or (change.is_ignored and not is_git_path(change.path)):
        return True
    now = manifest.find(change.path)
    content = None if now is None else now.content
    return content == (None if change.before is None else change.before.content)


def tree_with(manifest: Manifest | None, delta: Delta) -> Manifest | None:
    """Return the tree after. Raises `StepFailure` where the two make no tree: a file lies where there is a folder."""
    if manifest is None or not delta:
        return manifest
    tree = apply_delta(manifest, delta)
    check_entries(tree.entries, "as it would be after the step")
    return tree


def _rewritten(before: Manifest, after: Manifest, written: Collection[str]) -> Delta:
    """Return the paths that were written and are what they were."""
    pairs = ((path, before.find(path), after.find(path)) for path in written)
    return tuple(
        Change(path, old, new)
        for path, old, new in pairs
        if old is not None and new is not None and old.content == new.content
    )


def _is_noise(path: str) -> bool:
    return is_git_path(path) and path.rpartition("/")[2] in _GIT_NOISE
