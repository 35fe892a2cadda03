import pytest

from definitions import planned
from definitions.foreign_words import KEYS, NAMES
from definitions.loader import load
from definitions.shape import MODELS, keys_of

HEAD = "name: foreign\ndescription: d\nsteps:\n  - id: first\n    type: shell\n    command: echo\n"


def help_of(text: str, code: str) -> str | None:
    return next(finding.help for finding in load(text, "f").diagnostics if finding.code == code)


@pytest.mark.parametrize("place", [place for place in KEYS if place != "step"])
def test_word_is_none_of_ours_when_it_is_foreign(place: str):
    ours = {*keys_of(MODELS[place.replace("_", "-")]), *planned.KEYS.get(place, ())}
    assert ours.isdisjoint(KEYS[place])


def test_word_is_no_key_of_every_step_when_it_is_foreign():
    ours = {*keys_of(MODELS["step"]), *planned.KEYS["step"]}
    assert ours.isdisjoint(KEYS["step"])


def test_our_word_is_told_when_a_key_is_of_another_system():
    assert help_of(HEAD + "    run: make\n", "unknown-key") == "write `type: shell` and `command:`"
    assert help_of(HEAD + "    condition: inputs.x\n", "unknown-key") == (
        "write `when:` for whether a step runs; `condition` is what an `assert` step holds"
    )
    assert help_of(HEAD + "    retry: {attempts: 3}\n", "unknown-key") == (
        "write `max_attempts:`; the first attempt counts"
    )
    assert help_of("jobs: {}\n" + HEAD, "unknown-key") == "write `steps:`, a list in which each step has its `id`"


def test_near_key_is_told_when_the_word_is_of_no_system():
    assert help_of(HEAD + "    comand: make\n", "unknown-key") == "did you mean `command`?"


@pytest.mark.parametrize("name", NAMES)
def test_our_word_is_told_when_a_name_is_of_another_system(name: str):
    text = HEAD + f"  - {{id: second, type: wait, duration: 1s, when: '{name} == 1'}}\n"
    assert help_of(text, "unknown-name") == NAMES[name]
