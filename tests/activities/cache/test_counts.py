from datetime import UTC, date, datetime, timedelta

import pytest

from activities.cache import counts as module
from activities.cache.counts import COUNTS, Count, Counts, forget_counts, read_counts, step_of
from activities.store.interface import Store, StoreError
from tests.support.waiting import eventually


@pytest.mark.parametrize(
    ("path", "step"), [("a", "a"), ("epics[E-1]/design@2", "epics/design"), ("fix#3/test", "fix/test")]
)
def test_items_passes_and_visits_are_counted_together(path: str, step: str) -> None:
    assert step_of(path) == step


async def test_counts_of_all_workers_are_added(store: Store) -> None:
    one, other = Counts(store), Counts(store)
    one.add("d", "a", Count(hits=1, usd_saved=0.25))
    other.add("d", "a", Count(runs=1, seconds=1.5, usd=0.5))
    one.flush()
    other.flush()
    one.add("d", "a", Count(hits=1))
    one.flush()
    one.flush()
    assert read_counts(store) == {("d", "a"): Count(hits=2, runs=1, usd_saved=0.25, seconds=1.5, usd=0.5)}


async def test_counts_are_written_by_themselves(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FLUSH_AFTER", timedelta(milliseconds=1))
    Counts(store).add("d", "a", Count(hits=1))

    async def is_written() -> bool:
        return bool(read_counts(store))

    await eventually(is_written)


async def test_counts_are_written_later_when_the_store_does_not_take_them(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise StoreError("full")

    counts = Counts(store)
    counts.add("d", "a", Count(hits=1))
    with monkeypatch.context() as patched:
        patched.setattr(store, "write_document", refuse)
        counts.flush()
    assert read_counts(store) == {}
    counts.flush()
    assert read_counts(store) == {("d", "a"): Count(hits=1)}


async def test_day_that_is_over_is_written_and_let_go(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock:
        today = datetime(2026, 1, 1, tzinfo=UTC)

        @classmethod
        def now(cls, _: object) -> datetime:
            return cls.today

    monkeypatch.setattr(module, "datetime", Clock)
    counts = Counts(store)
    for _ in range(2):
        counts.add("d", "a", Count(hits=1))
        counts.flush()
        Clock.today += timedelta(days=1)
    assert [key.split("/")[2] for key in store.list_keys(COUNTS)] == ["2026-01-01", "2026-01-02"]
    assert read_counts(store, date(2026, 1, 2)) == {("d", "a"): Count(hits=1)}
    assert forget_counts(store, date(2026, 1, 2)) == 1
    assert read_counts(store) == {("d", "a"): Count(hits=1)}


@pytest.mark.parametrize("content", [b"", b"[]", b"1", b'{"d": 1}', b'{"d": {"a": [1]}}', b'{"d": {"a": ["x"]}}'])
def test_damaged_document_counts_nothing(store: Store, content: bytes) -> None:
    store.write_document(f"{COUNTS}2026-01-01/w", content)
    assert read_counts(store) == {}
