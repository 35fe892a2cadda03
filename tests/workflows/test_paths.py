import pytest

from workflows.paths import LONGEST_KEY, Part, key_in_path, parts


def test_path_is_taken_apart_when_it_has_visits_items_and_passes():
    assert list(parts("epics[E-12]/design@2#3/a")) == [
        Part("epics", "E-12", None, "epics[E-12]"),
        Part("design", None, 3, "epics[E-12]/design@2#3"),
        Part("a", None, None, "epics[E-12]/design@2#3/a"),
    ]


def test_taking_apart_ends_when_a_part_is_of_somebody_else_s_making():
    assert [part.step_id for part in parts("a/[x/b")] == ["a"]


@pytest.mark.parametrize("key", ["a/b", "[x]", "a#1", "a@2", "~", "ä", "a b", "%41"])
def test_key_holds_no_mark_of_a_path_when_it_is_encoded(key: str):
    encoded = key_in_path(key)
    assert not set(encoded) & set("/[]#@~ ")
    assert [part.key for part in parts(f"x[{encoded}]")] == [encoded]


def test_long_keys_stay_apart_when_they_are_shortened():
    first, second = key_in_path("k" * 200 + "1"), key_in_path("k" * 200 + "2")
    assert first != second
    assert len(first) == len(second) == LONGEST_KEY
