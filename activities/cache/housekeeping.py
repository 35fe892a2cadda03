"""What the cache holds, and emptying it. Blobs stay: other runs may use them."""

from dataclasses import dataclass
from datetime import datetime

from activities.cache.records import read_sealed
from activities.store.interface import Store

PREFIX = "cache/"
RECORDS = "cache/trusted/"


@dataclass(frozen=True, slots=True)
class CacheStats:
    """Figures of the cache; seconds and money are what making its records took."""

    records: int = 0
    damaged: int = 0
    seconds: float = 0.0
    usd: float = 0.0
    oldest: datetime | None = None
    newest: datetime | None = None
    definitions: tuple[tuple[str, int], ...] = ()
    """Records by definition, the most first."""


def stats(store: Store) -> CacheStats:
    """Count what the cache holds. Blocks. Raises `StoreError`."""
    by_definition: dict[str, int] = {}
    moments: list[datetime] = []
    damaged, seconds, usd = 0, 0.0, 0.0
    for name in store.list_keys(RECORDS):
        content = store.read_record(name)
        if content is None:
            continue
        try:
            record = read_sealed(content)
        except ValueError:
            damaged += 1
            continue
        definition = record.produced_by.definition_id
        by_definition[definition] = by_definition.get(definition, 0) + 1
        moments.append(record.created_at)
        seconds += record.seconds
        usd += (record.usage.usd or 0.0) if record.usage else 0.0
    ranked = sorted(by_definition.items(), key=lambda item: (-item[1], item[0]))
    return CacheStats(
        len(moments), damaged, seconds, usd, min(moments, default=None), max(moments, default=None), tuple(ranked)
    )


def clear(store: Store) -> int:
    """Remove all records and indexes; return how many records there were. Blocks. Raises `StoreError`."""
    removed = 0
    for name in list(store.list_keys(PREFIX)):
        store.delete_record(name)
        removed += name.startswith(RECORDS)
    return removed
