from pathlib import Path

import jsonschema
import pytest
import yaml

from definitions import catalog
from definitions.graph import mermaid, predecessors
from definitions.loader import load, require
from definitions.schema import json_schema
from definitions.shape import STEP_BY_TYPE

EXAMPLE = Path(__file__).parent / "examples/older-spellings.yaml"


def errors_of(text: str) -> list[str]:
    validator = jsonschema.Draft202012Validator(json_schema())
    return [error.message for error in validator.iter_errors(yaml.safe_load(text))]


def test_schema_is_valid_when_made():
    jsonschema.Draft202012Validator.check_schema(json_schema())


def test_older_spellings_fit_the_schema_when_they_load():
    assert errors_of(EXAMPLE.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("name", catalog.names())
def test_catalog_loads_and_fits_the_schema_when_read(name: str):
    text, file = catalog.read(name)
    assert errors_of(text) == []
    assert load(text, file).definition is not None


@pytest.mark.parametrize(
    "text",
    [
        "steps: [{id: a, type: wait, duration: 1s}]",
        "{name: x, steps: [{id: a, type: wait, duration: 1s, unknown: 1}]}",
        "{name: x, steps: [{id: a, type: codex, prompt: p}]}",
        "{name: x, steps: [{id: a, type: shell}]}",
        "{name: x, steps: []}",
    ],
)
def test_schema_refuses_when_the_loader_does(text: str):
    assert errors_of(text) != []
    assert load(text, "f").definition is None


@pytest.mark.parametrize(
    "text",
    [
        "{id: x, steps: [{id: a, type: wait, duration: 1s, x-note: 1}], x-team: a}",
        "{name: x, steps: [{id: g, type: group, steps: [{id: a, type: claude_code, prompt: p}]}]}",
    ],
)
def test_schema_allows_when_the_loader_does(text: str):
    assert errors_of(text) == []
    assert load(text, "f").definition is not None


def test_keys_are_described_when_an_editor_asks():
    definitions = json_schema()["$defs"]
    assert isinstance(definitions, dict)
    shell = definitions["ShellStep"]
    assert isinstance(shell, dict)
    properties = shell["properties"]
    assert isinstance(properties, dict)
    assert [key for key, value in properties.items() if key != "type" and "description" not in str(value)] == []


def test_catalog_knows_no_other_names_when_asked():
    for name in ("nothing", "../loader", "", "raise-coverage.yaml"):
        with pytest.raises(KeyError):
            catalog.read(name)


def test_graph_shows_order_groups_and_needs_when_drawn():
    text = """
name: drawn
inputs: {go: {type: boolean}}
steps:
  - {id: a, type: shell, command: make}
  - id: end_it
    type: group
    mode: parallel
    steps:
      - {id: b, type: assert, condition: "1 < 2"}
      - {id: c, type: approval, when: 'inputs.go and "x" == "<b>"'}
  - {id: d, type: wait, duration: 1s, needs: [a]}
  - {id: e, type: wait, duration: 1s, needs: []}
"""
    assert mermaid(require(text, "f")) == (
        "flowchart TD\n"
        '    step_a["a<br/>shell"]\n'
        '    subgraph step_end_it["end_it (parallel)"]\n'
        '        step_b{{"b<br/>assert"}}\n'
        '        step_c[/"c<br/>approval<br/>when inputs.go and #quot;x#quot; == #quot;#lt;b#gt;#quot;"/]\n'
        "    end\n"
        '    step_d["d<br/>wait"]\n'
        '    step_e["e<br/>wait"]\n'
        "    step_a --> step_end_it\n"
        "    step_a --> step_d\n"
    )


def test_every_type_is_drawn_when_it_exists():
    assert set(STEP_BY_TYPE) == {"shell", "agent", "assert", "approval", "set", "wait", "group"}


def test_branches_have_no_predecessors_when_parallel():
    steps = require(
        "name: x\nsteps: [{id: a, type: wait, duration: 1s}, {id: b, type: wait, duration: 1s}]\n", "f"
    ).steps
    assert predecessors(steps, 1, is_parallel=False) == ["a"]
    assert predecessors(steps, 1, is_parallel=True) == []
