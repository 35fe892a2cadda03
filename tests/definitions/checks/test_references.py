"""Who may refer to whom: each case is a list of steps, and what is found under which caret."""

import pytest

from tests.support.step_lists import NOT_RUN, WHEN, Found, defaulted, findings, group, makes, reads

SOUND: dict[str, list[str]] = {
    "earlier in the list": [makes("a"), reads("a")],
    "long before": [makes("a"), makes("b"), makes("c"), reads("a")],
    "named in needs": [makes("a"), makes("b", ", needs: []"), reads("a", keys=", needs: [a]")],
    "needs of needs": [
        makes("a"),
        makes("b", ", needs: [a]"),
        makes("c", ", needs: []"),
        reads("a", keys=", needs: [b]"),
    ],
    "implied need in a graph": [makes("a", ", needs: []"), reads("a")],
    "inside an earlier group": [group("g", "parallel", makes("a"), makes("b")), reads("a")],
    "through the group": [group("g", "parallel", makes("a"), makes("b")), reads("g", field="outputs.a.v")],
    "before, from inside a group": [makes("a"), group("g", "parallel", reads("a"), makes("b"))],
    "before, in a sequential group": [group("g", "sequential", makes("a"), reads("a"))],
    "two groups": [group("g", "parallel", makes("a")), group("h", "sequential", reads("a"))],
    "deep groups": [group("g", "parallel", group("h", "sequential", makes("a"), reads("a"))), reads("a", reader="s")],
    "status of a skipped step": [makes("a", WHEN), reads("a", field="status"), reads("a", reader="s", field="error")],
    "default for a skipped step": [makes("a", WHEN), defaulted("a")],
    "default for a later step": [defaulted("a"), makes("a")],
    "the same when": [makes("a", WHEN), reads("a", keys=WHEN)],
    "the same when in other words": [makes("a", ", when: 'inputs.go '"), reads("a", keys=", when: ' inputs.go'")],
    "the same when around": [makes("a", WHEN), group("g", "parallel", reads("a"), keys=WHEN)],
    "when around both": [group("g", "sequential", makes("a"), reads("a"), keys=WHEN)],
    "skipped with what it needs": [makes("a", WHEN), reads("a", keys=", needs: [a]")],
    "skipped with what its group needs": [makes("a", WHEN), group("g", "parallel", reads("a"), keys=", needs: [a]")],
    "needs one that may fail": [makes("a", ", on_failure: continue"), reads("a", keys=", needs: [a]")],
    "failure ends the run": [makes("a", ", on_failure: end"), reads("a")],
    "bare id": ["{id: a, type: set, values: {v: 1}}", '{id: r, type: set, values: {v: "{{ a.outputs.v }}"}}'],
    "own result in outputs": ['{id: a, type: shell, command: make, outputs: {n: "{{ steps.a.outputs.exit_code }}"}}'],
    "own result by its short name": ['{id: a, type: shell, command: make, outputs: {n: "{{ result.exit_code }}"}}'],
    "written outputs": ["{id: a, type: shell, command: 'echo v=1 >> $PERDURE_OUTPUT'}", reads("a")],
    "agent without a schema": ["{id: a, type: agent, prompt: p}", reads("a")],
    "agent with a schema": ["{id: a, type: agent, prompt: p, output_schema: {properties: {v: {}}}}", reads("a")],
    "agent with an open schema": [
        "{id: a, type: agent, prompt: p, output_schema: {properties: {b: {}}, additionalProperties: true}}",
        reads("a"),
    ],
    "agent with a composed schema": ["{id: a, type: agent, prompt: p, output_schema: {anyOf: [{}]}}", reads("a")],
    "approval": ["{id: a, type: approval}", reads("a", field="outputs.comment")],
    "wait": ["{id: a, type: wait, duration: 1s}", reads("a", field="outputs.until")],
    "assert": ["{id: a, type: assert, condition: 'true'}", reads("a", field="outputs.passed")],
    "artifact": ["{id: a, type: shell, command: make, artifacts: {v: out/v}}", reads("a", field="artifacts.v")],
    "a whole step": [makes("a"), '{id: r, type: set, values: {v: "{{ json(steps.a.outputs) }}"}}'],
    "env and run": ['{id: a, type: set, values: {v: "{{ env.HOME }} {{ run.id }} {{ run.started_at }}"}}'],
}


@pytest.mark.parametrize("name", SOUND)
def test_nothing_is_found_when_the_result_is_surely_there(name: str):
    assert findings("\n".join(SOUND[name])) == []


UNSOUND: dict[str, tuple[list[str], Found]] = {
    "later in the list": ([reads("a"), makes("a")], [NOT_RUN]),
    "itself": ([reads("a", reader="a")], [NOT_RUN]),
    "the group around": ([group("a", "sequential", reads("a", field="status"))], [NOT_RUN]),
    "a parallel branch": ([group("g", "parallel", makes("a"), reads("a"))], [NOT_RUN]),
    "a parallel branch with default": ([group("g", "parallel", makes("a"), defaulted("a"))], [NOT_RUN]),
    "inside another branch": ([group("g", "parallel", group("h", "sequential", makes("a")), reads("a"))], [NOT_RUN]),
    "side by side by needs": ([makes("a"), reads("a", keys=", needs: []")], [NOT_RUN]),
    "side by side with default": ([makes("a"), defaulted("a", keys=", needs: []")], [NOT_RUN]),
    "later by needs": (
        [reads("a", keys=", needs: [b]"), makes("b", ", needs: []"), makes("a", ", needs: [r]")],
        [NOT_RUN],
    ),
    "status of a later step": ([reads("a", field="status"), makes("a")], [NOT_RUN]),
    "skipped": ([makes("a", WHEN), reads("a")], [NOT_RUN]),
    "skipped, with another when": ([makes("a", WHEN), reads("a", keys=", when: not inputs.go")], [NOT_RUN]),
    "skipped with its group": ([group("g", "sequential", makes("a"), keys=WHEN), reads("a")], [NOT_RUN]),
    "skipped inside its group": (
        [group("g", "sequential", makes("a", WHEN)), reads("g", field="outputs.a.v")],
        [NOT_RUN],
    ),
    "skipped with what it needs": ([makes("b", WHEN), makes("a", ", needs: [b]"), reads("a")], [NOT_RUN]),
    "needed, but asked for always": (
        [makes("a", WHEN), reads("a", keys=", needs: [a], when: always()")],
        [NOT_RUN],
    ),
    "failed and went on": ([makes("a", ", on_failure: continue"), reads("a")], [NOT_RUN]),
    "artifacts of a skipped step": (
        ["{id: a, type: shell, command: make, artifacts: {v: v}, when: inputs.go}", reads("a", field="artifacts.v")],
        [NOT_RUN],
    ),
    "in a condition": ([makes("a", WHEN), "{id: r, type: assert, condition: steps.a.outputs.v == 1}"], [NOT_RUN]),
    "in shell text": ([makes("a", WHEN), "{id: r, type: shell, command: 'echo {{ a.outputs.v }}'}"], [NOT_RUN]),
    "in an environment": (
        [makes("a", WHEN), "{id: r, type: shell, command: x, env: {A: '{{ a.outputs.v }}'}}"],
        [NOT_RUN],
    ),
    "unknown output": ([makes("a"), reads("a", field="outputs.w")], [("unknown-output", "w")]),
    "unknown output of a shell step": (["{id: a, type: shell, command: x}", reads("a")], [("unknown-output", "v")]),
    "unknown output of an agent": (
        ["{id: a, type: agent, prompt: p, output_schema: {properties: {b: {}}}}", reads("a")],
        [("unknown-output", "v")],
    ),
    "unknown output inside a group": (
        [group("g", "parallel", makes("a")), reads("g", field="outputs.a.w")],
        [("unknown-output", "w")],
    ),
    "unknown step of a group": (
        [group("g", "parallel", makes("a")), reads("g", field="outputs.b")],
        [("unknown-output", "b")],
    ),
    "unknown artifact": ([makes("a"), reads("a", field="artifacts.v")], [("unknown-output", "v")]),
    "output taken for an artifact": (
        ["{id: a, type: shell, command: x, artifacts: {v: v}}", reads("a")],
        [("unknown-output", "v")],
    ),
    "unknown field": ([makes("a"), reads("a", field="output.v")], [("unknown-output", "output")]),
    "artifact without its word": (
        ["{id: a, type: shell, command: x, artifacts: {v: v}}", reads("a", field="v")],
        [("unknown-output", "v")],
    ),
    "unknown step": ([makes("abc"), reads("abd")], [("unknown-step", "abd")]),
    "unknown bare step": (['{id: r, type: set, values: {v: "{{ zebra.outputs.v }}"}}'], [("unknown-step", "zebra")]),
    "unknown input": (['{id: r, type: set, values: {v: "{{ inputs.goo }}"}}'], [("unknown-input", "goo")]),
    "input without its word": (['{id: r, type: set, values: {v: "{{ go }}"}}'], [("unknown-name", "go")]),
    "root misspelled": (['{id: r, type: set, values: {v: "{{ input.go }}"}}'], [("unknown-name", "input")]),
    "step without its field": (
        [makes("build"), '{id: r, type: set, values: {v: "{{ biuld }}"}}'],
        [("unknown-name", "biuld")],
    ),
    "unknown fact of the run": (['{id: r, type: set, values: {v: "{{ run.ids }}"}}'], [("unknown-name", "ids")]),
    "own result before the step": (['{id: r, type: set, values: {v: "{{ result.v }}"}}'], [("unknown-name", "result")]),
    "two in one text": (
        ['{id: r, type: set, values: {v: "{{ inputs.a }} and {{ inputs.b }}"}}'],
        [("unknown-input", "a"), ("unknown-input", "b")],
    ),
    "one bad placeholder and one unknown": (
        ['{id: r, type: set, values: {v: "{{ 1 + }} and {{ inputs.b }}"}}'],
        [("expression-syntax", "+"), ("unknown-input", "b")],
    ),
}


@pytest.mark.parametrize("name", UNSOUND)
def test_place_is_shown_when_the_result_may_be_missing(name: str):
    steps, expected = UNSOUND[name]
    assert findings("\n".join(steps)) == expected
