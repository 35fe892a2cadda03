"""Entries: one path of a tree each, as rows of JSON, and which paths are sound."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from pydantic import JsonValue

from definitions.errors import ErrorClass, StepFailure

EntryType = Literal["f", "l", "d"]


class Entry(NamedTuple):
    """One path of a tree: a file, a link, or a folder with nothing in it."""

    path: str
    type: EntryType
    digest: str = ""
    size: int = 0
    executable: bool = False
    target: str = ""
    ignored: bool = False

    @property
    def content(self) -> tuple[str, str, bool, str]:
        """What two entries must share to be the same thing."""
        return (self.type, self.digest, self.executable, self.target)


def is_sound_path(path: str) -> bool:
    """Whether a path is relative, in its one spelling, and stays below its folder."""
    return 0 < len(path) < 4096 and "\0" not in path and not any(part in {"", ".", ".."} for part in path.split("/"))


def is_git_path(path: str) -> bool:
    """Whether a path is git's own: `.git`, or below it, at any depth (submodules)."""
    return ".git" in path and ".git" in path.split("/")


def parents(path: str) -> Iterator[str]:
    """Yield the folders above a path, the nearest first, without the root."""
    end = path.rfind("/")
    while end > 0:
        yield path[:end]
        end = path.rfind("/", 0, end)


def unsound(name: str, why: str) -> StepFailure:
    """Return the failure of a tree that must not be restored."""
    return StepFailure(ErrorClass.WORKSPACE, f"the tree `{name}` cannot be used: {why}; rerun from the start")


def printable(path: str) -> str:
    """Return a path as people and JSON can have it: bytes that are not UTF-8 are shown by their numbers."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def row_of_entry(entry: Entry) -> list[JsonValue]:
    """Return an entry as JSON."""
    flags = ("x" if entry.executable else "") + ("i" if entry.ignored else "")
    return [entry.path, entry.type, flags, entry.target if entry.type == "l" else entry.digest, entry.size]


def entry_of_row(row: JsonValue) -> Entry:
    """Return the entry that `row` stands for. Raises ValueError."""
    match row:
        case [str(path), "f" | "l" | "d" as kind, str(flags), str(content), int(size)] if is_sound_path(path):
            return Entry(
                path=path,
                type=kind,
                digest="" if kind == "l" else content,
                size=size,
                executable="x" in flags,
                target=content if kind == "l" else "",
                ignored="i" in flags,
            )
        case _:
            raise ValueError(f"`{str(row)[:200]}` is not an entry of a tree")
