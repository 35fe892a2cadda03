"""Items, passes and documents: each case is a list of steps, and what is found under which caret."""

import pytest

from tests.support.step_lists import Found, findings, group, makes, reads

EACH = ", for_each: {items: [1, 2], as: epic}"
SCOPED = ", for_each: {items: [1, 2], as: epic, scope: epic}"
LOOP = ", loop: {max_iterations: 3%s}"


def says(text: str, *, name: str = "r", keys: str = "") -> str:
    return f'{{id: {name}, type: set, values: {{v: "{{{{ {text} }}}}"}}{keys}}}'


def stores(name: str, keys: str = "", document: str = "doc") -> str:
    return f'{{id: {name}, type: set, values: {{v: 1}}, store: {{{document}: "{{{{ result.v }}}}"}}{keys}}}'


SOUND: dict[str, list[str]] = {
    "item and its place": [says("epic + loop.index + loop.count", keys=EACH)],
    "key of an item": [makes("a", ', for_each: {items: [{n: a}], as: epic, key: "{{ epic.n }}{{ loop.key }}"}')],
    "item inside a group": [group("g", "sequential", says("epic"), says("loop.key", name="s"), keys=EACH)],
    "item of the outer one": [group("g", "parallel", says("epic + item", keys=", for_each: {items: [1]}"), keys=EACH)],
    "pass": [says("loop.iteration < loop.max_iterations", keys=LOOP % "")],
    "pass in the condition": [makes("a", LOOP % ", until: loop.iteration > 1 and steps.a.outputs.v == 1")],
    "inside, in the condition": [group("g", "sequential", makes("a"), keys=LOOP % ", until: steps.a.outputs.v == 1")],
    "own pass before": [says("default(steps.a.outputs.v, 0)", name="a", keys=LOOP % "")],
    "own group's pass before": [
        group("g", "sequential", says("default(steps.g.outputs.r.v, 0)"), keys=LOOP % ""),
    ],
    "later step of the pass before": [
        group("g", "sequential", says("default(steps.a.outputs.v, 0)"), makes("a"), keys=LOOP % ""),
    ],
    "after the loop": [group("g", "sequential", makes("a"), keys=LOOP % ""), reads("a")],
    "items by key": [makes("a", EACH), says("steps.a.outputs['1'].v")],
    "own item in what undoes": [
        "{id: a, type: set, values: {v: 1}, for_each: {items: [1]}, "
        'compensate: {type: set, values: {v: "{{ item }} {{ loop.key }}"}}}',
    ],
    "document": [stores("a"), says("docs.doc")],
    "document of the item": [group("g", "sequential", stores("a"), says("docs.doc"), keys=SCOPED)],
    "document from outside": [makes("z"), stores("a", SCOPED), says("docs.epic['1'].doc")],
    "document of the outer scope": [stores("a"), group("g", "sequential", says("docs.doc"), keys=SCOPED)],
    "one name in two scopes": [stores("a"), group("g", "sequential", stores("b"), says("docs.doc"), keys=SCOPED)],
    "document of one of two": [
        makes("z", ", on_failure: b"), stores("a", ", on_success: end"), stores("b"),
    ],
    "all documents": [stores("a"), says("docs")],
    "document with default": [stores("a", ", when: inputs.go"), says("default(docs.doc, 1)")],
    "own documents in outputs": ['{id: a, type: set, values: {v: 1}, outputs: {w: "{{ result.v }}"}}'],
}  # fmt: skip


@pytest.mark.parametrize("name", SOUND)
def test_nothing_is_found_when_names_are_in_scope(name: str):
    assert findings("\n".join(SOUND[name])) == []


UNSOUND: dict[str, tuple[list[str], Found]] = {
    "item outside": ([makes("a", EACH), says("epic")], [("out-of-scope", "epic")]),
    "item in when": ([makes("a", EACH + ", when: epic == 1")], [("out-of-scope", "epic")]),
    "item in the collection": ([makes("a", ', for_each: {items: "{{ [epic] }}", as: epic}')],
        [("out-of-scope", "epic")]),
    "loop outside": ([says("loop.index")], [("out-of-scope", "loop")]),
    "loop as a whole outside": ([says("loop")], [("out-of-scope", "loop")]),
    "loop in when": ([makes("a", EACH + ", when: loop.index == 1")], [("out-of-scope", "loop")]),
    "pass in an item": ([says("loop.iteration", keys=EACH)], [("out-of-scope", "iteration")]),
    "item in a pass": ([group("g", "sequential", says("loop.key"), keys=EACH + LOOP % "")], [("out-of-scope", "key")]),
    "place in a key": ([makes("a", ', for_each: {items: [1], key: "{{ loop.index }}"}')], [("out-of-scope", "index")]),
    "inside of items": ([group("g", "sequential", makes("a"), keys=EACH), reads("a")], [("out-of-scope", "a")]),
    "inside of items, with default": (
        [group("g", "sequential", makes("a"), keys=EACH), says("default(steps.a.outputs.v, 1)")],
        [("out-of-scope", "a")],
    ),
    "own pass without default": ([says("steps.a.outputs.v", name="a", keys=LOOP % "")], [("may-not-have-run", "a")]),
    "later in the pass": ([group("g", "sequential", reads("a"), makes("a"), keys=LOOP % "")],
        [("may-not-have-run", "a")]),
    "skipped in the pass": (
        [group("g", "sequential", makes("a", ", when: inputs.go"), keys=LOOP % ", until: steps.a.outputs.v == 1")],
        [("may-not-have-run", "a")],
    ),
    "inside, without a pass": ([group("g", "sequential", makes("a"), keys=", env: {A: '{{ steps.a.outputs.v }}'}")],
        [("key-without-effect", "env"), ("may-not-have-run", "a")]),
    "item named like a step": ([makes("epic"), makes("a", EACH)], [("ambiguous-name", "epic")]),
    "item named like a root": ([makes("a", ", for_each: {items: [1], as: env}")], [("ambiguous-name", "env")]),
    "item named like the outer one": (
        [group("g", "sequential", makes("a", ", for_each: {items: [1]}"), keys=", for_each: {items: [1]}")],
        [("ambiguous-name", "for_each")],
    ),
    "unknown document": ([stores("a"), says("docs.dac")], [("unknown-document", "dac")]),
    "document of an item from outside": ([stores("a", SCOPED), says("docs.doc")], [("unknown-document", "doc")]),
    "unknown document of an item": ([stores("a", SCOPED), says("docs.epic['1'].dac")], [("unknown-document", "dac")]),
    "own scope where the items are made": ([stores("a", SCOPED + ", when: docs.doc == 1")],
        [("unknown-document", "doc")]),
    "document of later": ([says("docs.doc"), stores("a")], [("may-not-have-run", "doc")]),
    "document of a skipped step": ([stores("a", ", when: inputs.go"), says("docs.doc")], [("may-not-have-run", "doc")]),
    "document of a branch": ([group("g", "parallel", stores("a"), says("docs.doc"))], [("may-not-have-run", "doc")]),
    "document twice": ([stores("a"), stores("b")], [("duplicate-document", "doc")]),
    "document twice, in a group": ([stores("a"), group("g", "sequential", stores("b"))],
        [("duplicate-document", "doc")]),
    "document twice, by needs": ([stores("a"), stores("b", ", needs: []")], [("duplicate-document", "doc")]),
    "document of all items": ([stores("a", EACH)], [("duplicate-document", "doc")]),
    "document named like a scope": ([stores("a", document="epic"), makes("b", SCOPED)],
        [("duplicate-document", "epic")]),
    "same keys": ([makes("a", ", for_each: {items: [{id: 1}, {epic_id: 1}], as: epic}")],
        [("duplicate-item-key", "{")]),
    "constant key": ([makes("a", ", for_each: {items: [1], key: b}")], [("duplicate-item-key", "b")]),
    "no items": ([makes("a", ", for_each: {items: []}")], [("key-without-effect", "[")]),
    "no collection": ([makes("a", ", for_each: {items: 3}")], [("invalid-value", "3")]),
    "a text": ([makes("a", ", for_each: {items: inputs.list}")], [("invalid-value", "inputs.list")]),
    "winner": ([group("g", "race", makes("winner"), makes("b"))], [("reserved-id", "winner")]),
}  # fmt: skip


@pytest.mark.parametrize("name", UNSOUND)
def test_name_is_found_when_it_is_out_of_scope(name: str):
    steps, expected = UNSOUND[name]
    assert findings("\n".join(steps)) == expected


WAITS: dict[str, tuple[str, Found]] = {
    "nothing": ("", [("missing-key", "wait")]),
    "two": (", duration: 1m, until: '2026-12-24T18:00:00Z'", [("conflicting-keys", "until")]),
    "three": (", duration: 1m, until: '{{ inputs.text }}', signal: go",
              [("conflicting-keys", "until"), ("conflicting-keys", "signal")]),
    "no moment": (", until: tomorrow", [("invalid-value", "tomorrow")]),
    "a day": (", until: '2026-12-24'", []),
    "a signal in time": (", signal: go, timeout: 1h", []),
    "a time limit of a duration": (", duration: 1m, timeout: 1h", [("key-without-effect", "timeout")]),
}  # fmt: skip


@pytest.mark.parametrize("name", WAITS)
def test_wait_is_ended_by_one_thing_when_it_is_sound(name: str):
    keys, expected = WAITS[name]
    assert findings(f"{{id: a, type: wait{keys}}}") == expected


RULES: dict[str, tuple[str, Found]] = {
    "an exception and the rest": ("[{on: [exit], max_attempts: 1}, {max_attempts: 5}]", []),
    "after a rule for all": ("[{max_attempts: 2}, {on: [exit]}]", [("key-without-effect", "{")]),
    "after rules for the same": ("[{on: [exit, timeout]}, {on: [timeout]}]", [("key-without-effect", "{")]),
    "one attempt, with waits": ("[{max_attempts: 1, backoff: 3}]", [("key-without-effect", "max_attempts")]),
    "a class twice": ("[{on: [exit, exit]}]", [("duplicate-item", "exit")]),
}


@pytest.mark.parametrize("name", RULES)
def test_rule_is_told_when_it_never_counts(name: str):
    rules, expected = RULES[name]
    assert findings(f"{{id: a, type: shell, command: a, retry: {rules}}}") == expected
