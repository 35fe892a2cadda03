"""Why a step ran although it is cached, or whose result it took.

What is compared is the descriptor of a step's key, field by field, with that of the *nearest* earlier result of the
same step: the one with the fewest differences, the latest of these. Where the very key had a result already, the reason
why that could not be taken was written down when it was looked up.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Self, cast

from pydantic import JsonValue

from activities.cache.index import Line, lines
from activities.cache.records import CacheRecord, records_of
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
    """What is known of a step's key against the results before it."""

    verdict: Literal["unknown", "first", "differs", "same"]
    """`unknown`: nothing is known of the key (it was long ago, or cleared); `first`: the step had no result before;
    `differs`: from the nearest one, see `differences`; `same`: there was one under this very key, see `reason`."""
    key: str
    record: CacheRecord | None = None
    """What is kept under the key."""
    earlier: CacheRecord | None = None
    """The nearest result before."""
    differences: tuple[Difference, ...] = ()
    reason: str = ""
    """Why nothing was taken, as the look-up said."""
    not_kept: str = ""
    """Why the result was not kept."""


@dataclass(frozen=True, slots=True)
class Described:
    """Where the descriptor of a key and the list of its input files are."""

    descriptor: str
    files: str

    @classmethod
    def of(cls, known: CacheRecord | Line) -> Self:
        """Return those of a record or a line."""
        return cls(known.descriptor, known.files)


def explain_step(store: Store, definition_id: str, path: str, key: str, execution_id: str | None = None) -> Explanation:
    """Explain the key that a step had in a run. Blocks. Raises `StoreError`."""
    known = lines(store, definition_id, path)
    of_key = [line for line in known if line.key == key]
    own = next((line for line in of_key if line.execution_id == execution_id), None) or next(iter(of_key), None)
    records = records_of(store, key)
    record = next(iter(records), None)
    subject = own or record
    if subject is None:
        return Explanation("unknown", key)
    reason, not_kept = (own.reason, own.not_kept) if own else ("", "")
    same = _made_before(records, own)
    if same is not None:
        return Explanation("same", key, record, same, reason=reason, not_kept=not_kept)
    nearest = _nearest(store, Described.of(subject), list(_earlier(store, known, subject)))
    if nearest is None:
        return Explanation("first", key, record, reason=reason, not_kept=not_kept)
    earlier, found = nearest
    return Explanation("differs", key, record, earlier, tuple(found), reason, not_kept)


def differences(store: Store, before: Described, after: Described) -> list[Difference]:
    """Return the fields in which two descriptors differ, input files one by one. Blocks."""
    found: list[Difference] = []
    for field, old, new in _compare("", _read(store, before.descriptor), _read(store, after.descriptor)):
        if field == FILES_FIELD:
            found += _file_differences(store, before, after)
        else:
            found.append(Difference(field, old, new))
    return found


def _made_before(records: list[CacheRecord], own: Line | None) -> CacheRecord | None:
    """Return a result under the very key that was there when the step ran."""
    if own is None:
        return None
    return next((record for record in records if record.created_at < own.created_at), None)


def _earlier(store: Store, known: list[Line], subject: Line | CacheRecord) -> Iterator[CacheRecord]:
    """Yield the results under other keys that were there when the step ran, the latest first."""
    seen = {subject.key}
    for line in known:
        if line.key in seen or line.created_at > subject.created_at:
            continue
        seen.add(line.key)
        found = [record for record in records_of(store, line.key) if record.created_at <= subject.created_at]
        yield from found[:1]


def _nearest(
    store: Store, subject: Described, candidates: list[CacheRecord]
) -> tuple[CacheRecord, list[Difference]] | None:
    """Return the result whose descriptor has the fewest differences, the latest of these."""
    store.fetch({digest for one in candidates for digest in (one.descriptor, one.files)})
    compared = [(one, differences(store, Described.of(one), subject)) for one in candidates]
    return min(compared, key=lambda pair: len(pair[1]), default=None)


def _file_differences(store: Store, before: Described, after: Described) -> Iterator[Difference]:
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
