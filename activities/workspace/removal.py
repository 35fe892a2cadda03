"""Removing what steps left, also where they took the right to do so away (read-only folders of module caches)."""

import errno
import itertools
import os
import shutil
from pathlib import Path
from typing import Any

FEW = 8
"""Files that `remove_few` removes, at most."""


def remove_tree(path: Path) -> None:
    """Remove a folder with all it holds, or a file. Links are removed, never followed. Raises OSError."""
    if path.is_symlink() or not path.is_dir():
        remove_file(path)
        return
    try:
        shutil.rmtree(path, onerror=_pass_over_what_is_gone)
    except PermissionError:
        _make_writable(path)
        shutil.rmtree(path, onerror=_pass_over_what_is_gone)
    except RecursionError:
        _remove_deep(path)


def is_too_deep(error: OSError) -> bool:
    """Whether a folder lies so deep that no path can name it; `remove_tree` removes it all the same."""
    return error.errno == errno.ENAMETOOLONG


def remove_file(path: Path) -> None:
    """Remove a file or link; one in a read-only folder too. Raises OSError."""
    try:
        path.unlink(missing_ok=True)
    except PermissionError:
        path.parent.chmod(0o700)
        path.unlink(missing_ok=True)


def _pass_over_what_is_gone(_function: object, _path: str, error: Any) -> None:
    """Called by `rmtree` for what it could not do."""
    if not isinstance(error[1], FileNotFoundError):
        raise error[1]


def _remove_deep(path: Path) -> None:
    """Remove folders that are too many inside each other to be gone into: each is moved beside the first one."""
    waiting, number = [path], 0
    while waiting:
        folder = waiting.pop()
        folder.chmod(0o700)
        with os.scandir(folder) as items:
            found = list(items)
        for item in found:
            if item.is_dir(follow_symlinks=False):
                number += 1
                beside = path.with_name(f"{path.name}.removed-{os.getpid()}-{number}")
                os.rename(item.path, beside)
                waiting.append(beside)
            else:
                os.unlink(item.path)
        folder.rmdir()


def _make_writable(path: Path) -> None:
    path.parent.chmod(path.parent.stat().st_mode | 0o300)
    path.chmod(0o700)
    for place, folders, _ in os.walk(path):
        for name in folders:
            if not os.path.islink(f"{place}/{name}"):
                os.chmod(f"{place}/{name}", 0o700)


def remove_few(folder: Path) -> bool:
    """Remove a folder that holds a few files and empty folders; return whether it is gone. Takes a moment only."""
    try:
        with os.scandir(folder) as items:
            found = list(itertools.islice(items, FEW + 1))
        if len(found) > FEW:
            return False
        for item in found:
            (os.rmdir if item.is_dir(follow_symlinks=False) else os.unlink)(item.path)
        os.rmdir(folder)
    except OSError:
        return False
    return True
