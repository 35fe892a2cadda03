"""Everything in a store, checked: each blob hashed again, each cached step read, each tree and reference followed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from activities.cache.records import needed_blobs, read_sealed, record_names
from activities.store.interface import BlobMissing, Store
from activities.workspace.manifest import load_manifest
from definitions.errors import StepFailure
from definitions.messages import Prepared
from definitions.records import Ledger

RUNS = "runs/"


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that is not as it was written."""

    kind: Literal["blob", "cached step", "tree", "document"]
    name: str
    message: str


@dataclass(slots=True)
class Verified:
    """What was looked at, and what is wrong."""

    blobs: int = 0
    bytes: int = 0
    cached_steps: int = 0
    trees: int = 0
    damages: list[Damage] = field(default_factory=list[Damage])


def verify(store: Store, progress: Callable[[Verified], None] = lambda found: None) -> Verified:
    """Check all that a store holds; damaged blobs are put aside, as at any read. Blocks. Raises `StoreError`."""
    found = Verified()
    for blob in store.list_blobs():
        found.blobs += 1
        found.bytes += blob.size
        try:
            store.check_blob(blob.digest)
        except BlobMissing as error:
            found.damages.append(Damage("blob", blob.digest, error.message))
        progress(found)
    found.damages += _cached_steps(store, found)
    found.damages += _runs(store, found)
    return found


def _cached_steps(store: Store, found: Verified) -> Iterator[Damage]:
    for name in record_names(store):
        content = store.read_record(name)
        if content is None:
            continue
        found.cached_steps += 1
        try:
            gone = store.missing_blobs(needed_blobs(read_sealed(content)))
        except (ValueError, StepFailure) as error:
            yield Damage("cached step", name, f"the record is damaged: {error}")
            continue
        if gone:
            yield Damage("cached step", name, f"{len(gone)} of the blobs that it needs are gone, as `{min(gone)}`")


def _runs(store: Store, found: Verified) -> Iterator[Damage]:
    """Follow the trees of runs: what a rerun, a diff or `apply` would need."""
    seen: set[str] = set()
    for key in store.list_keys(RUNS):
        content = store.read_document(key) if key.endswith(("/ledger.json", "/prepared.json")) else None
        if content is None:
            continue
        try:
            trees = _trees(key, content)
        except ValueError:
            yield Damage("document", key, "it is no JSON of ours")
            continue
        for tree in sorted(trees - seen):
            seen.add(tree)
            found.trees += 1
            message = _lack(store, tree)
            if message:
                yield Damage("tree", tree, f"{message} (of `{key}`)")


def _trees(key: str, content: bytes) -> set[str]:
    if key.endswith("/prepared.json"):
        return {tree for tree in (Prepared.model_validate_json(content).tree,) if tree}
    records = Ledger.model_validate_json(content).records.values()
    return {tree for record in records for tree in (record.tree, record.tree_before) if tree}


def _lack(store: Store, tree: str) -> str:
    """Return what a tree lacks; empty where it is whole."""
    try:
        manifest = load_manifest(store, tree)
    except StepFailure as error:
        return error.message
    gone = store.missing_blobs(entry.digest for entry in manifest.entries if entry.type == "f")
    return f"{len(gone)} of its files are gone, as the blob `{min(gone)}`" if gone else ""
