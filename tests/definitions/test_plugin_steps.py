from collections.abc import Iterator
from pathlib import Path

import pytest

from definitions.loader import definition_digest, frozen, load, require
from definitions.models import Definition
from definitions.steps import PluginStep
from tests.support.plugin_packages import GREET, RUNS, greeting


@pytest.fixture(autouse=True)
def package(tmp_path: Path) -> Iterator[None]:
    with greeting(tmp_path / "kind-words"):
        yield


def text(step: str) -> str:
    return f"name: x\ninputs: {{n: {{type: integer}}, who: {{type: string}}}}\nsteps:\n  - id: a\n{step}"


def findings(step: str) -> list[tuple[str, str, str]]:
    """Return code, message and the marked text of each error."""
    source = text(step)
    lines = source.split("\n")
    found = []
    for one in load(source, "x.yaml").diagnostics:
        if one.severity == "error" and one.span is not None:
            found.append(
                (one.code, one.message, lines[one.span.line - 1][one.span.column - 1 : one.span.end_column - 1])
            )
    return found


GOOD = '    type: greet\n    who: "{{ inputs.who }}"\n    times: 2\n    timeout: 5s\n    when: inputs.n > 1\n'


def test_step_is_frozen_in_the_plain_form():
    step = require(text(GOOD), "x.yaml").steps[0]
    assert isinstance(step, PluginStep)
    assert (step.plugin, step.options) == ("greet", {"who": "{{ inputs.who }}", "times": 2})
    assert (step.id, step.when, step.queue) == ("a", "inputs.n > 1", "light")


def test_frozen_form_needs_no_package():
    definition = require(text(GOOD), "x.yaml")
    again = Definition.model_validate(frozen(definition))
    assert again == definition
    assert definition_digest(again) == definition_digest(definition)


def test_frozen_form_loads_as_a_text_too():
    plain = '    type: plugin\n    plugin: greet\n    options: {who: "{{ inputs.who }}", times: 2}\n'
    assert require(text(plain), "x.yaml").steps[0].model_dump()["options"] == {"who": "{{ inputs.who }}", "times": 2}


@pytest.mark.parametrize(
    ("step", "found"),
    [
        ("    type: greet\n", [("missing-key", "the greet step `a` has no `who`", "greet")]),
        ("    type: greet\n    who: ''\n", [("invalid-value", "`who`: string should have at least 1 character", "''")]),
        (
            "    type: greet\n    who: you\n    times: 11\n",
            [("invalid-value", "`times`: input should be less than or equal to 10", "11")],
        ),
        (
            "    type: greet\n    who: you\n    tags: [a, 3]\n",
            [("invalid-value", "`tags.1`: input should be a valid string", "3")],
        ),
        ("    type: greet\n    who: you\n    tiems: 2\n", [("unknown-key", "no key is called `tiems` here", "tiems")]),
        (
            "    type: greet\n    who: '{{ steps.b.outputs.x }}'\n",
            [("unknown-step", "no step is called `b`", "b")],
        ),
        ("    type: greet\n    who: you\n    timeout: soon\n", [("invalid-value", "a duration is a number", "soon")]),
        ("    type: gret\n    who: you\n", [("unknown-step-type", "no step type is called `gret`", "gret")]),
        (
            "    type: plugin\n    plugin: gret\n",
            [("unknown-step-type", "no installed package brings a step type `gret`", "gret")],
        ),
        (
            "    type: plugin\n    plugin: greet\n    options: {who: ''}\n",
            [
                ("invalid-value", "`who`: string should have at least 1 character", "''"),
            ],
        ),
        ("    type: plugin\n    plugin: greet\n", [("missing-key", "the greet step `a` has no `who`", "greet")]),
        ("    type: plugin\n    plugin: [1]\n", [("wrong-type", "`plugin` must be a text, not a list", "[")]),
        (
            "    type: plugin\n    plugin: greet\n    options: 3\n",
            [
                ("wrong-type", "`options` must be a mapping, not the number `3`", "3"),
            ],
        ),
    ],
)
def test_finding_points_into_the_text_when_the_model_complains(step: str, found: list[tuple[str, str, str]]):
    shown = findings(step)
    assert [(code, mark) for code, _, mark in shown] == [(code, mark) for code, _, mark in found]
    for (_, message, _), (_, expected, _) in zip(shown, found, strict=True):
        assert message.startswith(expected)


def test_templates_are_not_judged_before_they_are_resolved():
    step = '    type: greet\n    who: you\n    times: "{{ inputs.n }}"\n    tags: ["{{ inputs.who }}"]\n'
    assert findings(step) == []


def test_suggestion_is_made_when_a_key_is_nearly_right():
    helps = [one.help for one in load(text("    type: greet\n    woh: you\n"), "x.yaml").diagnostics]
    assert "did you mean `who`?" in helps


def test_steps_inside_others_are_found():
    inside = "    type: group\n    steps:\n      - {id: b, type: greet, who: you, compensate: {type: greet, who: me}}\n"
    assert findings(inside) == []
    assert findings(inside.replace("me}", "''}")) == [
        ("invalid-value", "`who`: string should have at least 1 character", "''")
    ]


def test_outputs_of_the_step_can_be_referred_to():
    after = GOOD + "  - {id: b, type: shell, command: 'echo {{ default(steps.a.outputs.said, 1) }}'}\n"
    assert findings(after) == []


@pytest.mark.parametrize(
    ("model", "step", "found"),
    [
        (
            "    @model_validator(mode='after')\n    def fits(self):\n"
            "        raise ValueError('they do not fit together')\n",
            "    type: odd\n    who: you\n",
            [("invalid-value", "the odd step `a`: value error, they do not fit together", "odd")],
        ),
        (
            "    @model_validator(mode='before')\n    @classmethod\n"
            "    def fits(cls, value):\n        raise KeyError('x')\n",
            "    type: odd\n    who: you\n",
            [("plugin-failed", "the model of `odd` (package `odd-words`) failed: KeyError: 'x'", "odd")],
        ),
        ("    model_config = {'extra': 'allow'}\n", "    type: odd\n    who: you\n    more: 1\n", []),
        (
            "    inner: 'dict[str, int]' = {}\n",
            "    type: odd\n    who: you\n    inner: {a: x}\n",
            [("invalid-value", "`inner.a`: input should be a valid integer", "x")],
        ),
    ],
)
def test_models_of_every_kind_are_asked(tmp_path: Path, model: str, step: str, found: list[tuple[str, str, str]]):
    source = "from pydantic import model_validator\n" + (GREET + RUNS).replace("    tags: list[str] = []\n", model)
    with greeting(tmp_path / "odd-words", "odd", source):
        assert findings(step) == found


def test_nothing_else_is_said_of_a_step_whose_package_is_broken(tmp_path: Path):
    with greeting(tmp_path / "no-words", "broken", ""):
        assert [code for code, _, _ in findings("    type: broken\n    who: you\n")] == ["plugin-failed"]
        plain = "    type: plugin\n    plugin: broken\n"
        assert [code for code, _, _ in findings(plain)] == ["plugin-failed"]
