"""Jumps: each case is a list of steps, and what is found under which caret."""

import random

import pytest

from definitions.checks.flow import flow_of
from definitions.loader import load, require
from definitions.routes import handlers
from definitions.steps import Step
from tests.support.step_lists import Found, findings, group, makes, reads

UNDO = ", compensate: {type: shell, command: 'true'}"

SOUND: dict[str, list[str]] = {
    "on to a later step": [makes("a", ", on_success: c"), makes("b"), makes("c", ", on_failure: b")],
    "back after a failure": [makes("a"), makes("b", ", on_failure: a")],
    "to itself after a failure": [makes("a", ", on_failure: a, max_visits: 5")],
    "to a handler": [makes("a", ", on_failure: h"), makes("h", ", end: failed")],
    "out of a used-up loop": [makes("a", ", loop: {max_iterations: 2, until: 'false', on_exhausted: h}"), makes("h")],
    "words": [makes("a", ", on_failure: fail"), makes("b", ", on_success: fail")],
    "on to the end": [makes("a", ", on_success: end")],
    "inside a group": [group("g", "sequential", makes("a", ", on_failure: h"), makes("h"))],
    "inside a branch": [group("p", "parallel", group("g", "sequential", makes("a", ", on_failure: h"), makes("h")))],
    "by the group": [group("g", "sequential", makes("a"), keys=", on_failure: h"), makes("h")],
    "handlers that undo nothing": [makes("a", UNDO + ", on_failure: h"), makes("h", ", end: completed")],
    "a handler that leads on": [makes("a", UNDO + ", on_failure: h"), makes("b"), makes("h", ", on_success: b")],
    "a circle with a way out by success": [makes("a"), makes("b", ", on_success: d, on_failure: c"),
        makes("c", ", on_success: a"), makes("d")],
}  # fmt: skip


@pytest.mark.parametrize("name", SOUND)
def test_nothing_is_found_when_jumps_are_sound(name: str):
    assert findings("\n".join(SOUND[name])) == []


UNSOUND: dict[str, tuple[list[str], Found]] = {
    "unknown step": ([makes("a", ", on_failure: h")], [("unknown-step", "h")]),
    "unknown step after success": ([makes("a", ", on_success: h")], [("unknown-step", "h")]),
    "unknown step after a loop": (
        [makes("a", ", loop: {max_iterations: 2, until: 'false', on_exhausted: h}")], [("unknown-step", "h")],
    ),
    "word of the other key": ([makes("a", ", on_success: continue")], [("unknown-step", "continue")]),
    "word of the stages": ([makes("a", ", on_failure: retry")], [("unknown-step", "retry")]),
    "unknown step of a branch": (
        [group("g", "parallel", makes("a", ", on_failure: h"))], [("unknown-step", "h")],
    ),
    "out of a group": ([group("g", "sequential", makes("a", ", on_failure: h")), makes("h")],
        [("jump-across-border", "h")]),
    "into a group": ([makes("a", ", on_failure: h"), group("g", "sequential", makes("h"))],
        [("jump-across-border", "h")]),
    "into another group": ([group("f", "sequential", makes("a", ", on_failure: h")),
        group("g", "sequential", makes("h"))], [("jump-across-border", "h")]),
    "to the group around": ([group("g", "sequential", makes("a", ", on_failure: g"))], [("jump-across-border", "g")]),
    "between branches": ([group("g", "parallel", makes("a", ", on_failure: b"), makes("b"))],
        [("jump-across-border", "b")]),
    "between branches of a race": ([group("g", "race", makes("a", ", on_success: b"), makes("b"))],
        [("jump-across-border", "b")]),
    "into what undoes": ([makes("a", UNDO + ", on_failure: undo_a")], [("jump-across-border", "undo_a")]),
    "beside needs": ([makes("a", ", on_failure: b"), makes("b", ", needs: [a]")], [("conflicting-keys", "b")]),
    "circle": ([makes("a"), makes("b", ", on_success: a")], [("dependency-cycle", "a")]),
    "circle of one": ([makes("a", ", on_success: a")], [("dependency-cycle", "a")]),
    "circle of jumps": ([makes("a", ", on_success: c"), makes("b", ", on_success: a"), makes("c", ", on_success: b")],
        [("dependency-cycle", "c")]),
    "unreachable": ([makes("a", ", on_success: end"), makes("b"), makes("c")], [("unreachable-step", "b")]),
    "unreachable handler": (
        [makes("a", ", on_success: end"), makes("b", ", on_failure: h"), makes("h")],
        [("unreachable-step", "b"), ("unreachable-step", "h")],
    ),
    "end on an ordinary step": ([makes("a", ", end: failed")], [("key-without-effect", "end")]),
    "end on a handler that leads on": (
        [makes("a", ", on_failure: h"), makes("b"), makes("h", ", on_success: b, end: failed")],
        [("key-without-effect", "end")],
    ),
    "visits where nothing leads back": ([makes("a", ", max_visits: 9")], [("key-without-effect", "max_visits")]),
    "handler beside an undoing": ([makes("a", UNDO), makes("b", ", on_failure: h"), makes("h")],
        [("handler-without-end", "h")]),
}  # fmt: skip


@pytest.mark.parametrize("name", UNSOUND)
def test_jump_is_found_when_it_leads_nowhere_good(name: str):
    steps, expected = UNSOUND[name]
    assert findings("\n".join(steps)) == expected


def told(*steps: str) -> list[str | None]:
    text = "name: x\nsteps:\n" + "".join(f"  - {one}\n" for one in steps)
    return [finding.help for finding in load(text, "f").diagnostics]


def test_way_out_is_told_when_a_border_is_crossed():
    leaves = told(
        group("g", "sequential", makes("a", ", on_failure: h"), keys=", loop: {max_iterations: 2}"), makes("h")
    )
    assert leaves == ["no jump leaves a loop; write it at `g`"]
    enters = told(makes("a", ", on_failure: h"), group("g", "sequential", makes("h"), keys=", for_each: {items: [1]}"))
    assert enters == ["no jump enters a for_each; jump to `g`"]
    assert told(makes("a", ", on_failure: fial")) == ["did you mean `fail`?"]
    assert told(makes("a", ", on_failure: retry")) == ["write `retry: {max_attempts: 3}`; the first attempt counts"]


HANDLER = '{id: %s, type: set, values: {v: "{{ steps.%s.%s }}"}%s}'

READING: dict[str, tuple[list[str], list[str]]] = {
    "error of what it takes": ([makes("a", ", on_failure: h"), HANDLER % ("h", "a", "error.message", "")], []),
    "result of what it takes": ([makes("a", ", on_failure: h"), HANDLER % ("h", "a", "outputs.v", "")], ["a"]),
    "error of one of two": (
        [makes("a", ", on_failure: h"), makes("b", ", on_failure: h"), HANDLER % ("h", "b", "error.message", "")],
        ["b"],
    ),
    "what is sure before both": (
        [makes("a"), makes("b", ", on_failure: h"), makes("c", ", on_failure: h"),
         HANDLER % ("h", "a", "outputs.v", "")],
        [],
    ),
    "what a jump leads around": (
        [makes("a", ", on_failure: c"), makes("b"), makes("d", ", on_success: end"), reads("b", reader="c")], ["b"],
    ),
    "what both ways have": ([makes("z"), makes("a", ", on_success: c"), makes("b"), reads("z", reader="c")], []),
    "what came before a jump back": ([makes("a"), reads("a", reader="b", keys=", on_failure: a")], []),
    "what comes after, at the second visit": (
        ['{id: a, type: set, values: {v: "{{ default(steps.b.error.message, \'\') }}"}}',
         makes("b", ", on_failure: a")],
        [],
    ),
    "what comes after, without default": ([reads("b", reader="a"), makes("b", ", on_failure: a")], ["b"]),
    "latest visit that failed": (
        [makes("a", ", on_failure: h"), makes("b", ", on_failure: a"), reads("a", reader="h")], ["a"],
    ),
    "after a handler that leads on": (
        [makes("a", ", on_failure: h"), reads("a", reader="b"), makes("h", ", on_success: b")], ["a"],
    ),
    "a group that a jump leads around": (
        [makes("z", ", on_failure: c"), group("g", "sequential", makes("a"), makes("y", ", on_success: end")),
         makes("y2", ", on_success: end"), reads("a", reader="c", field="status")], ["a"],
    ),
    "inside a group that ends early": (
        [group("g", "sequential", makes("y", ", on_failure: end"), makes("a")), reads("a")], ["a"],
    ),
    "what undoes sees what it undoes": (
        ['{id: a, type: set, values: {v: 1}, compensate: {type: set, values: {v: "{{ steps.a.outputs.v }}"}}}'], [],
    ),
    "what undoes sees the inside": (
        ['{id: g, type: group, steps: [{id: a, type: set, values: {v: 1}}], '
         'compensate: {type: set, values: {v: "{{ steps.a.outputs.v }}"}}}'], [],
    ),
    "nobody sees what undoes": ([makes("a", ", compensate: {id: u, type: set, values: {v: 1}}"), reads("u")], ["u"]),
    "loser of a race": ([group("g", "race", makes("a"), makes("b")), reads("a")], ["a"]),
    "loser with default": ([group("g", "race", makes("a"), makes("b")),
        '{id: r, type: set, values: {v: "{{ default(steps.a.outputs.v, 1) }} {{ steps.g.outputs.winner }}"}}'], []),
}  # fmt: skip


@pytest.mark.parametrize("name", READING)
def test_only_what_is_sure_is_read_when_jumps_lead_around(name: str):
    steps, expected = READING[name]
    found = [(code, word) for code, word in findings("\n".join(steps)) if code != "unreachable-step"]
    assert found == [("may-not-have-run", word) for word in expected]


@pytest.mark.parametrize(("output", "expected"), [("steps.b.outputs.v", []), ("steps.a.outputs.v", ["a"])])
def test_output_of_a_run_is_null_when_a_step_did_not_run_and_wrong_when_it_failed(output: str, expected: list[str]):
    steps = [makes("a", ", on_failure: h"), makes("b"), makes("h")]
    found = findings("\n".join(steps), top=f'outputs: {{o: {{value: "{{{{ {output} }}}}"}}}}\n')
    assert found == [("may-not-have-run", word) for word in expected]


# --- held to walks ------------------------------------------------------------------------------------


def random_list(chance: random.Random) -> list[Step]:
    size = chance.randint(2, 6)
    ids = [f"s{index}" for index in range(size)]
    lines: list[str] = []
    for name in ids:
        keys = ""
        if chance.random() < 0.4:
            keys += f", on_failure: {chance.choice([*ids, 'continue', 'end'])}"
        if chance.random() < 0.3:
            keys += f", on_success: {chance.choice([*ids, 'end'])}"
        lines.append(f"  - {{id: {name}, type: wait, duration: 1s{keys}}}\n")
    from definitions.models import Definition
    from definitions.nodes import to_value
    from definitions.yaml_guard import read

    root = read("name: x\nid: x\nsteps:\n" + "".join(lines), "f").root
    assert root is not None
    return Definition.model_validate(to_value(root)).steps


def walk(steps: list[Step], chance: random.Random) -> list[tuple[int, set[int], set[int]]]:
    """Return the visits of a random run, each with what was left and what had ended well the last time before it."""
    by_jump_only, positions = handlers(steps), {step.id: index for index, step in enumerate(steps)}
    visits: list[tuple[int, set[int], set[int]]] = []
    left, passed = set[int](), set[int]()
    index, was_jump = 0, False
    while index < len(steps) and len(visits) < 30:
        step = steps[index]
        if step.id in by_jump_only and not was_jump:
            index += 1
            continue
        visits.append((index, set(left), set(passed)))
        is_well = chance.random() < 0.5
        left.add(index)
        passed = passed | {index} if is_well else passed - {index}
        word = step.on_success if is_well else step.on_failure
        if word in positions:
            index, was_jump = positions[str(word)], True
            continue
        if word in ("end", "stop") or step.id in by_jump_only:
            break
        index, was_jump = index + 1, False
    return visits


def test_what_is_sure_holds_in_every_walk_when_lists_are_random():
    chance = random.Random(7)
    for _ in range(150):
        steps = random_list(chance)
        flow = flow_of(steps)
        for _ in range(60):
            for index, left, passed in walk(steps, chance):
                assert flow.is_reached(index)
                for other in range(len(steps)):
                    assert other in left or not flow.has_left(other, index)
                    assert other in passed or not flow.has_passed(other, index)
                    assert other not in left or flow.possible[index] >> other & 1


def test_long_list_is_checked_quickly_when_many_steps_jump():
    lines = "".join(f"  - {{id: s{index}, type: set, values: {{v: 1}}, on_failure: s0}}\n" for index in range(1500))
    assert len(require("name: x\nsteps:\n" + lines, "f").steps) == 1500
