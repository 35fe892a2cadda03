import pytest

from tests.support.lint_findings import said

CODE = "missing-description"
STEPS = "steps: [{id: x, type: shell, command: 'ls {{ inputs.a }}'}]\n"


@pytest.mark.parametrize("described", ["", "description:\n", "description: ' '\n"])
def test_definition_is_found_when_nothing_describes_it(described: str):
    text = f"inputs: {{a: {{description: d}}}}\n{STEPS}"
    assert said(text, CODE, head=f"name: release\n{described}")[0][1] == "name"


def test_input_is_found_when_nothing_describes_it():
    text = f"inputs:\n  a: {{default: x}}\n{STEPS}"
    assert said(text, CODE, head="name: release\ndescription: d\n") == [(2, "a")]


def test_nothing_is_found_when_all_is_described():
    text = f"inputs: {{a: {{description: d}}}}\n{STEPS}"
    assert said(text, CODE, head="name: release\ndescription: d\n") == []
