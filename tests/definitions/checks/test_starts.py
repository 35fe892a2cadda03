"""Where a further pass of a loop begins: only in a list in order, and only at a step of it."""

import pytest

from definitions.loader import load

STEPS = "steps: [{id: a, type: set, values: {x: 1}}, {id: b, type: set, values: {x: 2}}]"


def findings(keys: str, starts: str, *, kind: str = "group") -> list[tuple[str, str, str | None]]:
    text = f"name: x\nsteps:\n- id: g\n  type: {kind}\n  loop: {{max_iterations: 2, start_at: {starts}}}\n  {keys}\n"
    found = load(text, "x.yaml").diagnostics
    return [(one.code, one.severity, one.help) for one in found]


@pytest.mark.parametrize("starts", ["[b]", "['{{ steps.b.outputs.x }}', a]"])
def test_nothing_is_said_when_it_names_steps_of_the_list(starts: str):
    assert findings(STEPS, starts) == []


def test_suggestion_is_given_when_no_step_of_the_list_has_that_name():
    assert findings(STEPS, "[b, g]") == [("unknown-step", "error", "there are `a` and `b`")]


@pytest.mark.parametrize(
    ("keys", "kind"),
    [
        (f"mode: parallel\n  {STEPS}", "group"),
        (STEPS.replace("id: b,", "id: b, needs: [a],"), "group"),
        ("values: {x: 1}", "set"),
    ],
)
def test_key_does_nothing_when_there_is_no_list_in_order(keys: str, kind: str):
    assert [one[:2] for one in findings(keys, "[a]", kind=kind)] == [("key-without-effect", "warning")]
