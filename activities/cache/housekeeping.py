"""What the cache holds and saved, and forgetting it. Blobs stay: other runs may use them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from activities.cache.counts import Count, Steps, read_counts, step_of
from activities.cache.index import INDEX
from activities.cache.records import CacheRecord, read_sealed, record_names
from activities.store.interface import Store

READERS = 8
"""Records that are read at once: on S3 each is a request."""


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
    counts: Steps = field(default_factory=Steps)
    """How often steps came from it, by definition and step."""

    @property
    def total(self) -> Count:
        """The counts of all steps."""
        return sum_of(list(self.counts.values()))


def sum_of(counts: list[Count]) -> Count:
    """Return counts together."""
    total = Count()
    for count in counts:
        total = total.plus(count)
    return total


@dataclass(frozen=True, slots=True)
class Which:
    """Which records are meant; without any condition all."""

    definition: str | None = None
    step: str | None = None
    """A path, one without its items, passes and visits, or the step's own id."""
    before: datetime | None = None

    @property
    def is_all(self) -> bool:
        """Whether every record is meant."""
        return self.definition is None and self.step is None and self.before is None

    def has(self, record: CacheRecord) -> bool:
        """Whether a record is among them."""
        path = record.produced_by.path
        return (
            self.definition in (None, record.produced_by.definition_id)
            and self.step in (None, path, step_of(path), step_of(path).rpartition("/")[2])
            and (self.before is None or record.created_at < self.before)
        )


ALL = Which()


def stats(store: Store) -> CacheStats:
    """Count what the cache holds, and what was counted. Blocks. Raises `StoreError`."""
    by_definition: dict[str, int] = {}
    moments: list[datetime] = []
    damaged, seconds, usd = 0, 0.0, 0.0
    for _, record in _records(store):
        if record is None:
            damaged += 1
            continue
        definition = record.produced_by.definition_id
        by_definition[definition] = by_definition.get(definition, 0) + 1
        moments.append(record.created_at)
        seconds += record.seconds
        usd += (record.usage.usd or 0.0) if record.usage else 0.0
    return CacheStats(
        len(moments),
        damaged,
        seconds,
        usd,
        min(moments, default=None),
        max(moments, default=None),
        tuple(sorted(by_definition.items(), key=lambda item: (-item[1], item[0]))),
        read_counts(store),
    )


def matching(store: Store, which: Which = ALL) -> list[str]:
    """Return where the records are that are meant; damaged ones only where all are. Blocks. Raises `StoreError`."""
    if which.is_all:
        return list(record_names(store))
    return [name for name, record in _records(store) if record is not None and which.has(record)]


def clear(store: Store, which: Which = ALL) -> int:
    """Remove records, with the index where all go; return how many there were. Blocks. Raises `StoreError`."""
    names = matching(store, which)
    index = list(store.list_keys(INDEX)) if which.is_all else []
    with ThreadPoolExecutor(READERS) as readers:
        list(readers.map(store.delete_record, [*names, *index]))
    return len(names)


def _records(store: Store) -> Iterator[tuple[str, CacheRecord | None]]:
    """Yield all records with where they are; None for one that is damaged."""

    def read(name: str) -> tuple[str, CacheRecord | None, bool]:
        content = store.read_record(name)
        if content is None:
            return name, None, True
        try:
            return name, read_sealed(content), False
        except ValueError:
            return name, None, False

    with ThreadPoolExecutor(READERS) as readers:
        for name, record, is_gone in readers.map(read, list(record_names(store))):
            if not is_gone:
                yield name, record
