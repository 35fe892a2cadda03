"""Manifests: a tree of files as a sorted list of paths, and its text, whose digest is the tree's name.

Kept: path, whether it is a file, a link or an empty folder, executable or not, size, content. Not kept: owners,
times, other mode bits. A path flagged `ignored` (git ignores it, or it is git's own) travels between steps, but
is no part of cache keys, of diffs for people, of `apply` and of merges.

A small tree is one text. A bigger one is a root that names its shards, which are read as they are needed: `find`
and comparing two trees read a few of them, `entries` and `by_path` all. Above `HEAVY` entries, what reads all
belongs into the process pool (`activities.workspace.pool`).
"""

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from pydantic import JsonValue

from activities.store.canonical_json import canonical_json, digest_of
from activities.store.interface import BlobMissing, Store
from activities.workspace.entries import (
    Entry,
    EntryType,
    entry_of_row,
    is_git_path,
    is_sound_path,
    parents,
    printable,
    row_of_entry,
    unsound,
)
from activities.workspace.links import leads_out
from activities.workspace.shards import Shard, cut_all, edited, fetch_all, place_of, remember, remembered

__all__ = [
    "EMPTY",
    "Entry",
    "EntryType",
    "Manifest",
    "changed",
    "check_entries",
    "differing",
    "entry_of_row",
    "is_git_path",
    "is_sound_path",
    "load_manifest",
    "manifest_of",
    "parents",
    "parse_manifest",
    "printable",
    "row_of_entry",
    "save_manifest",
    "unsound",
]

MANIFEST_VERSION = 2
WHOLE_UP_TO = 1000
"""Entries of a tree that is one text."""
HEAVY = 2000
"""Entries from which on work over all of them would keep workflow code waiting."""
GROUPED_FROM = 4
"""New shards that are handed to the store as one group."""


class Manifest:
    """A tree. Entries are sorted by path; notes are for people and no part of it."""

    def __init__(
        self,
        entries: tuple[Entry, ...] = (),
        notes: tuple[str, ...] = (),
        *,
        shards: tuple[Shard, ...] | None = None,
        name: str = "",
    ) -> None:
        self.notes = notes
        if shards is None:
            self.__dict__["entries"] = entries
            self.count = len(entries)
        else:
            self.__dict__["shards"] = shards
            self.count = sum(shard.count for shard in shards)
        if name:
            self.__dict__["digest"] = name

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Manifest) and self.digest == other.digest)

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"Manifest({self.digest[:12]}, {self.count} entries)"

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """All paths. Raises `BlobMissing`; `StepFailure` where restoring them could leave the folder."""
        fetch_all(self.shards)
        entries = tuple(entry for shard in self.shards for entry in shard.entries)
        if not all(shard.is_new for shard in self.shards):
            check_entries(entries, self.digest)
        return entries

    @cached_property
    def shards(self) -> tuple[Shard, ...]:
        """The same, in pieces."""
        return cut_all(self.entries)

    @cached_property
    def by_path(self) -> dict[str, Entry]:
        """Entries by path."""
        return {entry.path: entry for entry in self.entries}

    @cached_property
    def digest(self) -> str:
        """The tree's name."""
        return digest_of(self.to_bytes())

    def find(self, path: str) -> Entry | None:
        """Return the entry of one path; reads one shard."""
        if "by_path" in self.__dict__ or self.count <= WHOLE_UP_TO:
            return self.by_path.get(path)
        return self.shards[place_of(self.shards, path)].find(path)

    def to_bytes(self) -> bytes:
        """Return the text that is stored under the tree's name."""
        if self.count <= WHOLE_UP_TO:
            rows: list[JsonValue] = [row_of_entry(entry) for entry in self.entries]
            return canonical_json({"version": MANIFEST_VERSION, "entries": rows})
        parts: list[JsonValue] = [[shard.first, shard.count, shard.digest] for shard in self.shards]
        return canonical_json({"version": MANIFEST_VERSION, "shards": parts})

    def noted(self, notes: tuple[str, ...]) -> "Manifest":
        """Return the same tree with other notes."""
        same = Manifest(notes=notes, shards=self.shards, name=self.digest)
        if self.count <= WHOLE_UP_TO:
            same.__dict__["entries"] = self.entries
        return same

    def visible(self) -> Iterator[Entry]:
        """Yield what is not ignored."""
        return (entry for entry in self.entries if not entry.ignored)


EMPTY = Manifest()


def manifest_of(entries: Iterable[Entry], notes: tuple[str, ...] = ()) -> Manifest:
    """Return a sorted manifest; folders that hold something are no entries of their own."""
    by_path = {entry.path: entry for entry in entries}
    empty = [entry.path for entry in by_path.values() if entry.type == "d"]
    if empty:
        folders = {folder for path in by_path for folder in parents(path)}
        for path in folders.intersection(empty):
            del by_path[path]
    return Manifest(tuple(sorted(by_path.values())), notes)


def changed(manifest: Manifest, changes: Mapping[str, Entry | None], notes: tuple[str, ...] = ()) -> Manifest:
    """Return a tree with these paths as said (None: gone); only the shards that they are in are read and made."""
    if manifest.count <= WHOLE_UP_TO or len(changes) > manifest.count // 4 or _touches_empty_folders(manifest, changes):
        after: dict[str, Entry | None] = {**manifest.by_path, **changes}
        return manifest_of((entry for entry in after.values() if entry is not None), notes)
    return Manifest(notes=notes, shards=edited(manifest.shards, changes))


def differing(before: Manifest, after: Manifest) -> tuple[dict[str, Entry], dict[str, Entry]]:
    """Return entries by path of both trees, without what they have in common by whole shards."""
    if min(before.count, after.count) <= WHOLE_UP_TO:
        return before.by_path, after.by_path
    common = {shard.digest for shard in before.shards} & {shard.digest for shard in after.shards}
    left, right = (
        {entry.path: entry for shard in tree.shards if shard.digest not in common for entry in shard.entries}
        for tree in (before, after)
    )
    return left, right


def save_manifest(store: Store, manifest: Manifest) -> str:
    """Keep a manifest and return its digest: contents first made young, then shards, then the root.

    One that was kept lately costs one look.

    Raises:
        BlobMissing: the content of a file is not in the store (any more); `StoreError`.
    """
    if not store.is_young(manifest.digest):
        if manifest.count > WHOLE_UP_TO:
            _save_shards(store, manifest.shards)
        else:
            _renew_contents(store, manifest.entries)
        store.write_blob(manifest.to_bytes())
    if manifest.count <= WHOLE_UP_TO:
        remember(manifest.digest, manifest.entries)
    return manifest.digest


def known_manifest(digest: str) -> Manifest | None:
    """Return the tree of that name if this process remembers it."""
    entries = remembered(digest)
    return None if entries is None else Manifest(entries, name=digest)


def load_manifest(store: Store, digest: str | None) -> Manifest:
    """Return the tree of that name (None: the empty one). Raises `BlobMissing`, `StepFailure`."""
    if digest is None:
        return EMPTY
    known = known_manifest(digest)
    if known is not None:
        return known
    manifest = parse_manifest(store.read_blob(digest), digest, store)
    manifest.__dict__["digest"] = digest
    if manifest.count <= WHOLE_UP_TO:
        remember(digest, manifest.entries)
    return manifest


def parse_manifest(content: bytes, name: str, store: Store | None = None) -> Manifest:
    """Return the manifest that `content` is the text of. Raises `StepFailure` where it is not sound."""
    try:
        document = json.loads(content)
        version = document["version"]
        if version != MANIFEST_VERSION:
            raise unsound(name, f"its version is `{version}`, and this Perdure knows {MANIFEST_VERSION}")
        if "shards" in document and store is not None:
            shards = tuple(_shard_of_row(row, store) for row in document["shards"])
            return Manifest(shards=_in_order(shards, name))
        entries = tuple(map(entry_of_row, document["entries"]))
    except (ValueError, KeyError, TypeError) as error:
        raise unsound(name, f"it is no manifest: {error}") from error
    check_entries(entries, name)
    return Manifest(entries)


def check_entries(entries: tuple[Entry, ...], name: str) -> None:
    """Raise `StepFailure` where restoring these could leave the folder that they are restored to."""
    leaves = {entry.path for entry in entries}
    links = {entry.path: entry.target for entry in entries if entry.type == "l"}
    checked: set[str] = {""}
    last = ""
    for entry in entries:
        path = entry.path
        if path <= last:
            raise unsound(name, f"`{path}` is out of order")
        last = path
        if path.rpartition("/")[0] not in checked:
            _check_folders(path, leaves, checked, name)
        if entry.type == "l" and leads_out(path, links):
            raise unsound(name, f"the link `{path}` leads out of the workspace, to `{entry.target[:200]}`")


def _check_folders(path: str, leaves: set[str], checked: set[str], name: str) -> None:
    for folder in parents(path):
        if folder in checked:
            break
        checked.add(folder)
        if folder in leaves:
            raise unsound(name, f"`{path}` lies below `{folder}`, which is no folder of its own")


def _touches_empty_folders(manifest: Manifest, changes: Mapping[str, Entry | None]) -> bool:
    """Whether an empty folder may begin or end to be one: then all is looked at."""
    if any(entry is not None and entry.type == "d" for entry in changes.values()):
        return True
    added = (path for path, entry in changes.items() if entry is not None)
    folders = {folder for path in added for folder in parents(path)}
    return any((entry := manifest.find(folder)) is not None and entry.type == "d" for folder in folders)


def _save_shards(store: Store, shards: Iterable[Shard]) -> None:
    """Keep the shards that the store has not lately: many as one group, so that they cost one flush, or one pack."""
    new = {shard.digest: shard for shard in shards if not store.is_young(shard.digest)}
    for shard in new.values():
        _renew_contents(store, shard.entries)
    if len(new) < GROUPED_FROM:
        for shard in new.values():
            store.write_blob(shard.take_bytes())
    else:
        with tempfile.TemporaryDirectory(prefix="perdure-manifest-") as folder:
            files = [Path(folder, digest) for digest in new]
            for file, shard in zip(files, new.values(), strict=True):
                file.write_bytes(shard.take_bytes())
            store.write_blobs_from(files)
    for digest, shard in new.items():
        remember(digest, shard.entries)


def _renew_contents(store: Store, entries: Iterable[Entry]) -> None:
    """See to it that no sweep takes what a tree begins to refer to. Raises `BlobMissing`."""
    gone = store.renew({entry.digest for entry in entries if entry.type == "f"})
    if gone:
        named = next((entry.path for entry in entries if entry.digest in gone), "")
        raise BlobMissing(
            f"the content of `{printable(named)}` is not in the store `{store.location}`; run again what made it"
        )


def _shard_of_row(row: JsonValue, store: Store) -> Shard:
    match row:
        case [str(first), int(count), str(digest)] if count > 0:
            return Shard(first, count, digest=digest, store=store)
        case _:
            raise ValueError(f"`{str(row)[:200]}` is not a part of a tree")


def _in_order(shards: tuple[Shard, ...], name: str) -> tuple[Shard, ...]:
    if any(later.first <= shard.first for shard, later in pairwise(shards)):
        raise unsound(name, "its parts are out of order")
    return shards
