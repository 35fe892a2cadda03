"""Taking what a run made into a folder of the user's: all of it or nothing, and never over work of theirs.

First every path is looked at: its content must be what the run began with, or what it ended with already. Then
the new contents are laid into a folder beside the files (`.perdure-apply`), what is replaced is moved there, and
only when all is done is that folder removed. A failure half way moves everything back.
"""

import errno
import hashlib
import os
import stat
from pathlib import Path

from pydantic import JsonValue

from activities.store.failures import reason
from activities.store.interface import Store
from activities.workspace.deltas import Change, diff
from activities.workspace.manifest import Entry, Manifest, is_git_path, parents, printable
from activities.workspace.removal import remove_tree
from definitions.errors import ErrorClass, StepFailure

STAGING = ".perdure-apply"
NAMED_PATHS = 10

Content = tuple[str, str, bool, str]
_NOTHING: Content = ("", "", False, "")
_OTHER: Content = ("?", "", False, "")


def apply_to_folder(store: Store, before: Manifest, after: Manifest, folder: Path) -> list[str]:
    """Bring what differs between the trees into `folder`; return the paths written. Blocks.

    Git's own and ignored paths are never touched.

    Raises:
        StepFailure: paths hold other content than either tree (all named in `details["paths"]`), or the
            folder cannot be written. Nothing is changed then.
    """
    changes = [change for change in diff(before, after) if not is_git_path(change.path)]
    judged = {change.path for change in changes}
    present = {change.path: _content_at(folder, change.path, judged) for change in changes}
    blocked = [change.path for change in changes if present[change.path] not in _allowed(change)]
    if blocked:
        raise _blocked(blocked, folder)
    to_write = [
        change for change in changes if present[change.path] != _content(change.after) or _lacks_folder(folder, change)
    ]
    if to_write:
        _Application(store, folder).write(to_write)
    return [change.path for change in to_write]


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
    target = folder / path
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

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self._folder = folder
        self._staging = folder / STAGING
        self._undo: list[tuple[Path, Path | None]] = []
        """Paths touched, with the place that what was there was moved to."""
        self._made_folders: list[Path] = []

    def write(self, changes: list[Change]) -> None:
        try:
            self._staging.mkdir()
        except OSError as error:
            raise self._cannot_begin(error) from error
        try:
            staged = [self._stage(number, change.after) for number, change in enumerate(changes)]
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

    def _stage(self, number: int, after: Entry | None) -> Path | None:
        target = self._staging / f"new-{number}"
        if after is None or after.type == "d":
            return None
        if after.type == "l":
            target.symlink_to(after.target)
        else:
            self._store.copy_blob_to(after.digest, target, executable=after.executable)
        return target

    def _place(self, number: int, change: Change, staged: Path | None) -> None:
        target = self._folder / change.path
        if target.is_symlink() or target.is_file():
            aside = self._staging / f"old-{number}"
            self._keep_mode(target, staged, change.after)
            target.rename(aside)
            self._undo.append((target, aside))
        if change.after is None:
            self._remove_empty_folders(target if target.is_dir() else target.parent)
            return
        self._make_folders(target if change.after.type == "d" else target.parent)
        if staged is not None:
            if target.is_dir():
                target.rmdir()  # an empty folder gave way to a file
            self._undo.append((target, None))
            staged.rename(target)

    @staticmethod
    def _keep_mode(old: Path, staged: Path | None, after: Entry | None) -> None:
        """A file that is replaced keeps its own permissions, but for what the run made of its executable bit."""
        if staged is None or after is None or after.type != "f" or old.is_symlink():
            return
        mode = stat.S_IMODE(old.stat().st_mode)
        readers = (mode & 0o444) >> 2
        staged.chmod(mode | readers if after.executable else mode & ~0o111)

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

    def _cannot_begin(self, error: OSError) -> StepFailure:
        if isinstance(error, FileExistsError):
            return StepFailure(
                ErrorClass.WORKSPACE,
                f"another `perdure apply` is at work in `{self._folder}`, or one was killed: `{self._staging}` "
                "is there; wait for it, or put back what that folder holds as `old-…` and remove it",
            )
        return _unwritable(self._folder, error)


def _blocked(paths: list[str], folder: Path) -> StepFailure:
    named = ", ".join(f"`{printable(path)}`" for path in paths[:NAMED_PATHS])
    more = f" and {len(paths) - NAMED_PATHS} more" if len(paths) > NAMED_PATHS else ""
    listed: list[JsonValue] = [printable(path) for path in paths]
    return StepFailure(
        ErrorClass.WORKSPACE,
        f"nothing was applied to `{folder}`: {named}{more} changed there since the run began; "
        "commit or move those changes away, or take the run's version by `perdure diff ID | git apply -3`",
        {"kind": "blocked", "paths": listed},
    )


def _unwritable(folder: Path, error: OSError) -> StepFailure:
    place = printable(str(error.filename or folder))
    return StepFailure(
        ErrorClass.WORKSPACE,
        f"nothing was applied: cannot write `{place}`: {reason(error)}; make room there or make it writable",
    )
