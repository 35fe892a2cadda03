import json
import re
import string
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from definitions.errors import DefinitionInvalid
from definitions.loader import Loaded, definition_digest, frozen, load, load_file, require
from definitions.models import Definition
from definitions.rendering import render_json, render_text
from definitions.steps import AgentStep

EXAMPLE = Path(__file__).parent / "examples/older-spellings.yaml"
SMALL = "name: small\nsteps:\n  - {id: a, type: wait, duration: 1s}\n"


def test_definition_is_there_when_nothing_is_wrong():
    loaded = load(SMALL, "small.yaml")
    assert loaded.diagnostics == ()
    assert loaded.definition is not None
    assert loaded.definition.id == "small"
    assert loaded.source == SMALL


def test_older_spellings_load_when_written_as_they_stand():
    loaded = load_file(EXAMPLE)
    assert loaded.diagnostics == ()
    assert loaded.definition is not None
    assert loaded.definition.id == "cover-one-module"
    agent = loaded.definition.steps[2]
    assert isinstance(agent, AgentStep)
    assert (agent.provider, agent.is_cached) == ("claude-code", True)


def test_json_loads_when_it_says_the_same_as_yaml():
    definition = require(EXAMPLE.read_bytes(), "a.yaml")
    again = require(json.dumps(frozen(definition)), "a.json")
    assert again == definition


def test_frozen_form_validates_back_when_dumped():
    definition = require(EXAMPLE.read_bytes(), "a.yaml")
    assert Definition.model_validate(frozen(definition)) == definition
    assert Definition.model_validate_json(json.dumps(frozen(definition))) == definition


def test_digest_follows_content_when_only_the_layout_differs():
    first = definition_digest(require(SMALL, "a.yaml"))
    assert first == definition_digest(require("# note\n" + SMALL + "x-owner: team\n", "b.yaml"))
    assert first != definition_digest(require(SMALL.replace("1s", "2s"), "a.yaml"))


def test_error_is_raised_when_a_definition_is_required():
    with pytest.raises(DefinitionInvalid) as caught:
        require("name: x\nsteps: []\n", "x.yaml")
    assert [finding.code for finding in caught.value.diagnostics] == ["invalid-value"]


def test_warnings_do_not_hinder_when_a_definition_is_required():
    assert require("outputs: {a: {}}\n" + SMALL, "x.yaml").id == "small"


def test_all_findings_come_in_one_pass_when_many_things_are_wrong():
    text = """
name: many
inputs: {n: {type: numbr}}
steps:
  - {id: a, type: shel, command: make}
  - {id: b, type: shell, command: "echo {{ steps.zz.outputs.x }} {{ inputs.m }}", timeout: 5}
  - {id: b, type: wait, duration: 1s, needs: [nobody]}
  - {id: c, type: group, steps: [{id: d, type: agent}]}
"""
    codes = [finding.code for finding in load(text, "x").diagnostics]
    assert codes == [
        "invalid-value", "unknown-step-type", "unknown-step", "unknown-input", "invalid-value",
        "duplicate-step-id", "unknown-step", "missing-key",
    ]  # fmt: skip


def test_findings_are_in_the_order_of_the_text_when_shown():
    places = [finding.span or (0,) for finding in load("x: 1\ny: 2\nsteps: 3\nname: 4\n", "x").diagnostics]
    assert places == sorted(places)


def test_second_finding_about_a_place_is_left_out_when_the_guard_refused_it():
    codes = [finding.code for finding in load(SMALL + "env: *none\n", "x").diagnostics]
    assert codes == ["yaml-anchor"]


@pytest.mark.parametrize("text", ["- a\n", "text", "12", "null", "[]"])
def test_text_is_refused_when_it_is_no_mapping(text: str):
    assert [finding.code for finding in load(text, "x").diagnostics] == ["wrong-type"]


def test_file_is_read_no_further_when_it_is_too_large(tmp_path: Path):
    path = tmp_path / "big.yaml"
    path.write_bytes(b"#" * (3 << 20))
    assert [finding.code for finding in load_file(path).diagnostics] == ["text-too-large"]


def test_missing_file_is_the_callers_matter_when_loaded(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        load_file(tmp_path / "nothing.yaml")


# --- whatever comes ---------------------------------------------------------------------------------

WORDS = st.sampled_from(
    [
        "name", "steps", "id", "type", "shell", "group", "agent", "command", "when", "needs", "outputs", "inputs", "a",
        "b", "{{ steps.a.outputs.b }}", "{{", "}}", "1s", "parallel", "mode", "- ", ": ", "\n", "\n  ", "\n    - ", "[",
        "]", "{", "}", ",", "'", '"', "|", ">", "&a", "*a", "!t", "#", "1.10", "true", "null", "x-",
        "cache", "retry", "condition",
    ]
)  # fmt: skip
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(string.printable, max_size=12)
    | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=6), inner, max_size=5),
    max_leaves=25,
)


def assert_is_sound(loaded: Loaded) -> None:
    assert len(loaded.diagnostics) <= 300
    assert (loaded.definition is None) == any(finding.severity == "error" for finding in loaded.diagnostics)
    text = render_text(loaded.diagnostics, {"f": loaded.source}, color=True)
    assert len(text) <= 2000 * (1 + len(loaded.diagnostics)) + 200_000
    assert len(render_json(loaded.diagnostics)) == len(loaded.diagnostics)


@given(st.binary(max_size=200))
def test_nothing_is_raised_when_bytes_are_loaded(content: bytes):
    assert_is_sound(load(content, "f"))


@given(st.lists(WORDS, max_size=40).map("".join))
def test_nothing_is_raised_when_words_of_the_language_are_shuffled(text: str):
    assert_is_sound(load(text, "f"))


@given(VALUES)
def test_nothing_is_raised_when_any_json_is_loaded(value: object):
    assert_is_sound(load(json.dumps(value), "f"))


STEP_KEYS = st.sampled_from(
    ["id", "type", "command", "when", "needs", "steps", "mode", "outputs", "cache", "retry", "timeout", "env", "inputs",
     "condition", "values", "duration", "prompt", "approvers", "on_failure", "for_each", "budget", "working_directory"]
)  # fmt: skip
STEPS = st.lists(
    st.dictionaries(STEP_KEYS, VALUES, max_size=6).map(lambda step: {"id": "a", "type": "shell", **step}), max_size=4
)


@given(STEPS, st.dictionaries(st.sampled_from(["inputs", "outputs", "env", "cache", "workspace"]), VALUES, max_size=2))
@settings(max_examples=60)
def test_nothing_is_raised_when_steps_hold_anything(steps: list[object], more: dict[str, object]):
    assert_is_sound(load(json.dumps({"name": "x", "steps": steps, **more}), "f"))


@given(st.integers(0, 2000), st.sampled_from(["", "{{", " - ", ": ", "\t", "é😀", "&a", "[", "\x00", "'", "\n\n", "|"]))
@settings(max_examples=80)
def test_nothing_is_raised_when_a_good_text_is_damaged(at: int, piece: str):
    text = EXAMPLE.read_text(encoding="utf-8")
    assert_is_sound(load(text[:at] + piece + text[at + 3 :], "f"))


def many_steps(count: int) -> str:
    step = """  - id: step_{0}
    type: shell
    when: inputs.go
    command: |
      echo {{{{ inputs.who }}}} {{{{ default(steps.step_{1}.outputs.stdout, "-") }}}}
    timeout: 5m
    outputs: {{report: out/report.xml}}
"""
    steps = "".join(step.format(index, max(index - 1, 0)) for index in range(1, count))
    first = "  - {id: step_0, type: shell, when: inputs.go, command: make}\n"
    return f"name: many\ninputs: {{who: {{}}, go: {{type: boolean}}}}\nsteps:\n{first}{steps}"


def seconds(text: str) -> float:
    before = time.perf_counter()
    assert load(text, "f").diagnostics == ()
    return time.perf_counter() - before


def test_thousand_steps_take_under_two_seconds_when_loaded():
    assert min(seconds(many_steps(1000)) for _ in range(2)) < 2


def flow_steps(count: int, step: str) -> str:
    numbers = [{"NEXT": str(i + 1), "PAIR": str(i ^ 1), "I": str(i)} for i in range(count)]
    steps = [re.sub("NEXT|PAIR|I", lambda found, n=n: n[found.group()], step) for n in numbers]
    return f"name: x\nsteps: [{', '.join(steps)}]\n"


def shell(command: str) -> str:
    return f'name: x\nsteps:\n - {{id: a, type: shell, command: "{command}"}}\n'


BIG = {
    "twins": flow_steps(8000, "{id: a, type: wait, duration: 1s}"),
    "chain of needs": flow_steps(4000, "{id: sI, type: set, needs: [sNEXT], values: {a: 1}}"),
    "many cycles": flow_steps(4000, "{id: sI, type: set, needs: [sPAIR], values: {a: 1}}"),
    "unknown types": flow_steps(8000, "{id: sI, type: sett}"),
    "unknown keys": "name: x\n" + "".join(f"key{i}: 1\n" for i in range(20_000)),
    "unknown inputs": flow_steps(8000, '{id: sI, type: set, values: {v: "{{ inputs.xI }}"}}'),
    "references": flow_steps(5000, '{id: sI, type: set, when: "true", values: {v: "{{ sNEXT.outputs.v }}"}}'),
    "placeholders": shell("echo " + "{{ inputs.x }} " * 4000),
    "open placeholders": shell("{{ " * 100_000),
    "deep expression": shell("echo {{ " + "not " * 900 + "true }}"),
    "deep condition": flow_steps(
        1, "{id: sI, type: assert, condition: '" + "(true and " * 180 + "true" + ")" * 180 + "'}"
    ),
    "long command": shell("x" * 900_000),
    "long name": "name: " + "x" * 900_000 + "\nsteps: []\n",
}


@pytest.mark.parametrize("name", BIG)
def test_cost_is_bounded_when_a_text_is_big_and_hostile(name: str):
    before = time.perf_counter()
    assert_is_sound(load(BIG[name], "f"))
    assert time.perf_counter() - before < 10
