from tests.support.outcome_script import span
from tests.support.scripted_runs import ended, run, states

TWO = """
steps:
  - {id: a, type: shell, command: x, compensate: {steps: [{id: undo_a, type: shell, command: x}]}}
  - {id: b, type: shell, command: x, compensate: {steps: [{id: undo_b, type: shell, command: x}]}}
  - {id: c, type: shell, command: x}
"""


def test_steps_are_undone_the_last_first_when_the_run_fails():
    played = run(TWO, outcomes={"c": ["exit"]})
    assert ended(played) == ["a", "b", "c", "b/compensate/undo_b", "a/compensate/undo_a"]
    assert played.book.records["a"].compensated


def test_nothing_is_undone_when_the_run_completes():
    assert ended(run(TWO)) == ["a", "b", "c"]


def test_rest_is_undone_when_undoing_one_fails():
    played = run(TWO, outcomes={"c": ["exit"], "undo_b": ["output"]})
    assert states(played)["b/compensate/undo_b"] == "failed"
    assert states(played)["a/compensate/undo_a"] == "completed"
    assert played.ending.error is not None
    assert played.ending.error.step == "c"


def test_steps_are_undone_when_the_run_is_cancelled():
    played = run(TWO, cancel_at=span("a", 1) + 15)
    assert played.ending.state == "cancelled"
    assert states(played) == {"a": "completed", "b": "cancelled", "a/compensate/undo_a": "completed"}


def test_each_is_undone_once_and_the_error_stays_when_the_interpreter_is_killed_at_any_call():
    text = "timeout: 150s\n" + TWO
    whole = run(text)
    assert whole.ending.error is not None
    assert whole.ending.error.type == "timeout"
    for kill in range(1, whole.world.calls + 1):
        played = run(text, kills=[kill])
        assert (played.ending, states(played), ended(played)) == (whole.ending, states(whole), ended(whole))


def test_undoing_sees_the_visit_that_it_undoes_when_there_are_several():
    text = """
steps:
  - id: a
    type: shell
    command: x
    compensate: {steps: [{id: undo, type: set, values: {own: "{{ steps.a.outputs.out }}", same: "{{ result.out }}"}}]}
  - {id: b, type: shell, command: x, on_failure: a}
"""
    played = run(text, outcomes={"b": ["exit"]})
    for visit in ("a", "a@2", "a@3"):
        outputs = played.book.records[f"{visit}/compensate/undo"].outputs
        assert outputs == {"own": f"{visit}!1", "same": f"{visit}!1"}


def test_items_passes_and_inner_definitions_are_undone_with_their_own_values():
    text = """
steps:
  - id: w
    type: workflow
    definition: inner
    for_each: {items: [p, q], as: one}
    loop: {max_iterations: 2}
    inputs: {word: "{{ one }}{{ loop.iteration }}"}
  - {id: c, type: shell, command: x}
"""
    inner = """
inputs: {word: {type: string}}
steps:
  - {id: i, type: shell, command: x, compensate: {steps: [{id: u, type: set, values: {v: "{{ inputs.word }}"}}]}}
"""
    played = run(text, library={"inner": inner}, outcomes={"c": ["exit"]})
    undone = {path: record.outputs for path, record in played.book.records.items() if path.endswith("/u")}
    assert undone == {
        f"w[{key}]#{number}/i/compensate/u": {"v": f"{word}{number}"}
        for key, word in (("0", "p"), ("1", "q"))
        for number in (1, 2)
    }
