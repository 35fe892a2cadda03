from pathlib import Path

import pytest

from activities.cache.index import lines, remember
from activities.store.interface import Store
from tests.activities.cache.results import NOON


def keys(store: Store) -> list[str]:
    return [line.key for line in lines(store, "demo", "a/b")]


def test_latest_key_comes_first_and_once(store: Store) -> None:
    for key in ("1", "2", "1"):
        remember(store, "demo", "a/b", key, "run", NOON)
    assert keys(store) == ["1", "2"]
    assert lines(store, "demo", "other") == []


def test_lines_are_bounded(store: Store) -> None:
    for number in range(30):
        remember(store, "demo", "a/b", str(number), "run", NOON)
    assert len(keys(store)) == 20


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"{}"])
def test_there_are_no_lines_when_the_document_is_damaged(store: Store, content: bytes) -> None:
    store.write_document("cache/index/demo/a%2Fb", content)
    assert keys(store) == []
    remember(store, "demo", "a/b", "1", "run", NOON)
    assert keys(store) == ["1"]


def test_long_paths_have_documents_of_their_own(store: Store) -> None:
    remember(store, "demo", "x" * 400 + "a", "1", "run", NOON)
    remember(store, "demo", "x" * 400 + "b", "2", "run", NOON)
    assert [line.key for line in lines(store, "demo", "x" * 400 + "a")] == ["1"]
    assert len(list((Path(store.location) / "keys" / "cache" / "index" / "demo").iterdir())) == 2
