from tests.support.scripted_runs import ended, run, states

HELD = """
steps:
  - {id: a, type: shell, command: x, on_failure: pause}
  - {id: b, type: shell, command: x}
"""


def test_step_is_tried_again_when_a_person_says_retry():
    played = run(HELD, outcomes={"a": ["exit", "ok"]}, resumptions={"a": ["retry", "retry"]})
    assert played.ending.state == "completed"
    assert ended(played)[-2:] == ["a", "b"]


def test_step_is_skipped_when_a_person_says_skip():
    played = run(HELD, outcomes={"a": ["exit"]}, resumptions={"a": ["skip"]})
    assert states(played) == {"a": "skipped", "b": "completed"}


def test_run_fails_when_a_person_says_fail():
    played = run(HELD, outcomes={"a": ["exit"]}, resumptions={"a": ["retry", "fail"]})
    assert played.ending.state == "failed"
    assert played.book.records["a"].attempt == 2


def test_completed_items_are_not_done_again_when_the_rest_is():
    text = """
steps: [{id: a, type: shell, command: x, on_failure: pause, for_each: {items: [p, q, r]}}]
"""
    played = run(text, outcomes={"a": ["ok", "exit"]}, resumptions={"a": ["retry"] * 9})
    assert played.ending.state == "completed"
    assert all(played.world.counts[f"a[{key}]"] <= 2 for key in range(3))
    assert sum(played.world.counts.values()) > 3


def test_step_is_held_no_more_when_its_group_ran_out_of_time():
    text = """
steps:
  - {id: g, type: group, timeout: 110s, steps: [{id: a, type: assert, condition: "false", on_failure: pause}]}
"""
    for kill in (None, 3, 4, 5):
        played = run(text, kills=[] if kill is None else [kill], resumptions={"a": ["retry"] * 9})
        assert played.ending.state == "failed"
        assert not any(record.held for record in played.book.records.values())


def test_nothing_new_starts_while_a_step_is_held():
    text = """
steps:
  - id: g
    type: group
    mode: parallel
    steps:
      - {id: a, type: assert, condition: "false", on_failure: pause}
      - {id: b, type: shell, command: x, loop: {max_iterations: 9}}
"""
    played = run(text, resumptions={"a": ["skip"]})
    failed, skipped = [event.timestamp for event in played.world.events if event.step == "g/a"][1:]
    began = [record.started_at for path, record in played.book.records.items() if "#" in path and record.started_at]
    assert not [moment for moment in began if failed < moment < skipped]
    assert any(moment >= skipped for moment in began)


def test_step_is_cancelled_when_its_time_ends_between_two_attempts():
    text = """
steps:
  - id: g
    type: group
    timeout: 110s
    steps: [{id: a, type: shell, command: x, retry: {max_attempts: 9, initial_interval: 1h, max_interval: 1h}}]
"""
    played = run(text, outcomes={"a": ["exit"]})
    assert states(played) == {"g": "failed", "g/a": "cancelled"}
