"""How a file is named to tools that look for it in a repository."""

from pathlib import Path
from urllib.parse import quote


def in_repository(file: str, folder: Path) -> str:
    """Return `file` relative to `folder` with forward slashes; as it stands where it lies elsewhere."""
    path = Path(file)
    if path.is_absolute():
        path = path.relative_to(folder) if path.is_relative_to(folder) else path
    return path.as_posix()


def as_uri(file: str, folder: Path) -> str:
    """Return the URI reference of `file`: relative inside `folder`, else absolute."""
    name = in_repository(file, folder)
    path = Path(name)
    return path.as_uri() if path.is_absolute() else quote(name)
