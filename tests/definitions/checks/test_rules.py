"""Rules over a whole definition, other than what steps may refer to."""

import pytest

from definitions.loader import load
from tests.support.step_lists import NOT_RUN, WHEN, Found, findings, group, makes, reads

TOPS: dict[str, tuple[str, list[str], Found]] = {
    "output of a step": ('outputs: {o: {value: "{{ steps.a.outputs.v }}"}}\n', [makes("a")], []),
    "output of a skipped step": ('outputs: {o: {value: "{{ steps.a.outputs.v }}"}}\n', [makes("a", WHEN)], [NOT_RUN]),
    "output after an early end": (
        'outputs: {o: {value: "{{ steps.a.outputs.v }}"}}\n',
        [makes("b", ", on_failure: end"), makes("a")],
        [],
    ),
    "output of an unknown step": (
        'outputs: {o: {value: "{{ steps.b.outputs.v }}"}}\n',
        [makes("a")],
        [("unknown-step", "b")],
    ),
    "environment of the run": ('env: {A: "{{ inputs.n }}"}\n', [makes("a")], []),
    "environment from a step": ('env: {A: "{{ steps.a.outputs.v }}"}\n', [makes("a")], [NOT_RUN]),
    "output by its name": ("outputs: {v: {}}\n", [makes("a")], []),
    "output by an artifact's name": ("outputs: {v: {}}\n", ["{id: a, type: shell, command: x, artifacts: {v: v}}"], []),
    "output by two names": ("outputs: {v: {}}\n", [makes("a"), makes("b")], [("output-without-value", "v")]),
    "output by no name": ("outputs: {w: {}}\n", [makes("a")], [("output-without-value", "w")]),
}


@pytest.mark.parametrize("name", TOPS)
def test_definitions_own_texts_are_checked_when_they_refer_to_steps(name: str):
    top, steps, expected = TOPS[name]
    assert findings("\n".join(steps), top) == expected


NEEDS: dict[str, tuple[list[str], Found]] = {
    "unknown": ([makes("abc"), makes("b", ", needs: [abd]")], [("unknown-step", "abd")]),
    "itself": ([makes("a", ", needs: [a]")], [("dependency-cycle", "a")]),
    "each other": ([makes("a", ", needs: [b]"), makes("b", ", needs: [a]")], [("dependency-cycle", "b")]),
    "through the list": ([makes("a", ", needs: [c]"), makes("b"), makes("c")], [("dependency-cycle", "c")]),
    "two cycles": (
        [
            makes("a", ", needs: [b]"),
            makes("b", ", needs: [a]"),
            makes("c", ", needs: [d]"),
            makes("d", ", needs: [c]"),
        ],
        [("dependency-cycle", "b"), ("dependency-cycle", "d")],
    ),
    "in a group": (
        [group("g", "sequential", makes("a", ", needs: [b]"), makes("b", ", needs: [a]"))],
        [("dependency-cycle", "b")],
    ),
    "another list": ([makes("a"), group("g", "sequential", makes("b", ", needs: [a]"))], [("unknown-step", "a")]),
    "into a group": ([group("g", "sequential", makes("a")), makes("b", ", needs: [a]")], [("unknown-step", "a")]),
    "parallel": ([group("g", "parallel", makes("a"), makes("b", ", needs: [a]"))], [("needs-in-parallel", "needs")]),
    "parallel, none": ([group("g", "parallel", makes("a"), makes("b", ", needs: []"))], []),
    "twice the same": ([makes("a"), makes("b", ", needs: [a, a]")], [("duplicate-item", "a")]),
    "behind a cycle": ([makes("a", ", needs: [a]"), makes("b", ", needs: [a]")], [("dependency-cycle", "a")]),
}


@pytest.mark.parametrize("name", NEEDS)
def test_needs_are_checked_when_they_name_steps(name: str):
    steps, expected = NEEDS[name]
    assert findings("\n".join(steps)) == expected


def test_order_is_not_guessed_when_steps_wait_for_each_other():
    steps = [makes("a", ", needs: [b]"), reads("a", reader="b", keys=", needs: [a]")]
    assert [code for code, _ in findings("\n".join(steps))] == ["dependency-cycle"]


OTHERS: dict[str, tuple[list[str], Found]] = {
    "same id": ([makes("a"), makes("a")], [("duplicate-step-id", "a")]),
    "same id in a group": ([makes("a"), group("g", "parallel", makes("a"))], [("duplicate-step-id", "a")]),
    "id thrice": ([makes("a"), makes("a"), makes("a")], [("duplicate-step-id", "a")] * 2),
    "reserved": ([makes("inputs")], [("reserved-id", "inputs")]),
    "reserved result": ([makes("result")], [("reserved-id", "result")]),
    "condition on a number": ([makes("a", ", when: inputs.n")], [("condition-not-boolean", "inputs.n")]),
    "condition on a number in braces": (
        [makes("a", ", when: '{{ inputs.n }}'")],
        [("condition-not-boolean", "inputs.n")],
    ),
    "condition on env": ([makes("a", ", when: env.CI")], [("condition-not-boolean", "env.CI")]),
    "condition on the run": ([makes("a", ", when: run.id")], [("condition-not-boolean", "run.id")]),
    "condition on a status": ([makes("a"), makes("b", ", when: a.status")], [("condition-not-boolean", "a.status")]),
    "condition on an exit code": (
        ["{id: a, type: shell, command: x}", makes("b", ", when: steps.a.outputs.exit_code")],
        [("condition-not-boolean", "steps.a.outputs.exit_code")],
    ),
    "condition on a list": ([makes("a", ", when: inputs.list")], [("condition-not-boolean", "inputs.list")]),
    "condition on an object": ([makes("a", ", when: inputs.map")], [("condition-not-boolean", "inputs.map")]),
    "condition on a text": ([makes("a", ", when: inputs.text")], [("condition-not-boolean", "inputs.text")]),
    "condition on a cached flag": ([makes("a"), makes("b", ", when: steps.a.cached")], []),
    "condition on a boolean input": ([makes("a", WHEN)], []),
    "condition on a set number": (
        [makes("a"), makes("b", ", when: steps.a.outputs.v")],
        [("condition-not-boolean", "steps.a.outputs.v")],
    ),
    "condition on a set boolean": (
        ["{id: a, type: set, values: {v: '{{ inputs.n > 3 }}'}}", makes("b", ", when: steps.a.outputs.v")],
        [],
    ),
    "condition on text": ([makes("a", ", when: '\"yes\"'")], [("condition-not-boolean", '"yes"')]),
    "condition with a comparison": ([makes("a", ", when: inputs.n > 3 and env.CI == 'true'")], []),
    "always elsewhere": (["{id: a, type: assert, condition: always()}"], [("misplaced-function", "always")]),
    "always in when": ([makes("a", ", when: always()")], []),
    "absolute output": (
        ["{id: a, type: shell, command: x, outputs: {v: /etc/passwd}}"],
        [("path-escapes", "/etc/passwd")],
    ),
    "output above": (["{id: a, type: shell, command: x, outputs: {v: a/../../b}}"], [("path-escapes", "a/../../b")]),
    "artifact above": (["{id: a, type: shell, command: x, artifacts: {v: ../b}}"], [("path-escapes", "../b")]),
    "working directory above": (
        ["{id: a, type: shell, command: x, working_directory: ../..}"],
        [("path-escapes", "../..")],
    ),
    "path from a template": (["{id: a, type: shell, command: x, outputs: {v: '{{ inputs.n }}/../..'}}"], []),
    "number as a shell output": (["{id: a, type: shell, command: x, outputs: {v: 3}}"], [("invalid-value", "3")]),
    "value set twice": (
        [makes("a", ", outputs: {v: 2}")],
        [("duplicate-output", "v")],
    ),
    "output beside values": ([makes("a", ", outputs: {w: 2}")], []),
    "wait by a template": (['{id: a, type: wait, duration: "{{ inputs.n }}s"}'], []),
    "unsafe value": (
        ["{id: a, type: shell, command: 'bash -c {{ inputs.n }}'}"],
        [("unsafe-shell-value", "{{ inputs.n }}")],
    ),
    "open placeholder": (["{id: a, type: shell, command: 'echo {{ inputs.n'}"], [("template-syntax", "{{")]),
    "open string in a placeholder": (
        ["""{id: a, type: set, values: {v: "{{ 'a }} {{ inputs.q }}"}}"""],
        [("expression-syntax", "'"), ("unknown-input", "q")],
    ),
    "no function": ([makes("a", ", when: lenn(1) > 0")], [("unknown-function", "lenn")]),
}


@pytest.mark.parametrize("name", OTHERS)
def test_place_is_shown_when_a_rule_is_broken(name: str):
    steps, expected = OTHERS[name]
    found = findings("\n".join(steps))
    assert [one for one in found if one[0] != "template-syntax" or expected == [one]] == expected


@pytest.mark.parametrize(
    ("top", "expected"),
    [
        ("    typed: {type: number, default: x}", "x"),
        ('    typed: {pattern: "("}', '"("'),
        ("    typed: {type: number, minimum: 5, maximum: 3}", "5"),
    ],
)
def test_place_is_shown_when_an_input_contradicts_itself(top: str, expected: str):
    text = f"name: x\ninputs:\n{top}\nsteps:\n  - {makes('a')}\n"
    finding = load(text, "f").diagnostics[0]
    assert finding.span is not None
    assert finding.code == "invalid-value"
    assert text.split("\n")[finding.span.line - 1][finding.span.column - 1 : finding.span.end_column - 1] == expected


def test_notes_show_both_places_when_a_step_may_be_skipped():
    text = f"name: x\ninputs: {{go: {{type: boolean}}}}\nsteps:\n  - {makes('a', WHEN)}\n  - {reads('a')}\n"
    finding = load(text, "f").diagnostics[0]
    assert finding.notes[0].span is not None
    assert finding.notes[0].span.line == 4
    assert finding.help is not None
    assert "default(steps.a.outputs.v, …)" in finding.help
    assert "the same `when`" in finding.help
