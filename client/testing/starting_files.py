"""The workspace that a case starts with: a folder beside the test file, and the files written in the case."""

import os
from collections.abc import Iterator
from pathlib import Path

from client.testing.verdicts import NotPlayable, Subject
from definitions.cases.models import Case

MOST_FILES = 5_000
MOST_BYTES = 64 * 1024 * 1024
"""What a folder named by `files_from` may hold: a test's workspace is small."""


def starting_files(case: Case, subject: Subject) -> dict[str, str | bytes]:
    """Return contents by path. Raises `NotPlayable`."""
    files: dict[str, str | bytes] = {}
    if case.files_from is not None:
        files.update(_folder(subject.folder / case.files_from, case.files_from))
    files.update(case.files)
    return files


def _folder(folder: Path, written: str) -> dict[str, bytes]:
    if not folder.is_dir():
        raise NotPlayable(f"there is no folder `{written}` beside the test file", ("files_from",))
    files: dict[str, bytes] = {}
    size = 0
    for path in _regular_files(folder):
        try:
            size += path.stat().st_size
            if len(files) >= MOST_FILES or size > MOST_BYTES:
                raise _too_big(written)
            files[path.relative_to(folder).as_posix()] = path.read_bytes()
        except OSError as error:
            raise NotPlayable(f"`{path}` cannot be read: {error.strerror}", ("files_from",)) from error
    return files


def _regular_files(folder: Path) -> Iterator[Path]:
    """Yield files below a folder in order, one folder after the other, so that a huge one is noticed early."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != ".git")
        found = (Path(parent, name) for name in sorted(names))
        yield from (path for path in found if not path.is_symlink() and path.is_file())


def _too_big(written: str) -> NotPlayable:
    message = f"`{written}` holds more than {MOST_FILES} files or {MOST_BYTES >> 20} MiB: name a smaller folder"
    return NotPlayable(message, ("files_from",))
