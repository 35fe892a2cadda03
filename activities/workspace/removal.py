"""Removing what steps left, also where they took the right to do so away (read-only folders of module caches)."""

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any


def remove_tree(path: Path) -> None:
    """Remove a folder with all it holds, or a file. Links are removed, never followed. Raises OSError."""
    if path.is_symlink() or not path.is_dir():
        remove_file(path)
        return
    shutil.rmtree(path, onerror=_make_writable_and_retry)


def remove_file(path: Path) -> None:
    """Remove a file or link; one in a read-only folder too. Raises OSError."""
    try:
        path.unlink(missing_ok=True)
    except PermissionError:
        path.parent.chmod(0o700)
        path.unlink(missing_ok=True)


def _make_writable_and_retry(function: Callable[..., object], path: str, error: Any) -> None:
    """Called by `rmtree` for what it could not do: grant us the right, then do it."""
    if isinstance(error[1], FileNotFoundError):
        return
    with contextlib.suppress(OSError):
        Path(path).parent.chmod(0o700)
        if not os.path.islink(path):
            Path(path).chmod(0o700)
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
        return
    function(path)
