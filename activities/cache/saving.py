"""Saving: a result that ended well is kept under its key.

Results that were made on different files are kept side by side, up to `VARIANTS` for a key; then the oldest gives way.
Blobs first, record last; the first writer wins. That another result is there already, on the same files, shows that the
step is not deterministic, and is told.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from activities.cache.fitting import delta_of, obstacle
from activities.cache.keys import CacheKey
from activities.cache.lookup import ANY, Limits
from activities.cache.records import CacheRecord, Producer, names_of, read_record, sealed
from activities.store.canonical_json import canonical_json
from activities.store.interface import Store
from activities.workspace.deltas import delta_from_json, delta_to_json
from activities.workspace.manifest import Manifest, printable
from definitions.records import Usage

SHOWN_DIFFERENCES = 5


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a result that was to be kept."""

    is_new: bool
    differs: tuple[str, ...] = ()
    """What differs from another result under the same key, on the same files: the step is not deterministic."""
    other: Producer | None = None


def save(
    store: Store,
    key: CacheKey,
    *,
    before: Manifest | None,
    after: Manifest | None,
    outputs: dict[str, JsonValue],
    artifacts: dict[str, JsonValue],
    produced_by: Producer,
    created_at: datetime,
    log: str | None = None,
    usage: Usage | None = None,
    enforced_by: list[str] | None = None,
    notes: list[str] | None = None,
    seconds: float = 0.0,
    limits: Limits = ANY,
    replaces: bool = False,
    written: Collection[str] = (),
) -> Kept:
    """Keep what a step made that ended well. Blocks. Raises `StoreError`.

    Args:
        store: Where.
        key: Under which key.
        before: The tree before; None: no workspace.
        after: The tree after.
        outputs: What it handed on.
        artifacts: References to its files.
        produced_by: Which attempt.
        created_at: When it ended.
        log: The key of its log.
        usage: What it used.
        enforced_by: What enforced its security profile.
        notes: What a reader should know.
        seconds: What it took.
        limits: The trust that it is kept with; what is too old for these gives way.
        replaces: Whether what is kept gives way in any case (`mode: write`).
        written: The paths that it wrote, also those that are what they were.
    """
    record = CacheRecord(
        key=key.digest,
        descriptor=store.write_blob(canonical_json(key.descriptor)),
        files=store.write_blob(key.files),
        outputs=outputs,
        artifacts=artifacts,
        delta=delta_to_json(delta_of(before, after, written)),
        log=log,
        usage=usage,
        enforced_by=enforced_by or [],
        notes=notes or [],
        seconds=seconds,
        produced_by=produced_by,
        created_at=created_at,
    )
    return _place(store, record, before, limits, replaces=replaces)


def _place(store: Store, record: CacheRecord, before: Manifest | None, limits: Limits, *, replaces: bool) -> Kept:
    """Put a record beside the others of its key, or in the place of one that does not count any more."""
    content = sealed(record)
    oldest: tuple[datetime, str] | None = None
    differs: tuple[str, ...] = ()
    other: Producer | None = None
    for name in names_of(record.key, limits.trust):
        kept = read_record(store, name)
        if isinstance(kept, CacheRecord):
            if obstacle(delta_from_json(kept.delta), before) is not None:
                oldest = min(oldest or (kept.created_at, name), (kept.created_at, name))
                continue
            differs, other = _differences(kept, record), kept.produced_by
            if not replaces and limits.too_old(kept) is None:
                return Kept(is_new=False, differs=differs, other=other)
            store.delete_record(name)
        if store.create_record(name, content):
            return Kept(is_new=True, differs=differs, other=other)
    if oldest is None:
        return Kept(is_new=False, differs=differs, other=other)
    store.delete_record(oldest[1])
    return Kept(is_new=store.create_record(oldest[1], content), differs=differs, other=other)


def _differences(kept: CacheRecord, record: CacheRecord) -> tuple[str, ...]:
    """Return what two results of a key on the same files do not share."""
    found = list(_unequal(kept, record))
    more = len(found) - SHOWN_DIFFERENCES
    return (*found[:SHOWN_DIFFERENCES], *([f"{more} more"] if more > 0 else []))


def _unequal(kept: CacheRecord, record: CacheRecord) -> Iterator[str]:
    for kind, before, after in (
        ("output", kept.outputs, record.outputs),
        ("artifact", kept.artifacts, record.artifacts),
    ):
        for name in sorted(before.keys() | after.keys()):
            if before.get(name) != after.get(name):
                yield f"{kind} `{name}`"
    files = [
        {change.path: change.after and change.after.content for change in delta_from_json(one.delta)}
        for one in (kept, record)
    ]
    for path in sorted(files[0].keys() | files[1].keys()):
        if files[0].get(path) != files[1].get(path):
            yield f"file `{printable(path)}`"
