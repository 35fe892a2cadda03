import pytest

from tests.support.lint_findings import HEAD, said

INPUTS = f"{HEAD}inputs: {{a: {{description: d}}, b: {{description: d}}}}\n"


def unused(step: str) -> list[str]:
    return [name for _, name in said(f"steps:\n  - {step}\n", "unused-input", head=INPUTS)]


@pytest.mark.parametrize(
    ("step", "names"),
    [
        ("{id: x, type: shell, command: ls}", ["a", "b"]),
        ("{id: x, type: shell, command: 'ls {{ inputs.a }}'}", ["b"]),
        ("{id: x, type: shell, command: ls, when: inputs.a == inputs.b}", []),
        ("{id: x, type: shell, command: ls, env: {V: '{{ inputs[\"b\"] }}'}}", ["a"]),
        ("{id: x, type: set, values: {v: '{{ inputs }}'}}", []),
        ("{id: x, type: set, values: {v: '{{ json(inputs) }}'}}", []),
        ("{id: x, type: set, values: {v: '{{ inputs[inputs.a] }}'}}", []),
        ("{id: x, type: group, steps: [{id: y, type: wait, duration: '{{ inputs.a }}'}]}", ["b"]),
    ],
)
def test_input_is_unused_when_no_text_refers_to_it(step: str, names: list[str]):
    assert unused(step) == names


def test_input_is_used_when_an_output_refers_to_it():
    text = 'outputs: {o: {value: "{{ inputs.a }}"}}\nsteps: [{id: x, type: shell, command: ls}]\n'
    assert [name for _, name in said(text, "unused-input", head=INPUTS)] == ["b"]
