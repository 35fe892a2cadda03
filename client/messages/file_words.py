"""The person's own files and folders: what cannot be read or written, what is left as it is."""

from pathlib import Path


def unreadable(path: str | Path, reason: str) -> str:
    """Say that a file cannot be read."""
    return f"`{path}` cannot be read: {reason}"


def unwritable(path: Path, reason: str) -> str:
    """Say that files cannot be written."""
    return f"`{path}` cannot be written: {reason}"


def exists_already(path: Path) -> str:
    """Say that a file is left as it is."""
    return f"`{path}` is there already and was left as it is"


def cannot_add(path: Path, reason: str, wanted: str) -> str:
    """Say that settings cannot be added to a file, and what to add by hand."""
    return f"`{path}` was left as it is ({reason}); add this yourself:\n{wanted.rstrip()}"


def no_folder(path: Path) -> str:
    """Say that the workspace is not there."""
    return f"`{path}` is not a folder"
