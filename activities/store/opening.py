"""From a location to a store that can be written: one clear refusal, before anything is started.

Who only looks takes a store that is read-only too: `perdure show` serves a person who may read and not write.
"""

import contextlib
import os
from datetime import timedelta
from pathlib import Path

from activities.store.directory import DirectoryStore
from activities.store.durable_files import remove_quietly, write_new_file
from activities.store.failures import is_forbidden, reason, store_remedy
from activities.store.interface import Store
from definitions.errors import EnvironmentUnfit

FORMAT = "perdure-store 1"
ABANDONED_AFTER = timedelta(days=1)
"""Whatever lies in `tmp/` for longer was left by a process that died."""

_FOLDERS = ("cas", "packs", "index", "keys", "tmp", "locks")


def open_store(location: str | Path, *, may_be_read_only: bool = False) -> Store:
    """Return the store at `location`, made where it is absent; one that is read-only if that is enough.

    Raises:
        EnvironmentUnfit: there is none and none can be made, it is of another format, or it cannot be written.
    """
    scheme, separator, _ = str(location).partition("://")
    if scheme == "s3" and separator:
        from activities.store.s3.opening import open_s3_store  # boto3 takes 0.2 s to import

        return open_s3_store(str(location), may_be_read_only=may_be_read_only)
    if separator:
        raise EnvironmentUnfit(
            f"the store `{location}` has the unknown scheme `{scheme}`",
            "set `PERDURE_STORE` to the path of a folder, or to `s3://bucket/prefix`",
        )
    root = Path(location).expanduser().absolute()
    try:
        _prepare(root)
    except OSError as error:
        if not (may_be_read_only and is_forbidden(error) and _is_readable(root)):
            message = f"the store `{root}` cannot be written: {reason(error)}"
            raise EnvironmentUnfit(message, store_remedy(error)) from error
    return DirectoryStore(root)


def _prepare(root: Path) -> None:
    root.mkdir(parents=True, exist_ok=True)
    _check_format(root)
    for name in _FOLDERS:
        (root / name).mkdir(exist_ok=True)
    _remove_abandoned(root / "tmp", _check_writable(root / "tmp"))


def _check_format(root: Path) -> None:
    marker = root / "format"
    try:
        found = marker.read_text(encoding="utf-8", errors="replace").strip()
    except FileNotFoundError:
        if not _is_new(root):
            raise EnvironmentUnfit(
                f"the folder `{root}` is no store and is not empty", "set `PERDURE_STORE` to an empty or a new folder"
            ) from None
        marker.write_text(FORMAT + "\n", encoding="utf-8")
        return
    if found and found != FORMAT:
        raise EnvironmentUnfit(
            f"the store `{root}` has the format `{found[:60]}`, and this Perdure knows `{FORMAT}`",
            "use the version of Perdure that made it, or set `PERDURE_STORE` to another folder",
        )


def _is_new(root: Path) -> bool:
    """Whether nothing is there but the stores of projects, and what another process makes in this very moment."""
    return {item.name for item in root.iterdir()} <= {"format", "projects", *_FOLDERS}


def _is_readable(root: Path) -> bool:
    """Whether a store of our format is there."""
    try:
        return (root / "format").read_text(encoding="utf-8", errors="replace").strip() == FORMAT
    except OSError:
        return False


def _check_writable(folder: Path) -> float:
    """Try what the store will do: create, link, remove. Some shares have no hard links. Return that folder's time."""
    probe = folder / f"probe-{os.getpid()}-{os.urandom(6).hex()}"
    linked = probe.with_suffix(".linked")
    try:
        write_new_file(probe, b"probe")
        os.link(probe, linked)
        return os.stat(probe).st_mtime
    finally:
        remove_quietly(linked)
        remove_quietly(probe)


def _remove_abandoned(folder: Path, now: float) -> None:
    """Remove what is old by the clock of the folder's own machine: ours may be a day off, and others write there."""
    oldest = now - ABANDONED_AFTER.total_seconds()
    with os.scandir(folder) as found:
        for item in found:
            with contextlib.suppress(FileNotFoundError):
                if item.stat(follow_symlinks=False).st_mtime < oldest:
                    remove_quietly(item.path)
