"""Files that hold a secret are refused before they are stored: trees, artifacts and records are read by many.

Looked at is what changed since the attempt began, by the time that the system itself keeps of a change (ctime), which
no program can set back.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from activities.secrets.masking import Mask
from definitions.errors import ErrorClass, StepFailure

PIECE = 4 << 20
CLOCK_TICK = 20_000_000
"""Nanoseconds that file times may lag behind the clock."""


def check_files(folder: Path, mask: Mask, since: int) -> None:
    """Raise `StepFailure` where a file below `folder` that changed since `since` (ns) holds a secret. Blocks."""
    if not mask:
        return
    for path in _changed(str(folder), since - CLOCK_TICK):
        if mask.found_in(os.fsencode(os.path.basename(path))) or _holds_secret(path, mask):
            shown = mask.masked_text(os.path.relpath(path, folder))
            raise StepFailure(
                ErrorClass.SECRET,
                f"the step left a secret in the file `{shown}`, which would be stored; let it remove the file, or "
                "write it to `$TMPDIR`, which is outside of the workspace",
                {"path": shown},
            )


def _changed(folder: str, since: int) -> Iterator[str]:
    """Yield regular files and links; what is gone meanwhile does not matter."""
    waiting = [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as found:
                items = list(found)
        except OSError:
            continue
        for item in items:
            if item.is_dir(follow_symlinks=False):
                waiting.append(item.path)
            elif _is_changed(item, since):
                yield item.path


def _is_changed(item: os.DirEntry[str], since: int) -> bool:
    try:
        return item.stat(follow_symlinks=False).st_ctime_ns >= since
    except OSError:
        return False


def _holds_secret(path: str, mask: Mask) -> bool:
    try:
        if os.path.islink(path):
            return mask.found_in(os.fsencode(os.readlink(path)))
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        overlap = b""
        while piece := file.read(PIECE):
            content = overlap + piece
            if mask.found_in(content):
                return True
            overlap = content[-mask.longest :]
    return False
