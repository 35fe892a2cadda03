"""Taking what a run made into a folder of the user's: all of it or nothing, and never over work of theirs.

First every path is looked at: its content must be what the run began with, or what it ended with already; where
asked for, a text that was changed here too is merged three ways, and must merge without a conflict. Then the new
contents are laid into a folder beside the files (`.perdure-apply`), what is replaced is moved there (and looked at
again: nobody's last-moment edit is lost), and only when all is done is that folder removed. A failure half way
moves everything back; after a kill the next `apply` does (`apply_recovery`).
"""

import errno
import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue

from activities.store.failures import reason
from activities.store.interface import Store
from activities.workspace.apply_recovery import STAGING, alone_in, write_list
from activities.workspace.deltas import Change, diff
from activities.workspace.manifest import Entry, Manifest, is_git_path, parents, printable
from activities.workspace.removal import remove_tree
from activities.workspace.text_merging import LARGEST_TEXT, merged_text
from definitions.errors import ErrorClass, StepFailure

NAMED_PATHS = 10

Content = tuple[str, str, bool, str]
_NOTHING: Content = ("", "", False, "")
_OTHER: Content = ("?", "", False, "")


class Applied(NamedTuple):
    """What was done to a folder."""

    written: list[str]
    """Paths that are different now."""
    merged: list[str]
    """Those of them that hold changes of both sides."""


def apply_to_folder(store: Store, before: Manifest, after: Manifest, folder: Path, *, merges: bool = False) -> Applied:
    """Bring what differs between the trees into `folder`. Blocks.

    Git's own and ignored paths are never touched. `merges`: texts that were changed there too are merged.

    Raises:
        StepFailure: paths hold other content than either tree (all named in `details["paths"]`), or cannot be
            merged, or the folder cannot be written. Nothing is changed then.
    """
    changes = [change for change in diff(before, after) if not is_git_path(change.path)]
    try:
        with alone_in(folder):
            return _apply(store, changes, folder, merges=merges)
    except OSError as error:
        raise _unwritable(folder, error) from error


def _apply(store: Store, changes: list[Change], folder: Path, *, merges: bool) -> Applied:
    judged = {change.path for change in changes}
    present = {change.path: _content_at(folder, change.path, judged) for change in changes}
    blocked = [change for change in changes if present[change.path] not in _allowed(change)]
    merged: dict[str, _Merged] = {}
    if blocked and merges:
        tried = {change.path: _merge(store, change, folder, present[change.path]) for change in blocked}
        merged = {path: result for path, result in tried.items() if result is not None}
        blocked = [change for change in blocked if change.path not in merged]
    if blocked:
        raise _blocked([change.path for change in blocked], folder, merges=merges)
    to_write = [
        change for change in changes if present[change.path] != _wanted(change, merged) or _lacks_folder(folder, change)
    ]
    if to_write:
        _Application(store, folder, present, merged).write(to_write)
    written = [change.path for change in to_write]
    return Applied(written, [path for path in written if path in merged])


def _contents(changes: list[Change]) -> list[str]:
    """Return the digests of the files that changes end with."""
    return [change.after.digest for change in changes if change.after is not None and change.after.type == "f"]


class _Merged(NamedTuple):
    """A text with the changes of both sides."""

    text: bytes
    executable: bool

    @property
    def content(self) -> Content:
        return ("f", hashlib.sha256(self.text).hexdigest(), self.executable, "")


def _merge(store: Store, change: Change, folder: Path, present: Content) -> _Merged | None:
    """Return what both sides made of a text, None where there is no telling."""
    before, after = change.before, change.after
    kind, digest, executable, _ = present
    if before is None or after is None or {before.type, after.type, kind} != {"f"}:
        return None
    if max(before.size, after.size) > LARGEST_TEXT or (folder / change.path).stat().st_size > LARGEST_TEXT:
        return None
    ours = (folder / change.path).read_bytes()
    if hashlib.sha256(ours).hexdigest() != digest:
        return None  # it is changing at this moment
    text = merged_text(store.read_blob(before.digest), ours, store.read_blob(after.digest))
    return (
        None
        if text is None
        else _Merged(text, executable if after.executable == before.executable else after.executable)
    )


def _wanted(change: Change, merged: Mapping[str, _Merged]) -> Content:
    """Return what a path shall hold in the end."""
    found = merged.get(change.path)
    return _content(change.after) if found is None else found.content


def _allowed(change: Change) -> tuple[Content, ...]:
    """Return what may be at a path now. Folders count as nothing: they are made and removed as needed."""
    return (_content(change.before), _content(change.after))


def _content(entry: Entry | None) -> Content:
    return _NOTHING if entry is None or entry.type == "d" else entry.content


def _lacks_folder(folder: Path, change: Change) -> bool:
    return change.after is not None and change.after.type == "d" and not (folder / change.path).is_dir()


def _content_at(folder: Path, path: str, judged: set[str]) -> Content:
    """Return what is at a path now. Below a link or file is nothing, if that is a path judged by itself."""
    for parent in parents(path):
        place = folder / parent
        if place.is_symlink() or (place.exists() and not place.is_dir()):
            return _NOTHING if parent in judged else _OTHER
    return _content_of(folder / path)


def _content_of(target: Path) -> Content:
    try:
        status = target.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return _NOTHING
    if stat.S_ISLNK(status.st_mode):
        return ("l", "", False, os.readlink(target))
    if stat.S_ISREG(status.st_mode):
        return ("f", _hash(target), bool(status.st_mode & 0o100), "")
    return _NOTHING if stat.S_ISDIR(status.st_mode) else _OTHER


def _hash(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unwritable(path.parent, error) from error


class _Application:
    """Writes changes into a folder, and can take them back."""

    def __init__(
        self, store: Store, folder: Path, present: Mapping[str, Content], merged: Mapping[str, _Merged]
    ) -> None:
        self._store = store
        self._folder = folder
        self._present = present
        self._merged = merged
        self._staging = folder / STAGING
        self._undo: list[tuple[Path, Path | None]] = []
        """Paths touched, with the place that what was there was moved to."""
        self._made_folders: list[Path] = []

    def write(self, changes: list[Change]) -> None:
        try:
            self._staging.mkdir()
        except OSError as error:
            raise _unwritable(self._folder, error) from error
        try:
            self._store.fetch(_contents(changes))
            staged = [self._stage(number, change) for number, change in enumerate(changes)]
            write_list(self._staging, [change.path for change in changes], [new is not None for new in staged])
            order = sorted(range(len(changes)), key=lambda number: changes[number].after is not None)
            for number in order:  # what goes first: a file may have become a folder
                self._place(number, changes[number], staged[number])
        except BaseException as error:
            self._take_back()
            remove_tree(self._staging)
            if isinstance(error, OSError):
                raise _unwritable(self._folder, error) from error
            raise
        remove_tree(self._staging)

    def _stage(self, number: int, change: Change) -> Path | None:
        target = self._staging / f"new-{number}"
        after, merged = change.after, self._merged.get(change.path)
        if after is None or after.type == "d":
            return None
        if merged is not None:
            target.write_bytes(merged.text)
        elif after.type == "l":
            target.symlink_to(after.target)
        else:
            self._store.copy_blob_to(after.digest, target, executable=after.executable)
        return target

    def _place(self, number: int, change: Change, staged: Path | None) -> None:
        target = self._folder / change.path
        if target.is_symlink() or target.is_file():
            aside = self._staging / f"old-{number}"
            self._keep_mode(target, staged, self._executable(change))
            target.rename(aside)
            self._undo.append((target, aside))
            self._check_unchanged(change.path, aside)
        if change.after is None:
            self._remove_empty_folders(target if target.is_dir() else target.parent)
            return
        self._make_folders(target if change.after.type == "d" else target.parent)
        if staged is not None:
            if target.is_dir():
                target.rmdir()  # an empty folder gave way to a file
            self._undo.append((target, None))
            staged.rename(target)

    def _check_unchanged(self, path: str, aside: Path) -> None:
        """Raise `StepFailure` where somebody wrote to a file after it was looked at."""
        if _content_of(aside) != self._present[path]:
            raise _blocked([path], self._folder)

    def _executable(self, change: Change) -> bool | None:
        """Return whether a path becomes an executable file, None where it becomes no file."""
        if change.after is None or change.after.type != "f":
            return None
        merged = self._merged.get(change.path)
        return change.after.executable if merged is None else merged.executable

    @staticmethod
    def _keep_mode(old: Path, staged: Path | None, executable: bool | None) -> None:
        """A file that is replaced keeps its own permissions, but for what the run made of its executable bit."""
        if staged is None or executable is None or old.is_symlink():
            return
        mode = stat.S_IMODE(old.stat().st_mode)
        readers = (mode & 0o444) >> 2
        staged.chmod(mode | readers if executable else mode & ~0o111)

    def _make_folders(self, folder: Path) -> None:
        missing: list[Path] = []
        while not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        for new in reversed(missing):
            new.mkdir()
            self._made_folders.append(new)

    def _remove_empty_folders(self, folder: Path) -> None:
        """A tree knows folders by what they hold: one that the run emptied goes with its last file."""
        while folder != self._folder:
            try:
                folder.rmdir()
            except OSError as error:
                if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT):
                    return
                raise
            folder = folder.parent

    def _take_back(self) -> None:
        for target, aside in reversed(self._undo):
            if aside is None:
                target.unlink(missing_ok=True)
                continue
            if target.is_dir() and not target.is_symlink():
                target.rmdir()  # made by us where the file was
            target.parent.mkdir(parents=True, exist_ok=True)
            aside.rename(target)
        for folder in reversed(self._made_folders):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


def _blocked(paths: list[str], folder: Path, *, merges: bool = False) -> StepFailure:
    named = ", ".join(f"`{printable(path)}`" for path in paths[:NAMED_PATHS])
    more = f" and {len(paths) - NAMED_PATHS} more" if len(paths) > NAMED_PATHS else ""
    listed: list[JsonValue] = [printable(path) for path in paths]
    what = "changed on both sides in ways that do not go together" if merges else "changed there since the run began"
    remedy = "or take the run on a branch of its own (`--branch NAME`)"
    remedy = f"commit or move those changes away, {'' if merges else 'merge texts by `--merge`, '}{remedy}"
    return StepFailure(
        ErrorClass.WORKSPACE,
        f"nothing was applied to `{folder}`: {named}{more} {what}; {remedy}",
        {"kind": "blocked", "paths": listed},
    )


def _unwritable(folder: Path, error: OSError) -> StepFailure:
    place = printable(str(error.filename or folder))
    return StepFailure(
        ErrorClass.WORKSPACE,
        f"nothing was applied: cannot write `{place}`: {reason(error)}; make room there or make it writable",
    )
