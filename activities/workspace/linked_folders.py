"""Folders of the caller's that git ignores (`workspace: {link: [.venv]}`), seen by steps in their private copies.

Each is a link in the copy while a step runs, and what it leads to is read-only for the step's processes. It is gone
again before the copy is stored, so it is part of no tree and no key. While it is there git is told to ignore it:
patterns like `.venv/` do not match links.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from activities.process.shielding import read_only, shield_of
from activities.workspace.manifest import Manifest, parents, printable
from activities.workspace.restoring import refused

_EXCLUDES = Path(".git/info/exclude")


@dataclass(slots=True)
class _Laid:
    """What was put into a private copy."""

    links: dict[Path, str] = field(default_factory=dict[Path, str])
    folders: list[Path] = field(default_factory=list[Path])
    """Made for them, outer ones first."""
    excludes: bytes | None = None
    """What git's own list of ignored paths held before."""
    excludes_now: bytes = b""
    notes: list[str] = field(default_factory=list[str])


@contextlib.asynccontextmanager
async def linked(folder: Path, links: Mapping[str, str]) -> AsyncGenerator[list[str]]:
    """Let a private copy have these folders (path in the copy to folder); the value is what a reader should know.

    Raises:
        StepFailure: the copy cannot be written.
    """
    if not links:
        yield []
        return
    laid = await asyncio.to_thread(_lay, folder, links)
    try:
        with read_only(list(laid.links.values())):
            yield laid.notes
    finally:
        # In this thread: a few system calls, that a cancel must not skip.
        _take_away(folder, laid)


def links_of(wanted: list[str], root: Path, tree: Manifest) -> tuple[dict[str, str], list[str]]:
    """Return the folders below `root` that are there to be linked, and the paths that the tree has itself."""
    visible = {entry.path for entry in tree.visible()}
    known = visible | {folder for path in visible for folder in parents(path)}
    found: dict[str, str] = {}
    refused_paths: list[str] = []
    for link in wanted:
        path = os.path.normpath(link)
        if path in known or any(parent in visible for parent in parents(path)):
            refused_paths.append(path)
        elif (root / path).is_dir():
            found[path] = str((root / path).resolve())
    return found, refused_paths


def _lay(folder: Path, links: Mapping[str, str]) -> _Laid:
    laid = _Laid()
    try:
        for path, target in links.items():
            _lay_one(folder, path, target, laid)
        if laid.links:
            _exclude(folder, laid)
    except OSError as error:
        _take_away(folder, laid)
        raise refused(folder, error) from error
    if laid.links and not shield_of().prefix:
        names = ", ".join(f"`{printable(str(place.relative_to(folder)))}`" for place in laid.links)
        laid.notes.append(f"{names}: linked, but not protected from what the step writes ({shield_of().reason})")
    return laid


def _lay_one(folder: Path, path: str, target: str, laid: _Laid) -> None:
    place = folder / path
    if not os.path.isdir(target):
        laid.notes.append(f"`{printable(path)}` is not linked: there is no folder `{printable(target)}`")
    elif any((folder / parent).is_symlink() for parent in parents(path)) or os.path.lexists(place):
        laid.notes.append(f"`{printable(path)}` is not linked: the files have something of their own there")
    else:
        for parent in reversed([folder / parent for parent in parents(path)]):
            if not parent.exists():
                parent.mkdir()
                laid.folders.append(parent)
        place.symlink_to(target)
        laid.links[place] = target


def _exclude(folder: Path, laid: _Laid) -> None:
    """Have git ignore the links, where the copy is a repository of its own."""
    if not (folder / ".git").is_dir() or (folder / ".git").is_symlink() or (folder / ".git/info").is_symlink():
        return
    file = folder / _EXCLUDES
    if file.is_symlink() or (file.exists() and not file.is_file()):
        return
    file.parent.mkdir(exist_ok=True)
    before = file.read_bytes() if file.exists() else b""
    names = b"".join(b"/" + _as_pattern(os.fsencode(place.relative_to(folder))) + b"\n" for place in laid.links)
    laid.excludes_now = before + (b"" if not before or before.endswith(b"\n") else b"\n") + names
    file.write_bytes(laid.excludes_now)
    laid.excludes = before


def _as_pattern(path: bytes) -> bytes:
    for sign in (b"\\", b"*", b"?", b"["):
        path = path.replace(sign, b"\\" + sign)
    return path


def _take_away(folder: Path, laid: _Laid) -> None:
    """Take out what was laid; what the step put in its place is the step's, and stays."""
    with contextlib.suppress(OSError):
        for place, target in laid.links.items():
            if place.is_symlink() and os.readlink(place) == target:
                place.unlink()
    for made in reversed(laid.folders):
        with contextlib.suppress(OSError):
            made.rmdir()
    if laid.excludes is None:
        return
    file = folder / _EXCLUDES
    with contextlib.suppress(OSError):
        if not file.is_symlink() and file.read_bytes() == laid.excludes_now:
            if laid.excludes:
                file.write_bytes(laid.excludes)
            else:
                file.unlink()
