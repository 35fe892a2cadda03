import pytest

from definitions.suggestions import closest, did_you_mean, listed


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("timout", "timeout"),
        ("TimeOut", "timeout"),
        ("on-failure", "on_failure"),
        ("zebra", None),
        ("t" * 100, None),
        ("", None),
    ],
)
def test_word_is_suggested_when_it_is_close(word: str, expected: str | None):
    assert closest(word, ["timeout", "on_failure", "when"]) == expected


def test_help_is_given_when_a_word_is_close():
    assert did_you_mean("wehn", ["when"]) == "did you mean `when`?"
    assert did_you_mean("zebra", ["when"]) is None


def test_search_is_bounded_when_there_are_many_choices():
    assert closest("zz9999", (f"zz{number}" for number in range(100_000))) != "zz9999"


@pytest.mark.parametrize(
    ("words", "expected"),
    [([], ""), (["a"], "`a`"), (["a", "b"], "`a` and `b`"), (["a", "b", "c"], "`a`, `b` and `c`")],
)
def test_words_are_listed_when_shown(words: list[str], expected: str):
    assert listed(words) == expected
