from datetime import timedelta
from pathlib import Path

import pytest

from activities.cache.counts import Count, Counts
from activities.cache.housekeeping import CacheStats, Which, clear, matching, stats
from activities.cache.lookup import Limits
from activities.store.interface import Store
from definitions.trust import parse_trust
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


def test_untrusted_records_are_counted_too(store: Store) -> None:
    keep(store, key_of("a"))
    keep(store, key_of("a"), limits=Limits(parse_trust("untrusted/pr-1")))
    assert stats(store).records == 2
    assert clear(store) == 2


async def test_figures_have_what_the_workers_counted(store: Store) -> None:
    for _ in range(2):
        counts = Counts(store)
        counts.add("demo", "fix#1/test", Count(hits=1, seconds_saved=2.0))
        counts.add("demo", "build", Count(runs=1))
        counts.flush()
    found = stats(store)
    assert found.counts[("demo", "fix/test")] == Count(hits=2, seconds_saved=4.0)
    assert found.total == Count(hits=2, runs=2, seconds_saved=4.0)


def test_nothing_but_blobs_is_left_when_cleared(store: Store) -> None:
    digest = store.write_blob(b"kept")
    store.write_document("runs/x/run.json", b"{}")
    for command in ("a", "b"):
        keep(store, key_of(command))
    assert clear(store) == 2
    assert list(store.list_keys("")) == ["runs/x/run.json"]
    assert store.has_blob(digest)
    assert stats(store) == CacheStats()


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        (Which(definition="demo"), {"build", "fix#2/test", "test"}),
        (Which(definition="other"), set()),
        (Which(step="test"), {"fix#2/test", "test"}),
        (Which(step="fix/test"), {"fix#2/test"}),
        (Which(step="fix#2/test"), {"fix#2/test"}),
        (Which(before=NOON + timedelta(hours=1, minutes=30)), {"build", "fix#2/test"}),
        (Which(step="test", before=NOON + timedelta(hours=1, minutes=30)), {"fix#2/test"}),
    ],
)
def test_only_what_is_meant_is_forgotten(store: Store, which: Which, expected: set[str]) -> None:
    paths = ("build", "fix#2/test", "test")
    names = {key_of(path).record_key: path for path in paths}
    for hours, path in enumerate(paths):
        keep(store, key_of(path), path=path, hours=hours)
    assert {names[name] for name in matching(store, which)} == expected
    assert clear(store, which) == len(expected)
    assert stats(store).records == 3 - len(expected)


def test_record_that_goes_while_it_is_read_is_not_counted(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(store, key_of("a"))
    monkeypatch.setattr(store, "read_record", lambda _: None)
    assert (stats(store).records, stats(store).damaged) == (0, 0)
