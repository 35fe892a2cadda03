"""Removing blobs from a store's folder, while others write: none goes that somebody has just asked to keep.

Who keeps a blob again that is older than `RENEWED_AFTER` sets its time first. So a blob is taken out of its place by
one rename, and looked at there: where its time was set meanwhile it goes back, and who comes after the rename finds
nothing and writes it anew.
"""

import contextlib
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from activities.store.directory_listing import blobs_below
from activities.store.interface import Swept


def sweep_folder(
    blobs: Path, temporary: Callable[[], str], is_live: Callable[[str], bool], before: datetime, *, dry_run: bool
) -> Swept:
    """Remove the blobs that are not live and older than `before`. Raises OSError."""
    swept = Swept()
    for blob in blobs_below(blobs):
        if blob.modified >= before or is_live(blob.digest):
            continue
        if dry_run or _remove(blobs / blob.digest[:2] / blob.digest, temporary(), before):
            swept = swept.with_blob(blob)
    return swept


def _remove(path: Path, temporary: str, before: datetime) -> bool:
    """Remove one blob unless it was renewed; whether it is gone."""
    try:
        os.rename(path, temporary)
    except FileNotFoundError:
        return False
    if datetime.fromtimestamp(os.stat(temporary).st_mtime, UTC) >= before:
        with contextlib.suppress(FileExistsError):  # written anew meanwhile
            os.link(temporary, path)
        os.unlink(temporary)
        return False
    os.unlink(temporary)
    return True
