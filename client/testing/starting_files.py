"""The workspace that a case starts with: a folder beside the test file, and the files written in the case."""

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
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file() or ".git" in path.relative_to(folder).parts:
            continue
        size += path.stat().st_size
        if len(files) >= MOST_FILES or size > MOST_BYTES:
            message = f"`{written}` holds more than {MOST_FILES} files or {MOST_BYTES >> 20} MiB: name a smaller folder"
            raise NotPlayable(message, ("files_from",))
        try:
            files[path.relative_to(folder).as_posix()] = path.read_bytes()
        except OSError as error:
            raise NotPlayable(f"`{path}` cannot be read: {error.strerror}", ("files_from",)) from error
    return files
