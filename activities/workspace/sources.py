"""From the caller's folder to the first tree of a run.

The workspace is the git root above the path, or the folder itself. What git ignores stays behind, unless the
repository tracks it all the same; `.git` comes along, flagged as ignored. A home folder, the root of the disk and
folders beyond the limits are refused before anything is read.
"""

from collections.abc import Hashable, Iterable
from datetime import timedelta
from pathlib import Path

from activities.store.interface import BlobMissing, Store
from activities.workspace.git import GitAbsent, GitFailed, git
from activities.workspace.ignores import IgnoreRules
from activities.workspace.manifest import Manifest, is_git_path, parents, save_manifest
from activities.workspace.snapshots import Selection, snapshot
from activities.workspace.source_stats import load_source_stats, save_source_stats
from activities.workspace.stat_cache import StatCache
from definitions.errors import ErrorClass, StepFailure

GIT_TIME_LIMIT = timedelta(seconds=20)


def snapshot_source(store: Store, path: Path) -> Manifest:
    """Keep the workspace that `path` is in and return its manifest. The folder is only read. Blocks.

    Raises:
        StepFailure: it is no folder, a home folder or the root, too big, or cannot be read.
    """
    root = source_root(path)
    cache = load_source_stats(root)
    manifest = snapshot_repository(store, root, cache)
    save_source_stats(root, cache)
    return manifest


def keep_source(store: Store, path: Path) -> Manifest:
    """Keep the workspace that `path` is in, and its tree. Blocks. Raises as `snapshot_source` does.

    It is read anew where a file is as it was and the store has no content of it: a sweep took that, or the file was
    last read for another store.
    """
    try:
        manifest = snapshot_source(store, path)
        save_manifest(store, manifest)
    except BlobMissing:
        load_source_stats(source_root(path)).forget()
        manifest = snapshot_source(store, path)
        save_manifest(store, manifest)
    return manifest


def snapshot_repository(store: Store, root: Path, stats: StatCache) -> Manifest:
    """Keep what of a folder belongs to a run: all that git does not ignore, what it tracks, and `.git`. Blocks."""
    return snapshot(store, root, stats=stats, selection=_Tracked(root))


def source_root(path: Path) -> Path:
    """Return the folder that is the workspace for `path`. Raises `StepFailure`."""
    folder = path.expanduser().resolve()
    if not folder.is_dir():
        raise StepFailure(
            ErrorClass.WORKSPACE, f"the workspace `{path}` is no folder; give one by `--workspace`, or `cd` to it"
        )
    root = next((place for place in (folder, *folder.parents) if (place / ".git").exists()), folder)
    if root in (Path("/"), Path.home().resolve()):
        if root != folder and folder not in (Path("/"), Path.home().resolve()):
            return folder  # a home folder kept in git is no project
        raise StepFailure(
            ErrorClass.WORKSPACE,
            f"the workspace `{root}` is {'the root of the disk' if root == Path('/') else 'a home folder'}, "
            "which is never copied; give a project's folder by `--workspace`, or `cd` to it",
        )
    return root


class _Tracked(Selection):
    """What of a source is taken: all that git does not ignore, what it tracks, and `.git`."""

    def __init__(self, root: Path) -> None:
        self._files = frozenset(_tracked_but_ignored(root))
        self._folders = frozenset(folder for path in self._files for folder in parents(path))

    def enters(self, path: str, rules: IgnoreRules) -> bool:
        return is_git_path(path) or path in self._folders or not rules.ignores_folder(path)

    def takes(self, path: str, is_ignored: bool) -> bool:
        return not is_ignored or is_git_path(path)

    def is_tracked(self, path: str) -> bool:
        return path in self._files

    @property
    def facts(self) -> Hashable:
        return self._files


def _tracked_but_ignored(root: Path) -> Iterable[str]:
    """Ask git for what it tracks although it is ignored; without git, or in no repository, nothing."""
    if not (root / ".git").exists():
        return ()
    try:
        names = git(root, "ls-files", "-z", "-c", "-i", "--exclude-standard", time_limit=GIT_TIME_LIMIT)
    except (GitAbsent, GitFailed):
        return ()
    return [name.decode("utf-8", "surrogateescape") for name in names.split(b"\0") if name]
