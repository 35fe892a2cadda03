"""The schema in a real language server: what an author sees while typing. VS Code's YAML extension is this server."""

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from definitions.schema import cases_schema, json_schema
from tests.support.editors.installing import language_server
from tests.support.language_server import CURSOR, Editor, editing

pytestmark = pytest.mark.npm

numbers = count()
GROUP = "name: x\nsteps:\n  - id: g\n    type: group\n    steps:\n"


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    folder = tmp_path_factory.mktemp("editor")
    (folder / "schema.json").write_text(json.dumps(json_schema()))
    (folder / "test-schema.json").write_text(json.dumps(cases_schema()))
    with editing(language_server(), folder, {}) as editor:
        yield editor


def shown(text: str, schema: str = "schema.json") -> tuple[str, str]:
    """Return a new file's name, and the text with the line by which editors find the schema."""
    return f"{next(numbers)}.yaml", f"# yaml-language-server: $schema={schema}\n{text}"


def findings(editor: Editor, text: str, schema: str = "schema.json") -> list[tuple[int, str]]:
    """Return line (counted without the modeline) and message of each finding."""
    found: list[dict[str, Any]] = editor.open(*shown(text, schema))
    return sorted((one["range"]["start"]["line"], one["message"].partition(". Valid")[0]) for one in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: x\nsteps:\n  - {id: a, type: shell, command: make}\n", []),
        ("name: x\nsteps:\n  - {id: a, type: claude_code, prompt: p, use_cache: true}\n", []),
        ("name: x\nsteps:\n  - id: a\n    type: shell\n", [(3, 'Missing property "command".')]),
        ("name: x\nsteps:\n  - id: a\n    type: shel\n", [(4, "Value is not accepted")]),
        (
            "name: x\nsteps:\n  - id: a\n    type: wait\n    duration: 1s\n    whn: a\n",
            [(6, "Property whn is not allowed.")],
        ),
        (
            GROUP + "      - id: b\n        type: wait\n        duration: 5 minutes\n",
            [(8, "a number with a unit (`90s`, `10m`, `1h30m`), or a template")],
        ),
        (
            "name: x\nversion: 1.10\nsteps:\n  - {id: end, type: set, values: {a: 1}}\n",
            [
                (2, 'Incorrect type. Expected "string".'),
                (4, "this word has a meaning of its own and cannot be a step's id"),
            ],
        ),
        (
            "name: x\nsteps:\n  - id: a\n    type: approval\n    approvers: ada\n    retry: {on: [faults]}\n",
            [(5, "`any`, or the longer form"), (6, "Value is not accepted")],
        ),
        ("steps: []\n", [(1, "Array has too few items. Expected 1 or more."), (1, 'Missing property "name".')]),
    ],
)
def test_fault_is_shown_once_and_at_its_place_when_written(editor: Editor, text: str, expected: list[tuple[int, str]]):
    assert findings(editor, text) == expected


@pytest.mark.parametrize(
    ("text", "offered", "not_offered"),
    [
        (CURSOR, {"definition", "name", "inputs", "steps"}, {"x-note"}),
        (f"name: x\nsteps:\n  - {CURSOR}", {"id", "type", "shell step", "group step"}, set[str]()),
        (
            f"name: x\nsteps:\n  - id: a\n    type: {CURSOR}",
            {"shell", "agent", "claude_code", "assert", "approval", "set", "wait", "group"},
            {"loop"},
        ),
        (
            f"name: x\nsteps:\n  - id: a\n    type: shell\n    {CURSOR}",
            {"command", "exit_codes", "when", "retry"},
            {"prompt", "values", "use_cache", "cache_key", "inputs", "id"},
        ),
        (
            f"{GROUP}      - id: b\n        type: agent\n        {CURSOR}",
            {"prompt", "budget"},
            {"command_line", "values"},
        ),
        (
            f"{GROUP}      - id: b\n        type: agent\n        budget:\n          {CURSOR}",
            {"usd", "tokens", "turns", "wall"},
            {"prompt"},
        ),
        (f"name: x\nsteps:\n  - id: a\n    type: wait\n    on_failure: {CURSOR}", {"stop", "end"}, {"null"}),
        (f"name: x\nsteps:\n  - id: a\n    type: approval\n    approvers: {CURSOR}", {"any"}, set[str]()),
        (f"name: x\ninputs:\n  a:\n    type: {CURSOR}", {"string", "file", "duration"}, {"shell"}),
    ],
)
def test_keys_and_values_are_offered_when_asked_for(
    editor: Editor, text: str, offered: set[str], not_offered: set[str]
):
    labels = editor.completion(*shown(text)).keys()
    assert offered <= labels
    assert not not_offered & labels


def test_snippet_brings_a_whole_step_when_taken(editor: Editor):
    found = editor.completion(*shown(f"name: x\nsteps:\n  - {CURSOR}"))
    assert found["assert step"]["insertText"].splitlines()[:2] == ["id: ${1:holds}", "  type: assert"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"na{CURSOR}me: x\n", "What people call it."),
        (f"name: x\nsteps:\n  - id: a\n    ty{CURSOR}pe: shell\n", "* `shell`: Run a script;"),
        (
            f"name: x\nsteps:\n  - id: a\n    type: shell\n    comm{CURSOR}and: make\n",
            "`{{ expr }}` stands for one value",
        ),
        (f"name: x\nsteps:\n  - id: a\n    type: shell\n    on_fail{CURSOR}ure: stop\n", "Default: `stop`"),
        (f"name: x\nsteps:\n  - id: a\n    type: shell\n    use_c{CURSOR}ache: true\n", "today: `cache: true`"),
        (f"name: x\nsteps:\n  - id: a\n    type: agent\n    budget:\n      tu{CURSOR}rns: 3\n", "Calls of the model."),
    ],
)
def test_meaning_is_shown_when_a_key_is_pointed_at(editor: Editor, text: str, expected: str):
    assert expected in editor.hover(*shown(text))


def test_test_files_are_helped_with_too(editor: Editor):
    schema = "test-schema.json"
    good = (
        "cases:\n  - name: a\n    stubs: {b: [{outputs: {x: 1}}]}\n    decisions: {c: approve, d: {verdict: reject}}\n"
    )
    assert findings(editor, good, schema) == []
    bad = "cases:\n  - nam: a\n    decisions: {c: maybe}\n    level: real\n"
    assert findings(editor, bad, schema) == [
        (2, 'Missing property "name".'),
        (2, "Property nam is not allowed."),
        (3, "`approve` or `reject`, or the longer form"),
    ]
    assert {"plan", "simulated", "real"} <= editor.completion(
        *shown(f"cases:\n  - name: a\n    level: {CURSOR}", schema)
    ).keys()
    assert "must not run" in editor.hover(
        *shown(f"cases:\n  - name: a\n    expect:\n      nev{CURSOR}er: [b]\n", schema)
    )
