"""Agents and skills by name: where they are looked for, and what is said of those that are nowhere."""

import pytest

from definitions.agent_names import LONGEST_TEXT, find, joined, missing
from definitions.diagnostics import Diagnostic
from definitions.loader import Loaded, load
from definitions.models import Definition
from definitions.steps.agent import FoundNames, NamedAgent

TEXT = """
name: named
agents:
  inside: {role: I am inside, skills: [grammar]}
  half: {model: big}
steps:
  - {id: a, type: agent, agent: inside, prompt: p, skills: [python, nowhere]}
  - {id: b, type: agent, agent: half, prompt: p}
  - {id: c, type: agent, agent: listed, prompt: p}
  - {id: d, type: agent, agent: written, prompt: p}
  - {id: e, type: agent, agent: nobody, prompt: p}
  - {id: f, type: agent, agent: somebody, provider: codex, prompt: p}
"""
FILES = {
    ".perdure/agents.yaml": "agents:\n  listed: {role: I am listed, provider: scripted}\n  written: {nonsense: 1}\n",
    ".claude/agents/written.md": "---\nname: written\ndescription: says: a lot\nmodel: inherit\n---\nI am written\n",
    ".claude/agents/half.md": "I am half\n",
    ".claude/agents/inside.md": "I am not inside\n",
    ".claude/skills/python/SKILL.md": "---\nname: python\n---\n\nWrite Python.\n",
    ".claude/skills/grammar/SKILL.md": "Write well.",
}


def loaded(text: str = TEXT) -> Loaded:
    return load(text, "x.yaml")


def definition(text: str = TEXT) -> Definition:
    found = loaded(text).definition
    assert found is not None
    return found


def said(found: FoundNames, *, provider: str | None = None, at_start: bool = False) -> list[Diagnostic]:
    return list(missing(loaded().named, found, "x.yaml", provider=provider, at_start=at_start))


def test_names_are_found_in_their_order_when_several_places_have_them():
    found = find(definition(), FILES.get)
    assert {name: agent.role for name, agent in found.agents.items()} == {
        "inside": "I am inside",
        "half": "I am half",
        "listed": "I am listed",
        "written": "I am written",
    }
    assert (found.agents["half"].model, found.agents["written"].model) == ("big", None)
    assert found.agents["written"].description == "says: a lot"
    assert found.skills == {"python": "Write Python.", "grammar": "Write well."}


def test_nothing_is_read_when_no_step_names_anybody():
    def refuse(path: str) -> str | None:
        pytest.fail(path)

    found = find(definition("name: x\nsteps: [{id: a, type: agent, prompt: p}]\n"), refuse)
    assert found == FoundNames()


@pytest.mark.parametrize("text", ["- a", "agents: 3", "a: [b]", "listed: {model: m}", ": :", "agents: {listed: 3}"])
def test_file_of_agents_is_no_trap_when_it_is_odd(text: str):
    found = find(definition(), {".perdure/agents.yaml": text}.get)
    assert set(found.agents) <= {"inside", "half", "listed"}


@pytest.mark.parametrize(
    ("text", "role"),
    [("", None), ("  \n", None), ("x" * (LONGEST_TEXT + 1), None), ("---\nmodel: m\nno end", "---\nmodel: m\nno end")],
)
def test_markdown_is_taken_as_far_as_it_goes_when_it_is_odd(text: str, role: str | None):
    found = find(definition(), {".claude/agents/written.md": text}.get).agents.get("written")
    assert (found.role if found else None) == role


def test_head_is_not_read_further_when_it_has_a_model():
    found = find(definition(), {".claude/agents/written.md": "---\nmodel: 'opus'\n  more: x\n---\nbody"}.get)
    assert (found.agents["written"].model, found.agents["written"].role) == ("opus", "body")


def test_missing_names_are_warnings_when_nothing_starts():
    found = [(one.code, one.severity, one.span and one.span.line) for one in said(find(definition(), FILES.get))]
    assert found == [
        ("unknown-agent", "warning", 7),
        ("unknown-agent", "warning", 11),
        ("unavailable-provider", "warning", 12),
    ]


def test_missing_names_are_errors_when_a_run_starts():
    found = said(find(definition(), FILES.get), at_start=True)
    assert {one.severity for one in found} == {"error"}
    assert len(found) == 3
    assert all("--provider" in (one.help or "") for one in found)


def test_missing_names_are_fine_when_a_provider_is_given_for_the_run():
    assert said(FoundNames(), provider="scripted", at_start=True) == []


def test_definitions_own_agent_comes_first_when_a_caller_sends_others():
    near = find(definition(), FILES.get)
    sent = FoundNames(
        agents={"inside": NamedAgent(role="sent"), "listed": NamedAgent(role="sent")}, skills={"python": "sent"}
    )
    found = joined(near, sent, definition())
    assert (found.agents["inside"].role, found.agents["listed"].role) == ("I am inside", "sent")
    assert found.skills["python"] == "sent"


@pytest.mark.parametrize("name", ["../secrets", "a/b", ".hidden", "", "a b"])
def test_name_is_refused_when_it_could_be_a_path(name: str):
    text = f"name: x\nsteps: [{{id: a, type: agent, agent: '{name}', prompt: p, skills: ['{name}']}}]\n"
    assert [one.code for one in loaded(text).diagnostics if one.severity == "error"] == ["invalid-value"] * 2


def test_name_is_said_once_when_providers_side_by_side_share_it():
    text = "id: w\nstages: [a]\nstageConfigs: {a: {mode: parallel, providers: [scripted, command], skills: [x]}}\n"
    found = list(missing(loaded(text).named, FoundNames(), "x.yaml", at_start=True))
    assert [one.message for one in found] == ["no skill is called `x`"]
