"""A store in memory, and virtual trees in it: what a case has instead of folders.

Blobs and manifests are those of the real store, so the real file functions, merges and references work on them.
"""

import posixpath
from collections.abc import Iterable, Mapping
from typing import cast

from pydantic import JsonValue

from activities.file_functions.reader import StoreFileReader
from activities.store.canonical_json import digest_of
from activities.store.interface import BlobMissing, Store
from activities.workspace.manifest import (
    EMPTY,
    Entry,
    is_sound_path,
    load_manifest,
    manifest_of,
    parents,
    save_manifest,
)
from definitions.errors import ErrorClass, StepFailure
from definitions.stored_values import file_reference


class MemoryStore:
    """Blobs of one case."""

    def __init__(self) -> None:
        self._blobs: dict[str, bytes] = {}

    @property
    def as_store(self) -> Store:
        """Return it as what readers and merges ask for; they use blobs only."""
        return cast("Store", self)

    def write_blob(self, content: bytes) -> str:
        """Keep `content`; return its digest."""
        digest = digest_of(content)
        self._blobs[digest] = content
        return digest

    def read_blob(self, digest: str) -> bytes:
        """Return a blob's content. Raises `BlobMissing`."""
        try:
            return self._blobs[digest]
        except KeyError:
            raise BlobMissing(f"the test has no content `{digest[:12]}…`") from None

    def has_blob(self, digest: str) -> bool:
        """Whether the blob is there."""
        return digest in self._blobs

    def missing_blobs(self, digests: Iterable[str]) -> set[str]:
        """Return which of these are not there."""
        return set(digests) - self._blobs.keys()

    def is_young(self, digest: str) -> bool:
        """Whether the blob is there: nothing is swept."""
        return digest in self._blobs

    def renew(self, digests: Iterable[str]) -> set[str]:
        """Return which of these are not there."""
        return self.missing_blobs(digests)

    def fetch(self, digests: Iterable[str]) -> None:
        """Do nothing: all is at hand."""


def empty_tree(store: MemoryStore) -> str:
    """Return the digest of a workspace with nothing in it."""
    return store.write_blob(EMPTY.to_bytes())


def reader_of(store: MemoryStore, tree: str | None) -> StoreFileReader:
    """Return what expressions read files with."""
    return StoreFileReader(store.as_store, None if tree is None else load_manifest(store.as_store, tree))


def file_at(store: MemoryStore, tree: str, path: str) -> dict[str, JsonValue] | None:
    """Return the reference to a file of a tree, None where it has none of that path."""
    entry = load_manifest(store.as_store, tree).by_path.get(posixpath.normpath(path))
    return None if entry is None or entry.type != "f" else file_reference(entry.path, entry.digest, entry.size)


def write_files(store: MemoryStore, tree: str, files: Mapping[str, str | bytes | None]) -> str:
    """Return the digest of `tree` with files written over it (None deletes). Raises `StepFailure`."""
    if not files:
        return tree
    entries = load_manifest(store.as_store, tree).by_path.copy()
    for path, content in files.items():
        name = _sound(path)
        if content is None:
            entries.pop(name, None)
            continue
        for folder in parents(name):
            entries.pop(folder, None)
        kept = content.encode() if isinstance(content, str) else content
        entries[name] = Entry(name, "f", store.write_blob(kept), len(kept))
    return save_manifest(store.as_store, manifest_of(entries.values()))


def _sound(path: str) -> str:
    name = path.removeprefix("./")
    if not is_sound_path(name):
        raise StepFailure(ErrorClass.WORKSPACE, f"`{path[:200]}` is not a path inside the workspace")
    return name
