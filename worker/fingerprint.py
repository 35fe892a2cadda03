"""Which code a worker runs: a digest over the files of the rooms that a worker imports.

Sizes and times of change are enough to tell one installation, or one edit, from the next, and cost a
millisecond or two, so every `perdure run` can ask.
"""

import hashlib
import importlib.metadata
import os
from pathlib import Path

CODE_ROOT = Path(__file__).resolve().parent.parent
_ROOMS = ("activities", "definitions", "worker", "workflows")


def fingerprint(root: Path = CODE_ROOT) -> str:
    """Return a short digest of the code below `root`."""
    digest = hashlib.sha256()
    for room in _ROOMS:
        for path, size, changed in sorted(_files(str(root / room))):
            digest.update(f"{os.path.relpath(path, root)}\0{size}\0{changed}\n".encode())
    return digest.hexdigest()[:16]


def version() -> str:
    """Return Perdure's version, `unknown` where it runs from a checkout that is not installed."""
    try:
        return importlib.metadata.version("perdure")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def _files(folder: str) -> list[tuple[str, int, int]]:
    found: list[tuple[str, int, int]] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                found += [] if entry.name == "__pycache__" else _files(entry.path)
            elif entry.name.endswith((".py", ".yaml")):
                facts = entry.stat()
                found.append((entry.path, facts.st_size, facts.st_mtime_ns))
    return found
