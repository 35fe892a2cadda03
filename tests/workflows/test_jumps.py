from tests.support.scripted_runs import ended, run, states

BACK = """
steps:
  - {id: a, type: shell, command: x}
  - {id: b, type: shell, command: x, on_failure: a}
  - {id: c, type: shell, command: x}
"""
HANDLED = """
steps:
  - {id: a, type: shell, command: x, on_failure: h}
  - {id: b, type: shell, command: x}
  - {id: h, type: set, values: {took: "{{ default(steps.a.error.type, 'none') }}"}, end: END}
  - {id: c, type: shell, command: x}
"""


def test_step_is_visited_again_when_a_later_one_jumps_back():
    played = run(BACK, outcomes={"b": ["ok", "exit"]})
    assert ended(played)[-1] == "c"
    assert states(played)["b"] in ("completed", "failed")


def test_run_fails_with_visits_exhausted_when_jumps_never_end():
    played = run(BACK, outcomes={"b": ["exit"]})
    assert ended(played) == ["a", "b", "a@2", "b@2", "a@3", "b@3"]
    assert played.ending.error is not None
    assert (played.ending.error.type, played.ending.error.step) == ("visits-exhausted", "a@4")


def test_handler_takes_the_failure_and_ends_its_list():
    played = run(HANDLED.replace("END", "completed"), outcomes={"a": ["exit"]})
    assert ended(played) == ["a", "h"]
    assert played.ending.state == "completed"
    assert played.book.records["a"].handled
    assert played.book.records["h"].outputs == {"took": "exit"}


def test_handler_is_passed_over_when_nothing_failed():
    assert ended(run(HANDLED.replace("END", "completed"))) == ["a", "b", "c"]


def test_list_fails_with_the_error_taken_when_the_handler_ends_failed():
    played = run(HANDLED.replace("END", "failed"), outcomes={"a": ["exit"]})
    assert played.ending.error is not None
    assert (played.ending.state, played.ending.error.step) == ("failed", "a")


def test_skipped_step_routes_as_if_it_had_succeeded():
    text = """
steps:
  - {id: a, type: shell, command: x, when: "false", on_success: c}
  - {id: b, type: shell, command: x}
  - {id: c, type: shell, command: x}
"""
    assert ended(run(text)) == ["a", "c"]


def test_run_fails_past_groups_loops_and_items_when_a_step_says_fail():
    text = """
steps:
  - id: g
    type: group
    on_failure: continue
    for_each: {items: [p]}
    loop: {max_iterations: 2}
    steps: [{id: a, type: shell, command: x, on_success: fail}]
  - {id: b, type: shell, command: x}
"""
    played = run(text)
    assert played.ending.error is not None
    assert played.ending.error.type == "routed"
    assert set(states(played)) == {"g", "g[0]", "g[0]#1", "g[0]#1/a"}
    assert {path for path, state in states(played).items() if state == "failed"} == {"g", "g[0]", "g[0]#1"}
    assert not any(record.handled for record in played.book.records.values())


def test_only_the_inner_definition_fails_when_it_says_fail():
    text = "steps: [{id: w, type: workflow, definition: i, on_failure: continue}, {id: b, type: shell, command: x}]"
    played = run(text, library={"i": "steps: [{id: a, type: shell, command: x, on_success: fail}]"})
    assert ended(played) == ["w/a", "w", "b"]
    assert played.ending.state == "completed"


def test_files_of_ended_steps_stay_when_a_graph_ends_early():
    text = """
steps:
  - {id: a, type: shell, command: x, needs: []}
  - {id: b, type: wait, duration: 1h, needs: [a]}
  - {id: c, type: shell, command: x, needs: [], on_success: end}
"""
    played = run(text, files={"a": "a", "c": "c"})
    assert played.ending.state == "completed"
    assert states(played)["b"] in ("cancelled", "completed") or "b" not in states(played)
    kept = {path: path for path in ("a", "c") if states(played)[path] == "completed"}
    assert played.tree == str(kept).replace("'", '"')


def test_inner_definition_is_ended_when_its_time_is_over():
    for own, outer in (("timeout: 1ms", ""), ("", ", timeout: 1ms")):
        text = f"steps: [{{id: w, type: workflow, definition: i{outer}}}]"
        played = run(text, library={"i": own + "\nsteps: [{id: a, type: shell, command: x}]"})
        assert played.ending.error is not None
        assert (played.ending.error.type, played.ending.error.step) == ("timeout", "w")
        assert states(played)["w/a"] == "cancelled"
