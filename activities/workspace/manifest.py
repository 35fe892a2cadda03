"""Manifests: a tree of files as a sorted list of paths, and its text, whose digest is the tree's name.

Kept: path, whether it is a file, a link or an empty folder, executable or not, size, content. Not kept: owners,
times, other mode bits. A path flagged `ignored` (git ignores it, or it is git's own) travels between steps, but
is no part of cache keys, of diffs for people, of `apply` and of merges.
"""

import json
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple

from pydantic import JsonValue

from activities.store.canonical_json import canonical_json, digest_of
from activities.store.interface import Store
from activities.workspace.links import leads_out
from definitions.errors import ErrorClass, StepFailure

MANIFEST_VERSION = 1
REMEMBERED_ENTRIES = 200_000
"""Manifests read lately are kept in memory up to this many entries in all."""

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


@dataclass(frozen=True)
class Manifest:
    """A tree. Entries are sorted by path; notes are for people and no part of it."""

    entries: tuple[Entry, ...] = ()
    notes: tuple[str, ...] = field(default=(), compare=False)

    @cached_property
    def by_path(self) -> dict[str, Entry]:
        """Entries by path."""
        return {entry.path: entry for entry in self.entries}

    @cached_property
    def digest(self) -> str:
        """The tree's name."""
        return digest_of(self.to_bytes())

    def to_bytes(self) -> bytes:
        """Return the text that is stored."""
        rows: list[JsonValue] = [row_of_entry(entry) for entry in self.entries]
        return canonical_json({"version": MANIFEST_VERSION, "entries": rows})

    def visible(self) -> Iterator[Entry]:
        """Yield what is not ignored."""
        return (entry for entry in self.entries if not entry.ignored)


EMPTY = Manifest()


def manifest_of(entries: Iterable[Entry], notes: tuple[str, ...] = ()) -> Manifest:
    """Return a sorted manifest; folders that hold something are no entries of their own."""
    by_path = {entry.path: entry for entry in entries}
    folders = {folder for path in by_path for folder in parents(path)}
    kept = (entry for entry in by_path.values() if entry.type != "d" or entry.path not in folders)
    return Manifest(tuple(sorted(kept)), notes)


def save_manifest(store: Store, manifest: Manifest) -> str:
    """Keep a manifest and return its digest; an unchanged one costs one look."""
    if not store.has_blob(manifest.digest):
        store.write_blob(manifest.to_bytes())
    _remember(manifest)
    return manifest.digest


def load_manifest(store: Store, digest: str | None) -> Manifest:
    """Return the tree of that name (None: the empty one). Raises `BlobMissing`, `StepFailure`."""
    if digest is None:
        return EMPTY
    with _lock:
        remembered = _remembered.get(digest)
    if remembered is not None:
        return remembered
    manifest = parse_manifest(store.read_blob(digest), digest)
    manifest.__dict__["digest"] = digest
    _remember(manifest)
    return manifest


def parse_manifest(content: bytes, name: str) -> Manifest:
    """Return the manifest that `content` is the text of. Raises `StepFailure` where it is not sound."""
    try:
        document = json.loads(content)
        version, rows = document["version"], document["entries"]
        entries = tuple(entry_of_row(row) for row in rows)
    except (ValueError, KeyError, TypeError) as error:
        raise unsound(name, f"it is no manifest: {error}") from error
    if version != MANIFEST_VERSION:
        raise unsound(name, f"its version is `{version}`, and this Perdure knows {MANIFEST_VERSION}")
    check_entries(entries, name)
    return Manifest(entries)


def check_entries(entries: tuple[Entry, ...], name: str) -> None:
    """Raise `StepFailure` where restoring these could leave the folder that they are restored to."""
    leaves = {entry.path: entry for entry in entries}
    links = {entry.path: entry.target for entry in entries if entry.type == "l"}
    checked: set[str] = set()
    last = ""
    for entry in entries:
        if entry.path <= last:
            raise unsound(name, f"`{entry.path}` is out of order")
        last = entry.path
        for folder in parents(entry.path):
            if folder in checked:
                break
            checked.add(folder)
            if folder in leaves:
                raise unsound(name, f"`{entry.path}` lies below `{folder}`, which is no folder of its own")
        if entry.type == "l" and leads_out(entry.path, links):
            raise unsound(name, f"the link `{entry.path}` leads out of the workspace, to `{entry.target[:200]}`")


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


_remembered: OrderedDict[str, Manifest] = OrderedDict()
_lock = threading.Lock()


def _remember(manifest: Manifest) -> None:
    with _lock:
        _remembered[manifest.digest] = manifest
        _remembered.move_to_end(manifest.digest)
        entries = sum(len(kept.entries) for kept in _remembered.values())
        while entries > REMEMBERED_ENTRIES or len(_remembered) > 1000:
            _, dropped = _remembered.popitem(last=False)
            entries -= len(dropped.entries)
