from datetime import timedelta
from pathlib import Path

import pytest

from activities.cache.index import Line, lines, remember
from activities.store.interface import Store
from definitions.trust import TRUSTED, Trust, parse_trust
from tests.activities.cache.results import NOON


def note(
    store: Store, key: str, *, run: str = "run", hours: int = 0, path: str = "a/b", trust: Trust = TRUSTED
) -> None:
    line = Line(key=key, execution_id=run, created_at=NOON + timedelta(hours=hours))
    remember(store, "demo", path, line, trust)


def keys(store: Store) -> list[str]:
    return [line.key for line in lines(store, "demo", "a/b")]


def test_latest_key_comes_first_and_once_for_each_run(store: Store) -> None:
    for hours, key in enumerate(("1", "2", "1")):
        note(store, key, hours=hours)
    assert keys(store) == ["1", "2"]
    note(store, "1", run="another", hours=9)
    assert keys(store) == ["1", "1", "2"]
    assert lines(store, "demo", "other") == []


def test_lines_are_bounded(store: Store) -> None:
    for number in range(40):
        note(store, str(number), hours=number)
    assert len(keys(store)) == 30


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"{}"])
def test_there_are_no_lines_when_the_document_is_damaged(store: Store, content: bytes) -> None:
    note(store, "0")
    (document,) = store.list_keys("cache/")
    store.write_document(document, content)
    assert keys(store) == []
    note(store, "1")
    assert keys(store) == ["1"]


def test_long_paths_have_documents_of_their_own(store: Store) -> None:
    note(store, "1", path="x" * 400 + "a")
    note(store, "1", path="x" * 400 + "b")
    assert [line.key for line in lines(store, "demo", "x" * 400 + "a")] == ["1"]
    assert len(list((Path(store.location) / "keys" / "cache" / "lately" / "demo").iterdir())) == 2


def test_lines_of_all_trusts_are_read_together(store: Store) -> None:
    note(store, "1", hours=1)
    note(store, "2", hours=2, trust=parse_trust("untrusted/pr-12"))
    assert keys(store) == ["2", "1"]


def test_another_writers_line_is_kept_when_both_write_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    swap, between = store.swap_document, iter([True])

    def raced(key: str, before: bytes | None, after: bytes) -> bool:
        if next(between, False):
            note(store, "theirs")
        return swap(key, before, after)

    monkeypatch.setattr(store, "swap_document", raced)
    note(store, "ours")
    assert sorted(keys(store)) == ["ours", "theirs"]


def test_line_is_given_up_when_it_is_swapped_in_vain(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "swap_document", lambda *_: False)
    note(store, "1")
    assert keys(store) == []
