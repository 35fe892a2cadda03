"""From a folder to a tree: what changed is read and kept, what did not is known from the stat cache.

Left out with a note: sockets, pipes, devices, links that lead out of the workspace (a copy of the tree could
not have them), `.git` files that point out of it (git in a copy would work on the original), and the folders
that `scanning` names.
"""

import contextlib
import os
import time
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path

from activities.store.failures import reason
from activities.store.interface import Store
from activities.workspace.ignores import IGNORE_FILES, IgnoreRules
from activities.workspace.links import leads_out
from activities.workspace.manifest import Entry, Manifest, changed, manifest_of, printable
from activities.workspace.scanning import Found, Scan, scan
from activities.workspace.size_limits import check_size, is_within_limits
from activities.workspace.stat_cache import STAT_CACHES, Basis, StatCache, basis_of
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

    @property
    def takes_all(self) -> bool:
        """Whether `takes` need not be asked."""
        return type(self) is Selection

    @property
    def facts(self) -> Hashable:
        """What decides besides the rules; another value means another selection."""
        return type(self)


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
            found = scan(folder, reading.enter, limit, cache.files)
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
        self._ignore_files: list[str] = [".git/info/exclude"]

    def enter(self, path: str, names: list[str]) -> bool:
        """Read the ignore files of a folder as it is found."""
        here = [name for name in IGNORE_FILES if name in names]
        if self._rules is not None and here:
            self._ignore_files += [f"{path}/{name}" if path else name for name in here]
            if path:
                self._rules.add(path, names)
        return not path or self._rules is None or self._selection.enters(path, self._rules)

    def read(self, found: Scan) -> Manifest:
        """Return the tree of what was found; where most is as it was, only what changed is looked at."""
        self._fresh.ignore_files = None if self._rules is None else self._seen_ignore_files()
        is_ignored = self._judge()
        self._select(found, is_ignored)
        self._check_size(found)
        self._notes += [f"left out `{printable(path)}`: not a file, a folder or a link" for path in found.special]
        others = self._links(found.links, is_ignored)
        others += [Entry(path, "d", ignored=is_ignored(path)) for path in found.empty_folders]
        basis = self._usable_basis()
        read = self._edited if basis is not None else self._anew
        manifest = read(found, others, is_ignored)
        cache, fresh = self._cache, self._fresh
        cache.files, cache.ignore_files, cache.verdicts = fresh.files, fresh.ignore_files, fresh.verdicts
        cache.basis = fresh.basis
        return self._named(manifest)

    def _named(self, manifest: Manifest) -> Manifest:
        """Return `previous` itself where it is the same, else the tree with its notes."""
        if self._notes:
            return manifest.noted(_bounded(self._notes))
        return self._previous if self._previous is not None and self._previous == manifest else manifest

    def _check_size(self, found: Scan) -> None:
        if found.is_cut_short or not is_within_limits(len(found.files) + len(found.unchanged), found.size):
            sizes = [(path, status.st_size) for path, status in found.files]
            check_size(self._folder, sizes + [(known.entry.path, known.size) for known in found.unchanged])

    def _usable_basis(self) -> Basis | None:
        """Return the tree of the last time, if the same would be part of it now and be ignored in it."""
        basis, previous = self._cache.basis, self._previous
        is_same = (
            basis is not None
            and self._fresh.ignore_files == self._cache.ignore_files
            and basis.facts == self._selection.facts
            and (basis.stands_alone if previous is None else previous == basis.manifest)
        )
        return basis if is_same else None

    def _seen_ignore_files(self) -> frozenset[tuple[str, int, int, int]]:
        return ignore_files_seen(self._folder, self._ignore_files)

    def _select(self, found: Scan, is_ignored: Callable[[str], bool]) -> None:
        if self._selection.takes_all:
            return
        takes = self._selection.takes
        found.files = [item for item in found.files if takes(item[0], is_ignored(item[0]))]
        found.links = [item for item in found.links if takes(item[0], is_ignored(item[0]))]
        found.empty_folders = [path for path in found.empty_folders if takes(path, is_ignored(path))]
        found.special = [path for path in found.special if takes(path, is_ignored(path))]

    def _judge(self) -> Callable[[str], bool]:
        """Return what tells whether a path is ignored; what was judged under the same rules is not judged again."""
        rules = self._rules
        if rules is None:
            return lambda path: False
        find = None if self._previous is None else self._previous.find
        earlier = self._cache.verdicts if self._fresh.ignore_files == self._cache.ignore_files else {}
        verdicts = self._fresh.verdicts = dict(earlier)
        is_tracked = self._selection.is_tracked

        def is_ignored(path: str) -> bool:
            entry = None if find is None else find(path)
            if (entry is not None and not entry.ignored) or is_tracked(path):
                return False
            verdict = verdicts.get(path)
            if verdict is None:
                verdict = verdicts[path] = rules.ignores_file(path)
            return verdict

        return is_ignored

    def _anew(self, found: Scan, others: list[Entry], is_ignored: Callable[[str], bool]) -> Manifest:
        """Put the whole tree together."""
        takes, fresh = self._selection.takes, self._fresh
        entries: list[Entry] = []
        for known in found.unchanged:
            entry = known.entry
            ignored = is_ignored(entry.path)
            if not takes(entry.path, ignored):
                continue
            if entry.ignored != ignored:
                entry = entry._replace(ignored=ignored)
                known = known._replace(entry=entry)  # noqa: PLW2901 # the same file, judged otherwise
            fresh.files[entry.path] = known
            entries.append(entry)
        manifest = manifest_of([*entries, *self._unread(found.files, is_ignored), *others])
        stands_alone = self._previous is None
        fresh.basis = basis_of(manifest, fresh.files, self._selection.facts, stands_alone=stands_alone)
        return manifest

    def _edited(self, found: Scan, others: list[Entry], is_ignored: Callable[[str], bool]) -> Manifest:
        """Change the tree of the last time where the folder has changed."""
        cache, fresh, basis = self._cache, self._fresh, self._cache.basis
        if basis is None:
            return self._anew(found, others, is_ignored)
        read = {entry.path: entry for entry in self._unread(found.files, is_ignored)}
        changes: dict[str, Entry | None] = dict.fromkeys(self._gone(found, read, basis))
        changes |= dict.fromkeys(entry.path for entry in basis.others.difference(others))
        changes |= read
        changes |= {entry.path: entry for entry in others}
        changes = {path: entry for path, entry in changes.items() if basis.manifest.find(path) != entry}
        learned = fresh.files
        fresh.files = cache.files
        if changes or learned:
            gone = {path for path, entry in changes.items() if entry is None or entry.type != "f"}
            kept = {path: known for path, known in cache.files.items() if path not in gone and path not in read}
            fresh.files = kept | learned
        manifest = changed(basis.manifest, changes) if changes else basis.manifest
        unlearned = frozenset(path for path in read if path not in learned)
        fresh.basis = Basis(manifest, frozenset(others), unlearned, basis.facts, basis.stands_alone)
        return manifest

    def _gone(self, found: Scan, read: dict[str, Entry], basis: Basis) -> Iterable[str]:
        """Return the files that were there and are not any more."""
        files = self._cache.files
        still = len(found.unchanged) + sum(1 for path in read if path in files or path in basis.unlearned)
        if still == len(files) + len(basis.unlearned):
            return ()
        seen = {known.entry.path for known in found.unchanged}
        return [path for path in (*files, *basis.unlearned) if path not in seen and path not in read]

    def _unread(self, unread: list[Found], is_ignored: Callable[[str], bool]) -> list[Entry]:
        unread = [item for item in unread if not self._is_foreign_git_file(*item)]
        now = time.time_ns()
        folder = str(self._folder)  # texts: a hundred thousand `Path` objects take longer than what is done with them
        kept = self._store.write_blobs_from([f"{folder}/{path}" for path, _ in unread]) if unread else []
        entries: list[Entry] = []
        for (path, status), (digest, size) in zip(unread, kept, strict=True):
            if _identity(os.lstat(f"{folder}/{path}")) != _identity(status):
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


def ignore_files_seen(folder: Path, paths: Iterable[str]) -> frozenset[tuple[str, int, int, int]]:
    """Return what ignore files look like: while that is the same, the same is ignored."""
    seen: set[tuple[str, int, int, int]] = set()
    for path in paths:
        with contextlib.suppress(OSError):
            status = os.lstat(f"{folder}/{path}")
            seen.add((path, status.st_mtime_ns, status.st_size, status.st_ino))
    return frozenset(seen)


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
