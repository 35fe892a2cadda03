"""Cache records: what a step made, under its key; a hit gives it back as if the step had run.

A record holds outputs, artifacts and a delta: the changed paths with what they were before and after. A hit
applies the delta, so a path that it touches must be now what it was then, or the look-up is a miss (restoring a
whole tree under a filtered key would revert other edits). Runs that differ there are kept side by side, up to
`VARIANTS` for a key. Blobs first, record last; the first writer wins; whatever is wrong with a record makes a miss
and removes it, never a failure of the step.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue, ValidationError

from activities.cache.index import remember
from activities.cache.keys import CacheKey, record_key
from activities.store.canonical_json import canonical_json, digest_of
from activities.store.interface import Store, StoreError
from activities.workspace.deltas import Change, Delta, apply_delta, delta_from_json, delta_to_json, diff
from activities.workspace.manifest import Manifest, check_entries, is_git_path, printable, save_manifest
from definitions.errors import StepFailure
from definitions.records import Record, Usage, is_file_reference, is_value_reference

RECORD_VERSION = 1
VARIANTS = 4

_GIT_NOISE = frozenset({"index", "FETCH_HEAD", "ORIG_HEAD", "COMMIT_EDITMSG", "gc.log", "gc.pid"})
"""Files of `.git` that change without anything having happened, and are never the same in two clones."""


class Producer(Record):
    """Which attempt made a result."""

    execution_id: str
    definition_id: str
    path: str


class CacheRecord(Record):
    """What a step made."""

    version: int = RECORD_VERSION
    key: str
    descriptor: str
    """Digest of the descriptor's blob."""
    files: str
    """Digest of the list of input files."""
    outputs: dict[str, JsonValue] = {}
    artifacts: dict[str, JsonValue] = {}
    delta: JsonValue = []
    log: str | None = None
    usage: Usage | None = None
    seconds: float = 0.0
    """What the step took: what a hit saves."""
    produced_by: Producer
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Hit:
    """The step need not run: its record, and the tree after."""

    record: CacheRecord
    tree: Manifest | None


@dataclass(frozen=True, slots=True)
class Miss:
    """The step must run; why."""

    reason: str


def look_up(store: Store, key: CacheKey, manifest: Manifest | None) -> Hit | Miss:
    """Return what is kept under `key`, if it fits the tree at hand. Never fails. Blocks."""
    reason = "nothing is kept under this key"
    try:
        for name in _names(key):
            record = _read(store, name)
            if record is None:
                break
            if isinstance(record, str):
                reason = record
                continue
            delta = delta_from_json(record.delta)
            obstacle = _obstacle(delta, manifest)
            if obstacle is None:
                return Hit(record, _after(manifest, delta))
            reason = obstacle
    except StoreError as error:
        return Miss(f"the store could not be asked: {error.message}")
    except StepFailure as failure:
        return Miss(failure.message)
    return Miss(reason)


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
    seconds: float = 0.0,
) -> bool:
    """Keep what a step made that ended well; False where the same is kept already. Blocks. Raises `StoreError`."""
    delta = _delta(before, after)
    record = CacheRecord(
        key=key.digest,
        descriptor=store.write_blob(canonical_json(key.descriptor)),
        files=store.write_blob(key.files),
        outputs=outputs,
        artifacts=artifacts,
        delta=delta_to_json(delta),
        log=log,
        usage=usage,
        seconds=seconds,
        produced_by=produced_by,
        created_at=created_at,
    )
    content = _sealed(record)
    remember(store, produced_by.definition_id, produced_by.path, key.digest, produced_by.execution_id, created_at)
    for name in _names(key):
        kept = _read(store, name)
        if isinstance(kept, CacheRecord) and _obstacle(delta_from_json(kept.delta), before) is None:
            return False
        if not isinstance(kept, CacheRecord) and store.create_record(name, content):
            return True
    return False


def find_record(store: Store, digest: str) -> CacheRecord | None:
    """Return the first sound record under a key's digest."""
    for name in _names_of(digest):
        record = _read(store, name)
        if isinstance(record, CacheRecord):
            return record
    return None


def tree_after(store: Store, hit: Hit) -> str | None:
    """Keep the tree of a hit and return its digest. Raises `StoreError`."""
    return None if hit.tree is None else save_manifest(store, hit.tree)


def read_sealed(content: bytes) -> CacheRecord:
    """Return the record that `content` is the text of. Raises ValueError where it is damaged."""
    seal, _, text = content.partition(b"\n")
    if seal.decode("ascii", "replace") != digest_of(text):
        raise ValueError("the seal is broken")
    record = CacheRecord.model_validate_json(text)
    if record.version != RECORD_VERSION:
        raise ValueError(f"its version is {record.version}")
    delta_from_json(record.delta)
    return record


def _sealed(record: CacheRecord) -> bytes:
    text = canonical_json(json.loads(record.model_dump_json()))
    return digest_of(text).encode("ascii") + b"\n" + text


def _names(key: CacheKey) -> Iterator[str]:
    return _names_of(key.digest)


def _names_of(digest: str) -> Iterator[str]:
    first = record_key(digest)
    yield first
    for number in range(1, VARIANTS):
        yield f"{first}.{number}"


def _read(store: Store, name: str) -> CacheRecord | str | None:
    """Return a record; None where there is none; what was wrong with it where it had to be removed."""
    content = store.read_record(name)
    if content is None:
        return None
    try:
        record = read_sealed(content)
    except (ValueError, ValidationError):
        store.delete_record(name)
        return "what was kept is damaged and was removed"
    gone = next((digest for digest in _needed(record) if not store.has_blob(digest)), None)
    if gone is not None:
        store.delete_record(name)
        return f"content that was kept is gone (blob `{gone[:12]}…`); the record was removed"
    return record


def _needed(record: CacheRecord) -> Iterator[str]:
    """Yield the digests of all blobs that a hit would need."""
    yield from _referenced([*record.outputs.values(), *record.artifacts.values()])
    for change in delta_from_json(record.delta):
        if change.after is not None and change.after.type == "f":
            yield change.after.digest


def _referenced(value: JsonValue) -> Iterator[str]:
    if is_file_reference(value):
        yield str(value.get("digest"))
    elif is_value_reference(value):
        yield str(value["$value"])
    elif isinstance(value, dict):
        for below in value.values():
            yield from _referenced(below)
    elif isinstance(value, list):
        for below in value:
            yield from _referenced(below)


def _delta(before: Manifest | None, after: Manifest | None) -> Delta:
    """Return what a step changed, ignored files too; git's own only where more than its noise changed."""
    if before is None or after is None:
        return ()
    changes = diff(before, after, with_ignored=True)
    if all(_is_noise(change.path) for change in changes if is_git_path(change.path)):
        return tuple(change for change in changes if not is_git_path(change.path))
    return changes


def _obstacle(delta: Delta, manifest: Manifest | None) -> str | None:
    """Return why a delta does not fit a tree, None where it does."""
    if not delta:
        return None
    if manifest is None:
        return "the step changed files, and there is no workspace now"
    unfit = [change for change in delta if not _fits(change, manifest)]
    if not unfit:
        return None
    more = f" and {len(unfit) - 1} more" if len(unfit) > 1 else ""
    return f"`{printable(unfit[0].path)}`{more}, which the step changes, is not what it was then"


def _fits(change: Change, manifest: Manifest) -> bool:
    """Whether a path is what it was. Ignored files and git's noise are replaced whatever they are."""
    if _is_noise(change.path) or (change.is_ignored and not is_git_path(change.path)):
        return True
    now = manifest.by_path.get(change.path)
    content = None if now is None else now.content
    return content == (None if change.before is None else change.before.content)


def _after(manifest: Manifest | None, delta: Delta) -> Manifest | None:
    """Return the tree after. Raises `StepFailure` where the two make no tree: a file lies where there is a folder."""
    if manifest is None or not delta:
        return manifest
    tree = apply_delta(manifest, delta)
    check_entries(tree.entries, "as it would be after the step")
    return tree


def _is_noise(path: str) -> bool:
    return is_git_path(path) and path.rpartition("/")[2] in _GIT_NOISE
