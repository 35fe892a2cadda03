"""From a folder to a tree: what changed is read and kept, what did not is known from the stat cache.

Left out with a note: sockets, pipes, devices, links that lead out of the workspace (a copy of the tree could
not have them), `.git` files that point out of it (git in a copy would work on the original), and the folders
that `scanning` names.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

from activities.store.failures import reason
from activities.store.interface import Store
from activities.workspace.ignores import IGNORE_FILES, IgnoreRules
from activities.workspace.links import leads_out
from activities.workspace.manifest import Entry, Manifest, manifest_of, printable
from activities.workspace.scanning import Found, Scan, scan
from activities.workspace.size_limits import check_size
from activities.workspace.stat_cache import STAT_CACHES, StatCache
from definitions.errors import ErrorClass, StepFailure

TRIES = 3
"""How often a folder that changes while it is read is read again."""
NOTES_LIMIT = 10


class FolderIsBig(Exception):
    """There are more files than the caller wants to see handled in this process."""


class _Changed(Exception):
    """A file changed while it was read."""


class Selection:
    """Which paths a snapshot takes. This one takes all; `sources` has a narrower one."""

    def enters(self, path: str, rules: IgnoreRules) -> bool:
        """Whether a folder is gone into."""
        return True

    def takes(self, path: str, is_ignored: bool) -> bool:
        """Whether a path is part of the tree."""
        return True

    def is_tracked(self, path: str) -> bool:
        """Whether a path counts as not ignored whatever the rules say."""
        return False


def snapshot(
    store: Store,
    folder: Path,
    previous: Manifest | None = None,
    *,
    honour_ignores: bool = True,
    stats: StatCache | None = None,
    selection: Selection | None = None,
    limit: int | None = None,
) -> Manifest:
    """Keep the files of `folder` and return their manifest (`previous` itself where nothing changed).

    What `previous` has and does not flag as ignored stays so, as a file that git tracks does. Blocks.

    Raises:
        StepFailure: a file cannot be read, the folder does not come to rest, or it is too big.
        FolderIsBig: it has more than `limit` files.
    """
    cache = stats or STAT_CACHES.get(folder) or StatCache()
    changed = ""
    for _ in range(TRIES):
        try:
            reading = _Reading(store, folder, previous, cache, honour_ignores, selection)
            found = scan(folder, reading.enter, limit)
            if limit is not None and found.is_cut_short:
                raise FolderIsBig
            return reading.read(found)
        except (_Changed, FileNotFoundError, NotADirectoryError) as error:
            changed = str(error)
        except OSError as error:
            raise _unreadable(folder, error) from error
    raise StepFailure(
        ErrorClass.WORKSPACE,
        f"the workspace `{folder}` changes while it is stored ({changed}); end what the step left running",
    )


class _Reading:
    """One pass over a folder."""

    def __init__(
        self,
        store: Store,
        folder: Path,
        previous: Manifest | None,
        cache: StatCache,
        honour_ignores: bool,
        selection: Selection | None,
    ) -> None:
        self._store = store
        self._folder = folder
        self._previous = previous
        self._cache = cache
        self._rules = IgnoreRules(folder) if honour_ignores else None
        self._selection = selection or Selection()
        self._fresh = StatCache()
        self._notes: list[str] = []

    def enter(self, path: str, names: list[str]) -> bool:
        """Read the ignore files of a folder as it is found."""
        if self._rules is not None and path and any(name in names for name in IGNORE_FILES):
            self._rules.add(path, names)
        return not path or self._rules is None or self._selection.enters(path, self._rules)

    def read(self, found: Scan) -> Manifest:
        if found.is_cut_short:
            check_size(self._folder, found.files)
        is_ignored = self._judge(found)
        self._select(found, is_ignored)
        check_size(self._folder, found.files)
        entries = self._files(found.files, is_ignored)
        entries += self._links(found.links, is_ignored)
        entries += [Entry(path, "d", ignored=is_ignored(path)) for path in found.empty_folders]
        self._notes += [f"left out `{printable(path)}`: not a file, a folder or a link" for path in found.special]
        fresh = self._fresh
        self._cache.files, self._cache.ignore_files, self._cache.verdicts = (
            fresh.files,
            fresh.ignore_files,
            fresh.verdicts,
        )
        manifest = manifest_of(entries, _bounded(self._notes))
        previous = self._previous
        if previous is not None and previous == manifest and not manifest.notes:
            return previous
        return manifest

    def _select(self, found: Scan, is_ignored: Callable[[str], bool]) -> None:
        takes = self._selection.takes
        found.files = [item for item in found.files if takes(item[0], is_ignored(item[0]))]
        found.links = [item for item in found.links if takes(item[0], is_ignored(item[0]))]
        found.empty_folders = [path for path in found.empty_folders if takes(path, is_ignored(path))]
        found.special = [path for path in found.special if takes(path, is_ignored(path))]

    def _judge(self, found: Scan) -> Callable[[str], bool]:
        """Return what tells whether a path is ignored; what was judged under the same rules is not judged again."""
        rules = self._rules
        if rules is None:
            return lambda path: False
        tracked = {entry.path for entry in self._previous.visible()} if self._previous else set[str]()
        self._fresh.ignore_files = frozenset(
            (path, status.st_mtime_ns, status.st_size, status.st_ino)
            for path, status in found.files
            if path.endswith(IGNORE_FILES) or path == ".git/info/exclude"
        )
        earlier = self._cache.verdicts if self._fresh.ignore_files == self._cache.ignore_files else {}
        verdicts = self._fresh.verdicts

        def is_ignored(path: str) -> bool:
            if path in tracked or self._selection.is_tracked(path):
                return False
            verdict = verdicts.get(path)
            if verdict is None:
                known = earlier.get(path)
                verdict = verdicts[path] = rules.ignores_file(path) if known is None else known
            return verdict

        return is_ignored

    def _files(self, files: list[Found], is_ignored: Callable[[str], bool]) -> list[Entry]:
        entries: list[Entry] = []
        unread: list[Found] = []
        now = time.time_ns()
        for path, status in files:
            known = self._cache.find(path, status)
            if known is None:
                unread.append((path, status))
                continue
            ignored = is_ignored(path)
            if known.ignored == ignored:
                self._fresh.keep(self._cache, path)
                entries.append(known)
                continue
            entry = known._replace(ignored=ignored)
            self._fresh.learn(status, entry, now)
            entries.append(entry)
        return entries + self._unread(unread, is_ignored)

    def _unread(self, unread: list[Found], is_ignored: Callable[[str], bool]) -> list[Entry]:
        unread = [item for item in unread if not self._is_foreign_git_file(*item)]
        now = time.time_ns()
        kept = self._store.write_blobs_from([self._folder / path for path, _ in unread]) if unread else []
        entries: list[Entry] = []
        for (path, status), (digest, size) in zip(unread, kept, strict=True):
            if _identity(os.lstat(self._folder / path)) != _identity(status):
                raise _Changed(f"`{printable(path)}`")
            executable = bool(status.st_mode & 0o100)
            entry = Entry(path, "f", digest, size, executable, ignored=is_ignored(path))
            self._fresh.learn(status, entry, now)
            entries.append(entry)
        return entries

    def _links(self, links: list[Found], is_ignored: Callable[[str], bool]) -> list[Entry]:
        targets = {path: os.readlink(self._folder / path) for path, _ in links}
        outward = [path for path in targets if leads_out(path, targets)]
        self._notes += [
            f"left out `{printable(path)}`: the link leads out of the workspace, to `{printable(targets[path])}`"
            for path in outward
        ]
        kept = (path for path in targets if path not in set(outward))
        return [Entry(path, "l", target=targets[path], ignored=is_ignored(path)) for path in kept]

    def _is_foreign_git_file(self, path: str, status: os.stat_result) -> bool:
        """Whether this is a `.git` file (a worktree's, a submodule's) that names a repository outside."""
        if path.rpartition("/")[2] != ".git" or status.st_size > 4096:
            return False
        text = (self._folder / path).read_text(encoding="utf-8", errors="surrogateescape").strip()
        if not text.startswith("gitdir:") or not leads_out(path, {path: text.removeprefix("gitdir:").strip()}):
            return False
        self._notes.append(f"left out `{printable(path)}`: it names a repository outside of the workspace")
        return True


def _identity(status: os.stat_result) -> tuple[int, int, int, int, int]:
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_mode)


def _bounded(notes: list[str]) -> tuple[str, ...]:
    if len(notes) <= NOTES_LIMIT:
        return tuple(notes)
    return (*notes[:NOTES_LIMIT], f"left out {len(notes) - NOTES_LIMIT} more")


def _unreadable(folder: Path, error: OSError) -> StepFailure:
    path = printable(str(error.filename or folder))
    return StepFailure(
        ErrorClass.WORKSPACE,
        f"cannot read `{path}` of the workspace: {reason(error)}; "
        "make it readable, or leave it out by `.perdureignore`",
    )
