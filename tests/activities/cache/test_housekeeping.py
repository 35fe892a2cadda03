from pathlib import Path

from activities.cache.housekeeping import CacheStats, clear, stats
from activities.store.interface import Store
from tests.activities.cache.results import NOON, keep, key_of


def test_figures_are_zero_when_the_cache_is_empty(store: Store) -> None:
    assert stats(store) == CacheStats()


def test_records_are_counted_with_what_they_save(store: Store) -> None:
    for hours, command in enumerate(("a", "b", "c")):
        keep(store, key_of(command), hours=hours)
    damaged = Path(store.location) / "keys" / key_of("a").record_key
    damaged.chmod(0o644)
    damaged.write_bytes(b"x")
    found = stats(store)
    assert (found.records, found.damaged, found.seconds, found.usd) == (2, 1, 4.0, 1.0)
    assert found.oldest is not None
    assert found.newest is not None
    assert (found.newest - found.oldest).total_seconds() == 3600
    assert found.oldest > NOON
    assert found.definitions == (("demo", 2),)


def test_nothing_but_blobs_is_left_when_cleared(store: Store) -> None:
    digest = store.write_blob(b"kept")
    store.write_document("runs/x/run.json", b"{}")
    for command in ("a", "b"):
        keep(store, key_of(command))
    assert clear(store) == 2
    assert list(store.list_keys("")) == ["runs/x/run.json"]
    assert store.has_blob(digest)
    assert stats(store) == CacheStats()
