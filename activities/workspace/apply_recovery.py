"""One `apply` in a folder at a time, and what a killed one left half done is taken back by the next.

What replaces files, and what was replaced, lies in a folder beside them (`.perdure-apply`): `new-N` until it is put
in place, `old-N` from when it is moved away. A list that is written before the first file moves says which path each
number is; with it every state in between leads back to the beginning.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Generator, Sequence
from pathlib import Path

from activities.workspace.removal import remove_tree
from definitions.errors import ErrorClass, StepFailure

STAGING = ".perdure-apply"
_LIST = "paths.json"


@contextlib.contextmanager
def alone_in(folder: Path) -> Generator[None]:
    """Hold a folder against other applies; take back first what a killed one left. Raises OSError, `StepFailure`."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = f"another `perdure apply` is at work in `{folder}`; wait for it"
            raise StepFailure(ErrorClass.WORKSPACE, message) from error
        _take_back(folder)
        yield
    finally:
        os.close(descriptor)


def write_list(staging: Path, paths: Sequence[str], has_new: Sequence[bool]) -> None:
    """Say which path each number is, and whether something new comes there."""
    temporary = staging / f"{_LIST}.new"
    with temporary.open("w", encoding="ascii") as file:
        json.dump([[os.fsencode(path).hex(), new] for path, new in zip(paths, has_new, strict=True)], file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(staging / _LIST)


def _take_back(folder: Path) -> None:
    staging = folder / STAGING
    if staging.is_symlink() or not staging.is_dir():
        return
    for number, (path, has_new) in enumerate(_read_list(staging)):
        _restore(folder / path, staging / f"old-{number}", staging / f"new-{number}", has_new=has_new)
    remove_tree(staging)


def _restore(target: Path, old: Path, new: Path, *, has_new: bool) -> None:
    is_placed = has_new and not os.path.lexists(new)
    if is_placed and (target.is_symlink() or target.is_file()):
        target.unlink()
    if os.path.lexists(old):
        with contextlib.suppress(OSError):
            target.rmdir()  # made for what came below it
        target.parent.mkdir(parents=True, exist_ok=True)
        old.rename(target)


def _read_list(staging: Path) -> list[tuple[str, bool]]:
    """Return the paths; none where no file was moved yet."""
    try:
        rows = json.loads((staging / _LIST).read_text(encoding="ascii"))
    except FileNotFoundError:
        return []
    return [(os.fsdecode(bytes.fromhex(path)), bool(new)) for path, new in rows]
