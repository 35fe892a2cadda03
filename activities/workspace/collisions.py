"""Paths that are two here and one elsewhere: file systems that fold case, or forms of accents, have `A` as `a`.

A tree with both cannot be laid out there: the second would silently be written over the first.
"""

import contextlib
import os
import secrets
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from activities.workspace.entries import parents, printable
from definitions.errors import ErrorClass, StepFailure

_folding: dict[int, bool] = {}
"""Whether a device folds names, by its number; asked once."""


def check_collisions(folder: Path, paths: Iterable[str]) -> None:
    """Raise `StepFailure` where two of these paths would be one in `folder`, which is there and can be written."""
    if not folds_names(folder):
        return
    for first, second in collisions(paths):
        raise StepFailure(
            ErrorClass.WORKSPACE,
            f"the files cannot be laid out in `{folder}`: `{printable(first)}` and `{printable(second)}` are one name "
            "to that file system; rename one of them, or run where names are told apart (Linux)",
        )


def folds_names(folder: Path) -> bool:
    """Whether names that differ in case, or in the form of an accent, are one in a folder. Raises OSError."""
    device = folder.stat().st_dev
    known = _folding.get(device)
    if known is None:
        known = _folding[device] = _probe(folder)
    return known


def collisions(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield pairs of paths, or folders on their way, that are one where names are folded."""
    seen: dict[str, str] = {}
    for path in paths:
        for place in (path, *parents(path)):
            other = seen.setdefault(_folded(place), place)
            if other == place and place != path:
                break  # so are all folders above it
            if other != place:
                yield other, place


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _probe(folder: Path) -> bool:
    name = f".perdure-probe-{secrets.token_hex(6)}-\u00e9"
    made = folder / name
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    os.close(descriptor)
    try:
        others = (name.upper(), unicodedata.normalize("NFD", name))
        return any((folder / other).exists() for other in others)
    finally:
        with contextlib.suppress(OSError):
            made.unlink()
