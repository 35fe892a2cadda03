"""Types of what items, passes, races, signals and documents give."""

import pytest

from tests.support.step_lists import Found, findings, group, makes

TYPED = (
    "{id: plan, type: agent, prompt: p, output_schema: {type: object, required: [epics], "
    "properties: {epics: "
    "{type: array, items: {type: object, required: [n], additionalProperties: false, "
    "properties: {n: {type: number}}}}}}}"
)
EACH = ', for_each: {items: "{{ steps.plan.outputs.epics }}", as: epic}'


def says(text: str, keys: str = "", name: str = "r") -> str:
    return f'{{id: {name}, type: set, values: {{v: "{{{{ {text} }}}}"}}{keys}}}'


WRONG: dict[str, tuple[list[str], Found]] = {
    "a number": ([makes("a", ', for_each: {items: "{{ inputs.n }}"}')], [("type-mismatch", "inputs.n")]),
    "a text of several": ([makes("a", ', for_each: {items: "{{ inputs.list }} and {{ inputs.list }}"}')],
        [("invalid-value", '"{{ inputs.list }} and {{ inputs.list }}"')]),
    "field of an item": ([TYPED, says("epic.m", EACH)], [("no-such-field", "m")]),
    "sum over an item": ([TYPED, says("epic.n + 'a'", EACH)], [("type-mismatch", "epic.n + 'a'")]),
    "field of a literal item": ([says("item.m", ", for_each: {items: [{n: 1}, {n: 2}]}")], [("no-such-field", "m")]),
    "item of an object": ([says("item + 'a'", ", for_each: {items: {a: 1, b: 2}}")], [("type-mismatch", "item + 'a'")]),
    "result by key": ([TYPED, says("epic.n", EACH, "a"), says("steps.a.outputs['1'].v + 'a'")],
        [("type-mismatch", "steps.a.outputs['1'].v + 'a'")]),
    "item inside a group": ([TYPED, group("g", "sequential", says("epic.n + 'a'"), keys=EACH)],
        [("type-mismatch", "epic.n + 'a'")]),
    "value of an item, read beside it": (
        [TYPED, group("g", "sequential", says("epic.n", name="a"), says("steps.a.outputs.v + 'a'"), keys=EACH)],
        [("type-mismatch", "steps.a.outputs.v + 'a'")],
    ),
    "winner": ([group("g", "race", makes("a"), makes("b")),
        "{id: r, type: assert, condition: steps.g.outputs.winner == 'c'}"],
        [("impossible-value", "'c'")]),
    "moment of a signal": (["{id: a, type: wait, signal: go}", says("steps.a.outputs.received_at + 1")],
        [("type-mismatch", "steps.a.outputs.received_at + 1")]),
    "key of an item": ([says("loop.key + 1", ", for_each: {items: [1]}")], [("type-mismatch", "loop.key + 1")]),
    "document": (['{id: a, type: shell, command: a, store: {doc: "{{ result.stdout }}"}}', says("docs.doc + 1")],
        [("type-mismatch", "docs.doc + 1")]),
    "document of an item": (
        ['{id: a, type: shell, command: a, for_each: {items: [1], scope: s}, store: {doc: "{{ result.stdout }}"}}',
         says("docs.s['1'].doc + 1")], [("type-mismatch", "docs.s['1'].doc + 1")],
    ),
    "own result in a document": (['{id: a, type: shell, command: a, store: {doc: "{{ result.stdout + 1 }}"}}'],
        [("type-mismatch", "result.stdout + 1")]),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_fault_is_found_when_a_type_is_known(name: str):
    steps, expected = WRONG[name]
    assert findings("\n".join(steps)) == expected


SOUND: dict[str, list[str]] = {
    "open list": [says("item.m", ', for_each: {items: "{{ inputs.list }}"}')],
    "open object": [says("item.m", ', for_each: {items: "{{ inputs.map }}"}')],
    "items of several kinds": [says("item", ", for_each: {items: [1, a, {b: c}]}")],
    "payload": ["{id: a, type: wait, signal: go}", says("steps.a.outputs.payload.anything + 1")],
    "activity": ["{id: a, type: activity, activity: x}", says("steps.a.outputs.result.anything")],
    "failed item": [makes("a", ", for_each: {items: [1], on_error: continue}"), says("steps.a.outputs['1'] == null")],
    "documents made of documents": [
        '{id: a, type: set, values: {v: 1}, store: {one: "{{ result.v }}"}}',
        '{id: b, type: set, values: {v: 1}, store: {two: "{{ docs.one }}"}}', says("docs.two + 1"),
    ],
    "item of an outer item": [
        group("g", "sequential", says("e.n", ', for_each: {items: "{{ epic.list }}", as: e}'),
              keys=', for_each: {items: "{{ inputs.list }}", as: epic}'),
    ],
    "own item's pass before": [
        says("default(steps.a.outputs.v, 0) + 1",
             ', for_each: {items: [1]}, loop: {max_iterations: 3, until: "steps.a.outputs.v == 3"}', "a"),
    ],
    "what undoes": ["{id: a, type: set, values: {v: 1}, compensate: {type: set, values: {v: 2}}}"],
}  # fmt: skip


@pytest.mark.parametrize("name", SOUND)
def test_nothing_is_said_when_a_type_fits_or_is_not_known(name: str):
    assert findings("\n".join(SOUND[name])) == []
