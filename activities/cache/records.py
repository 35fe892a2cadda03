"""Cache records: what a step made, as it lies in the store under its key.

    cache/trusted/AA/KEY             the first record of a key: its seal, and the record as JSON
    cache/trusted/AA/KEY.1 … .3      others, made on files on which the first does not fit
    cache/untrusted/SCOPE/AA/KEY     what runs of a scope made, which trusted runs never read

A record that is damaged, of another key, or misses content is removed when it is read: it makes a miss, and never a
failure.
"""

import contextlib
import json
from collections.abc import Iterator
from datetime import datetime

from pydantic import JsonValue, ValidationError

from activities.cache.keys import record_key
from activities.store.canonical_json import digest_of
from activities.store.interface import BlobMissing, Store, StoreForbidden
from activities.workspace.deltas import delta_from_json
from activities.workspace.manifest import WHOLE_UP_TO, load_manifest
from definitions.records import Record, Usage
from definitions.stored_values import is_file_reference, is_folder_reference, is_value_reference
from definitions.trust import TRUSTED, Trust

RECORD_VERSION = 1
VARIANTS = 4
TRUSTED_RECORDS = "cache/trusted/"
UNTRUSTED_RECORDS = "cache/untrusted/"


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
    enforced_by: list[str] = []
    notes: list[str] = []
    seconds: float = 0.0
    """What the step took: what a hit saves."""
    produced_by: Producer
    created_at: datetime


def read_record(store: Store, name: str, *, is_taken: bool = False) -> CacheRecord | str | None:
    """Return a record; None where there is none; what was wrong with it where it had to be removed.

    `is_taken`: a run will refer to its content, which no collector of garbage may take from now on.
    """
    content = store.read_record(name)
    if content is None:
        return None
    try:
        record = read_sealed(content)
        if record.key != key_of_name(name):
            raise ValueError("it is of another key")
    except (ValueError, ValidationError):
        _remove(store, name)
        return "what was kept is damaged and was removed"
    needed = {*needed_blobs(record), *_inside_folders(store, record)}
    gone = min(_missing(store, needed, is_taken=is_taken), default=None)
    if gone is not None:
        _remove(store, name)
        return f"content that was kept is gone (blob `{gone[:12]}…`); the record was removed"
    return record


def read_sealed(content: bytes) -> CacheRecord:
    """Return the record that `content` is the text of. Raises ValueError where it is damaged."""
    seal, _, text = content.partition(b"\n")
    if seal.decode("ascii", "replace") != digest_of(text):
        raise ValueError("the seal is broken")
    record = CacheRecord.model_validate(json.loads(text))
    if record.version != RECORD_VERSION:
        raise ValueError(f"its version is {record.version}")
    delta_from_json(record.delta)
    return record


def sealed(record: CacheRecord) -> bytes:
    """Return the text of a record, with objects in the order that they had: steps that render them see it."""
    text = json.dumps(record.model_dump(mode="json"), separators=(",", ":")).encode("ascii")  # names may be no UTF-8
    return digest_of(text).encode("ascii") + b"\n" + text


def names_of(digest: str, trust: Trust = TRUSTED) -> Iterator[str]:
    """Yield where the records of a key may be, in the order in which they are looked at."""
    first = record_key(digest, trust)
    yield first
    for number in range(1, VARIANTS):
        yield f"{first}.{number}"


def key_of_name(name: str) -> str:
    """Return the key under which a record lies."""
    return name.rpartition("/")[2].partition(".")[0]


def record_names(store: Store) -> Iterator[str]:
    """Yield where all records are, of all trusts: whoever collects garbage must keep what they need."""
    yield from store.list_keys(TRUSTED_RECORDS)
    yield from store.list_keys(UNTRUSTED_RECORDS)


def records_of(store: Store, digest: str) -> list[CacheRecord]:
    """Return the sound records under a key's digest, of all trusts, trusted ones first. Raises `StoreError`."""
    names = [*names_of(digest), *(name for name in store.list_keys(UNTRUSTED_RECORDS) if key_of_name(name) == digest)]
    found = (read_record(store, name) for name in names)
    return [record for record in found if isinstance(record, CacheRecord)]


def needed_blobs(record: CacheRecord) -> Iterator[str]:
    """Yield the digests of all blobs that a hit needs."""
    yield from (digest for digest, _ in _referenced([*record.outputs.values(), *record.artifacts.values()]))
    for change in delta_from_json(record.delta):
        if change.after is not None and change.after.type == "f":
            yield change.after.digest


def _inside_folders(store: Store, record: CacheRecord) -> Iterator[str]:
    """Yield what the folders that a record refers to lead to; of one that is gone itself, nothing."""
    for digest, is_folder in _referenced([*record.outputs.values(), *record.artifacts.values()]):
        if is_folder:
            with contextlib.suppress(BlobMissing):
                manifest = load_manifest(store, digest)
                if manifest.count > WHOLE_UP_TO:
                    yield from (shard.digest for shard in manifest.shards)
                yield from (entry.digest for entry in manifest.entries if entry.type == "f")


def _missing(store: Store, digests: set[str], *, is_taken: bool) -> set[str]:
    if is_taken:
        with contextlib.suppress(StoreForbidden):
            return store.renew(digests)
    return store.missing_blobs(digests)


def _remove(store: Store, name: str) -> None:
    with contextlib.suppress(StoreForbidden):  # who may only read leaves that to others
        store.delete_record(name)


def _referenced(value: JsonValue) -> Iterator[tuple[str, bool]]:
    """Yield what a value refers to, and whether that is a folder."""
    if is_file_reference(value) or is_folder_reference(value):
        yield str(value.get("digest")), is_folder_reference(value)
    elif is_value_reference(value):
        yield str(value["$value"]), False
    elif isinstance(value, dict):
        for below in value.values():
            yield from _referenced(below)
    elif isinstance(value, list):
        for below in value:
            yield from _referenced(below)
