from tests.support.scripted_runs import run, states


def test_passes_are_made_until_the_condition_holds():
    text = "steps: [{id: a, type: shell, command: x, loop: {max_iterations: 5, until: loop.iteration == 3}}]"
    played = run(text)
    assert states(played) == {"a": "completed", "a#1": "completed", "a#2": "completed", "a#3": "completed"}
    assert played.book.records["a"].outputs == {"out": "a#3!1"}


def test_step_fails_or_goes_on_when_the_passes_are_used_up():
    text = "steps: [{id: a, type: shell, command: x, loop: {max_iterations: 2, until: 'false', on_exhausted: WORD}}]"
    failed, went_on = run(text.replace("WORD", "fail")), run(text.replace("WORD", "continue"))
    assert failed.ending.error is not None
    assert (failed.ending.error.type, failed.ending.error.step) == ("loop-exhausted", "a")
    assert went_on.ending.state == "completed"
    assert went_on.book.records["a"].notes


def test_named_step_follows_when_the_passes_are_used_up():
    text = """
steps:
  - {id: a, type: shell, command: x, loop: {max_iterations: 1, until: "false", on_exhausted: h}}
  - {id: b, type: shell, command: x}
  - {id: h, type: shell, command: x}
"""
    played = run(text)
    assert states(played) == {"a": "failed", "a#1": "completed", "h": "completed"}
    assert played.book.records["a"].handled


def test_named_step_does_not_follow_when_the_passes_of_a_loop_inside_are_used_up():
    text = """
steps:
  - id: g
    type: group
    on_failure: WORD
    loop: {max_iterations: 2, until: "true", on_exhausted: h}
    steps:
      - {id: a, type: shell, command: x, loop: {max_iterations: 1, until: "false"}}
  - {id: b, type: shell, command: x}
  - {id: h, type: shell, command: x}
"""
    went_on, stopped = run(text.replace("WORD", "continue")), run(text.replace("WORD", "stop"))
    assert list(states(went_on)) == ["g", "g#1", "g#1/a", "g#1/a#1", "b"]
    assert stopped.ending.error is not None
    assert (stopped.ending.state, stopped.ending.error.step) == ("failed", "g#1/a")
    assert not stopped.book.records["g"].handled


def test_pass_sees_the_one_before_until_a_step_has_run():
    text = """
steps:
  - id: g
    type: group
    loop: {max_iterations: 2}
    steps:
      - {id: before, type: set, values: {v: "{{ default(steps.late.outputs.out, 'none') }}"}}
      - {id: late, type: shell, command: x}
"""
    played = run(text)
    seen = [played.book.records[f"g#{number}/before"].outputs for number in (1, 2)]
    assert seen == [{"v": "none"}, {"v": "g#1/late!1"}]


def test_until_and_the_next_pass_see_the_item_s_own_pass_when_items_loop():
    text = """
steps:
  - id: a
    type: set
    values: {v: "{{ loop.iteration }}", last: "{{ default(steps.a.outputs.v, 0) }}"}
    for_each: {items: [p, q], concurrency: 2}
    loop: {max_iterations: 3, until: "steps.a.outputs.v == 2 and result.last == 1"}
"""
    played = run(text)
    assert played.ending.state == "completed"
    assert {path for path in states(played) if "#" in path} == {"a[0]#1", "a[0]#2", "a[1]#1", "a[1]#2"}


def test_last_visit_is_seen_until_a_new_visit_has_made_a_pass():
    text = """
steps:
  - id: g
    type: group
    loop: {max_iterations: 1}
    steps:
      - {id: seen, type: set, values: {v: "{{ default(steps.g.status, 'none') }}"}}
  - {id: b, type: shell, command: x, on_failure: g}
"""
    played = run(text, outcomes={"b": ["exit"]})
    assert played.book.records["g#1/seen"].outputs == {"v": "none"}
    assert played.book.records["g@2#1/seen"].outputs == {"v": "completed"}


def test_documents_are_stored_once_when_the_loop_has_completed():
    text = """
outputs: {d: {value: "{{ default(docs.d, 'none') }}"}}
steps:
  - {id: a, type: shell, command: x, loop: {max_iterations: 2, until: "UNTIL"}, store: {d: "{{ result.out }}"},
     on_failure: continue}
"""
    assert run(text.replace("UNTIL", "loop.iteration == 2")).outputs == {"d": "a#2!1"}
    assert run(text.replace("UNTIL", "false")).outputs == {"d": "none"}


def test_time_of_a_step_with_a_loop_is_that_of_all_passes():
    text = "steps: [{id: a, type: shell, command: x, timeout: 150s, loop: {max_iterations: 9}}]"
    played = run(text)
    assert played.ending.error is not None
    assert (played.ending.error.type, played.ending.error.step) == ("timeout", "a")
    assert list(states(played).values())[-1] == "cancelled"
