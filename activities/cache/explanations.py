"""Why a step ran although it is cached: the fields in which its descriptor differs from an earlier one."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, cast

from pydantic import JsonValue

from activities.cache.index import lines
from activities.cache.records import CacheRecord, find_record
from activities.store.interface import BlobMissing, Store
from activities.workspace.manifest import printable

FILES_FIELD = "inputs.files"

_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of a descriptor; None stands for absent."""

    field: str
    """`step.command`, `environment.CI`, `tool.version`; for an input file `inputs.files: src/a.py`."""
    before: JsonValue
    after: JsonValue


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is known of a step's key against the record before it."""

    verdict: Literal["unknown", "first", "differs", "same"]
    """`unknown`: the key has no record (the step failed, or it was cleared); `first`: no earlier one."""
    key: str
    record: CacheRecord | None = None
    earlier: CacheRecord | None = None
    differences: tuple[Difference, ...] = ()


def explain(store: Store, key_before: str, key_after: str) -> list[Difference]:
    """Return the fields in which two keys' descriptors differ. Raises KeyError where a key has no record. Blocks."""
    records = [find_record(store, key) for key in (key_before, key_after)]
    before, after = records
    if before is None or after is None:
        raise KeyError(key_before if before is None else key_after)
    return differences(store, before, after)


def explain_step(store: Store, definition_id: str, path: str, key: str) -> Explanation:
    """Explain the key of a step by the nearest record of the same step before it. Blocks."""
    record = find_record(store, key)
    if record is None:
        return Explanation("unknown", key)
    for line in lines(store, definition_id, path):
        if line.key == key or line.created_at > record.created_at:
            continue
        earlier = find_record(store, line.key)
        if earlier is not None:
            found = tuple(differences(store, earlier, record))
            return Explanation("differs" if found else "same", key, record, earlier, found)
    return Explanation("first", key, record)


def differences(store: Store, before: CacheRecord, after: CacheRecord) -> list[Difference]:
    """Return the fields in which the descriptors of two records differ, input files one by one."""
    found: list[Difference] = []
    for field, old, new in _compare("", _read(store, before.descriptor), _read(store, after.descriptor)):
        if field == FILES_FIELD:
            found += _file_differences(store, before, after)
        else:
            found.append(Difference(field, old, new))
    return found


def _file_differences(store: Store, before: CacheRecord, after: CacheRecord) -> Iterator[Difference]:
    old, new = _read(store, before.files), _read(store, after.files)
    for path in sorted(old.keys() | new.keys()):
        if old.get(path) != new.get(path):
            yield Difference(f"{FILES_FIELD}: {printable(path)}", old.get(path), new.get(path))


def _compare(
    place: str, before: JsonValue | object, after: JsonValue | object
) -> Iterator[tuple[str, JsonValue, JsonValue]]:
    """Yield the deepest fields that differ; lists are compared whole."""
    if isinstance(before, dict) and isinstance(after, dict):
        old, new = cast("dict[str, JsonValue]", before), cast("dict[str, JsonValue]", after)
        for name in sorted(old.keys() | new.keys()):
            yield from _compare(f"{place}.{name}" if place else name, old.get(name, _ABSENT), new.get(name, _ABSENT))
        return
    if before != after or isinstance(before, bool) is not isinstance(after, bool):
        yield place, _shown(cast("object", before)), _shown(cast("object", after))


def _shown(value: object) -> JsonValue:
    return None if value is _ABSENT else cast("JsonValue", value)


def _read(store: Store, digest: str) -> dict[str, JsonValue]:
    """Return a stored object; an empty one where its blob is gone."""
    try:
        return cast("dict[str, JsonValue]", json.loads(store.read_blob(digest)))
    except BlobMissing:
        return {}
