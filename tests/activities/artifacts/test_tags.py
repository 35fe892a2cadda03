"""Tags: where they stand, who moved them, and two who move one at once."""

from pathlib import Path

import pytest

from activities.artifacts import tags
from activities.artifacts.tags import read_tag, remove_tag, set_tag, tags_of
from activities.store.interface import Store
from activities.store.opening import open_store
from definitions.errors import StepFailure
from tests.activities.artifacts.samples import MOMENT


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store")


def test_tag_says_where_it_stood_when_it_moves(store: Store):
    assert set_tag(store, "n", "approved", 3, now=MOMENT, by="ada") is None
    stood = set_tag(store, "n", "approved", 1, now=MOMENT, by="bob")
    now = read_tag(store, "n", "approved")
    assert stood is not None
    assert now is not None
    assert (stood.version, stood.moved_by, now.version, now.before, now.moved_by) == (3, "ada", 1, 3, "bob")


def test_tag_stays_when_a_publication_comes_late(store: Store):
    set_tag(store, "n", "t", 5, now=MOMENT, by=None)
    set_tag(store, "n", "t", 4, now=MOMENT, by=None, is_forward=True)
    assert [tag.version for _, tag in tags_of(store, "n")] == [5]
    set_tag(store, "n", "t", 6, now=MOMENT, by=None, is_forward=True)
    assert [tag.version for _, tag in tags_of(store, "n")] == [6]


def test_tag_stands_nowhere_when_it_was_removed(store: Store):
    assert remove_tag(store, "n", "t", now=MOMENT, by=None) is None
    set_tag(store, "n", "t", 2, now=MOMENT, by=None)
    stood = remove_tag(store, "n", "t", now=MOMENT, by="ada")
    assert stood is not None
    assert stood.version == 2
    assert read_tag(store, "n", "t") is None
    assert list(tags_of(store, "n")) == []
    set_tag(store, "n", "t", 1, now=MOMENT, by=None, is_forward=True)
    assert [tag.version for _, tag in tags_of(store, "n")] == [1]


def test_second_sees_the_first_when_two_move_a_tag_at_once(store: Store, monkeypatch: pytest.MonkeyPatch):
    swap, raced = store.swap_document, [False]

    def late(key: str, before: bytes | None, after: bytes) -> bool:
        if not raced[0]:
            raced[0] = True
            set_tag(store, "n", "t", 7, now=MOMENT, by="first")
        return swap(key, before, after)

    monkeypatch.setattr(store, "swap_document", late)
    stood = set_tag(store, "n", "t", 2, now=MOMENT, by="second")
    assert stood is not None
    assert (stood.version, stood.moved_by) == (7, "first")
    assert [tag.version for _, tag in tags_of(store, "n")] == [2]


def test_damaged_tag_is_told_and_can_be_set_again(store: Store):
    store.write_document("artifacts/n/tags/t", b"nothing")
    with pytest.raises(StepFailure, match="the tag `t` of `n` is damaged"):
        read_tag(store, "n", "t")
    assert list(tags_of(store, "n")) == []
    set_tag(store, "n", "t", 1, now=MOMENT, by=None)
    assert [tag.version for _, tag in tags_of(store, "n")] == [1]


def test_moving_is_given_up_when_others_never_stop(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tags, "MOST_TRIES", 2)
    monkeypatch.setattr(store, "swap_document", lambda *_: False)  # pyright: ignore[reportUnknownLambdaType]
    with pytest.raises(StepFailure, match="try again"):
        set_tag(store, "n", "t", 1, now=MOMENT, by=None)
