"""Where secrets may stand."""

import pytest

from tests.support.step_lists import findings

ENV = '{id: a, type: shell, command: "true", env: {TOKEN: "%s"}}'


def codes(steps: str, top: str = "") -> list[tuple[str, str]]:
    return findings(steps, f"{top}\n" if top else "")


@pytest.mark.parametrize("text", ["{{ secrets.TOKEN }}", "{{secrets.TOKEN}}", " {{ secrets.TOKEN }} "])
def test_secret_is_sound_when_it_is_a_whole_variable_of_a_step(text: str):
    assert codes(ENV % text, "secrets: [TOKEN]") == []


@pytest.mark.parametrize(
    "step",
    [
        ENV % "Bearer {{ secrets.TOKEN }}",
        ENV % "{{ upper(secrets.TOKEN) }}",
        ENV % "{{ secrets['TOKEN'] }}",
        ENV % "{{ secrets }}",
        '{id: a, type: shell, command: "curl {{ secrets.TOKEN }}"}',
        '{id: a, type: set, values: {t: "{{ secrets.TOKEN }}"}}',
        '{id: a, type: shell, command: "true", when: secrets.TOKEN == "x"}',
        '{id: a, type: agent, prompt: "{{ secrets.TOKEN }}"}',
    ],
)
def test_secret_is_misplaced_when_its_value_would_be_recorded(step: str):
    assert [code for code, _ in codes(step, "secrets: [TOKEN]")] == ["misplaced-secret"]


def test_secret_is_misplaced_when_every_step_would_have_it():
    found = codes('{id: a, type: shell, command: "true"}', 'secrets: [TOKEN]\nenv: {T: "{{ secrets.TOKEN }}"}')
    assert [code for code, _ in found] == ["misplaced-secret"]


def test_secret_is_unknown_when_the_definition_does_not_list_it():
    assert codes(ENV % "{{ secrets.TOKN }}", "secrets: [TOKEN]")[0][0] == "unknown-secret"
    assert codes(ENV % "{{ secrets.TOKEN }}")[0][0] == "unknown-secret"


def test_list_is_told_when_a_name_stands_twice_or_is_none():
    assert codes(ENV % "{{ secrets.TOKEN }}", "secrets: [TOKEN, TOKEN]")[0][0] == "duplicate-item"
    assert codes(ENV % "x", "secrets: [no-name]")[0][0] == "invalid-value"
