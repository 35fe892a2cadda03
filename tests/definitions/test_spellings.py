import pytest

from definitions.loader import load, require
from definitions.spellings import slug
from definitions.steps import AgentStep, GroupStep, SetStep, ShellStep

STEPS = "steps:\n  - {id: a, type: wait, duration: 1s}\n"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Raise coverage", "raise-coverage"),
        ("  Fix: typing (mypy)!", "fix-typing-mypy"),
        ("a_b-c", "a_b-c"),
        ("Äpfel", "pfel"),
        ("日本", ""),
        ("x" * 200, "x" * 100),
    ],
)
def test_id_is_url_safe_when_made_from_a_name(name: str, expected: str):
    assert slug(name) == expected


def test_name_gives_the_id_when_there_is_none():
    definition = require(f"name: Raise coverage\n{STEPS}", "f")
    assert (definition.id, definition.name) == ("raise-coverage", "Raise coverage")


def test_id_gives_the_name_when_there_is_none():
    definition = require(f"id: raise\n{STEPS}", "f")
    assert (definition.id, definition.name) == ("raise", "raise")


def test_both_stay_when_both_are_given():
    definition = require(f"id: raise\nname: Other\n{STEPS}", "f")
    assert (definition.id, definition.name) == ("raise", "Other")


@pytest.mark.parametrize("kind", ["claude_code", "claude-code"])
def test_provider_type_is_an_agent_step_when_loaded(kind: str):
    step = require(f"name: x\nsteps: [{{id: a, type: {kind}, prompt: p}}]\n", "f").steps[0]
    assert isinstance(step, AgentStep)
    assert (step.type, step.provider) == ("agent", "claude-code")


def test_given_provider_stays_when_the_type_names_one_too():
    step = require("name: x\nsteps: [{id: a, type: claude_code, provider: scripted, prompt: p}]\n", "f").steps[0]
    assert isinstance(step, AgentStep)
    assert step.provider == "scripted"


def test_provider_type_is_normalised_when_inside_groups():
    agent = "{id: a, type: claude_code, prompt: p}"
    text = f"name: x\nsteps: [{{id: g, type: group, steps: [{{id: h, type: group, steps: [{agent}]}}]}}]\n"
    outer = require(text, "f").steps[0]
    assert isinstance(outer, GroupStep)
    inner = outer.steps[0]
    assert isinstance(inner, GroupStep)
    assert inner.steps[0].type == "agent"


def test_finding_points_at_the_older_word_when_it_is_about_what_was_made_of_it():
    found = load("name: x\nsteps: [{id: a, type: claude_code}]\n", "f").diagnostics
    assert [(finding.code, finding.span and finding.span[:2]) for finding in found] == [("missing-key", (2, 23))]


def test_free_keys_are_dropped_when_in_mappings_of_the_language():
    text = """
name: x
x-team: {anything: [1]}
inputs: {x-template: 1, a: {x-note: 1, default: {x-kept: 1}, type: object}}
env: {x-note: 1}
steps:
  - id: a
    type: shell
    command: make
    x-note: 3
    retry: {x-why: because}
    cache: {x-a: 1}
    outputs: {x-note: 5}
  - {id: b, type: set, values: {x-kept: 1}}
metadata: {x-kept: 2}
"""
    definition = require(text, "f")
    assert set(definition.inputs) == {"a"}
    assert definition.inputs["a"].default == {"x-kept": 1}
    assert definition.metadata == {"x-kept": 2}
    shell, values = definition.steps
    assert isinstance(shell, ShellStep)
    assert shell.outputs == {}
    assert isinstance(values, SetStep)
    assert values.values == {"x-kept": 1}


@pytest.mark.parametrize(
    "text", ["name: [a]\n", "name: 3\n", "steps: 3\n", "steps: [3]\n", "type: claude_code\nname: x\n"]
)
def test_shape_is_left_to_validation_when_it_is_wrong(text: str):
    assert load(text, "f").definition is None


@pytest.mark.parametrize("name", ["default", "value", "metadata", "inputs", "enum"])
def test_extensions_are_dropped_when_a_declaration_has_the_name_of_a_free_form_key(name: str):
    text = f"name: x\ninputs: {{{name}: {{x-note: 1}}}}\noutputs: {{{name}: {{value: '1', x-note: 1}}}}\n{STEPS}"
    assert load(text, "f").definition is not None
