import pytest
from hypothesis import given
from hypothesis import strategies as st

from definitions.models import Definition
from definitions.shape import STEP_BY_TYPE, keys_of
from definitions.suggestions import closest, did_you_mean, listed

KEYS = sorted({key for model in (Definition, *STEP_BY_TYPE.values()) for key in keys_of(model)})


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("timout", "timeout"),
        ("TimeOut", "timeout"),
        ("on-failure", "on_failure"),
        ("onfailure", "on_failure"),
        ("failure_on", "on_failure"),
        ("wehn", "when"),
        ("hwen", "when"),
        ("whn", "when"),
        ("whenn", "when"),
        ("enw", None),
        ("nev", "env"),
        ("ev", "env"),
        ("evn", "env"),
        ("zebra", None),
        ("then", "when"),
        ("man", None),
        ("time", None),
        ("failing", None),
        ("t" * 100, None),
        ("", None),
        ("-", None),
    ],
)
def test_word_is_suggested_when_it_is_close(word: str, expected: str | None):
    assert closest(word, ["timeout", "on_failure", "when", "env"]) == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("descripton", "description"),
        ("workingdirectory", "working_directory"),
        ("exit_code", "exit_codes"),
        ("securityProfile", "security_profile"),
        ("output", "outputs"),
        ("artefacts", "artifacts"),
        ("comand", "command"),
        ("promt", "prompt"),
        ("runs-on", None),
        ("parallel", None),
        ("matrix", None),
        ("uses", None),
        ("permissions", None),
        ("pipeline", None),
    ],
)
def test_key_is_suggested_when_it_is_close(word: str, expected: str | None):
    assert closest(word, KEYS) == expected


@given(st.sampled_from([key for key in KEYS if len(key) > 3]), st.data())
def test_key_is_suggested_when_one_letter_slipped(key: str, data: st.DataObject):
    at = data.draw(st.integers(0, len(key) - 1))
    slip = data.draw(st.sampled_from(["left out", "doubled", "swapped", "changed"]))
    after = key[at + 1 :]
    word = {
        "left out": key[:at] + after,
        "doubled": key[:at] + key[at] * 2 + after,
        "swapped": key[:at] + after[:1] + key[at] + after[1:],
        "changed": key[:at] + "q" + after,
    }[slip]
    found = closest(word, KEYS)
    assert found is not None
    assert len(found) - len(word) in (-1, 0, 1)


@given(st.text(alphabet="qxzjkv", min_size=1, max_size=20))
def test_nothing_is_suggested_when_a_word_is_near_nothing(word: str):
    assert closest(word, KEYS) is None


def test_nearest_is_suggested_when_several_are_close():
    assert closest("stepp", ["stops", "step", "steps"]) == "step"
    assert closest("stepz", ["steps", "stepy"]) == "steps"


def test_nothing_is_suggested_when_nothing_is_in_scope():
    assert closest("when", []) is None


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
