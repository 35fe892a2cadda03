from definitions.records import StepRecord
from tests.support.outcome_script import span
from tests.support.scripted_runs import go_on, run, states

RACE = """
outputs: {won: {value: "{{ steps.r.outputs.winner }}"}}
steps:
  - id: r
    type: group
    mode: race
    steps:
      - {id: a, type: shell, command: x, on_failure: WORD}
      - {id: b, type: shell, command: x, on_failure: WORD}
"""
FIRST, SECOND = sorted(("a", "b"), key=lambda step_id: span(f"r/{step_id}", 1))


def test_first_that_completes_wins_and_the_other_is_cancelled_when_both_go_well():
    played = run(RACE.replace("WORD", "stop"))
    assert played.outputs == {"won": FIRST}
    assert states(played) == {"r": "completed", f"r/{FIRST}": "completed", f"r/{SECOND}": "cancelled"}


def test_other_wins_when_the_first_fails():
    played = run(RACE.replace("WORD", "stop"), outcomes={FIRST: ["exit"]})
    assert played.outputs == {"won": SECOND}


def test_race_fails_with_the_first_declared_error_when_all_failed():
    for word in ("stop", "continue"):
        played = run(RACE.replace("WORD", word), outcomes={"a": ["exit"], "b": ["output"]})
        assert played.ending.error is not None
        assert (played.ending.error.type, played.ending.error.step) == ("exit", "r/a")


def test_run_fails_at_once_when_a_branch_fails_it_before_anybody_won():
    played = run(RACE.replace("WORD", "fail"), outcomes={FIRST: ["exit"]})
    assert played.ending.state == "failed"
    assert states(played)[f"r/{SECOND}"] == "cancelled"


def test_winner_stays_when_a_branch_would_fail_the_run_later():
    played = run(RACE.replace("WORD", "fail"), outcomes={SECOND: ["exit"]})
    assert played.outputs == {"won": FIRST}


def test_winner_is_the_same_when_the_interpreter_is_killed_at_any_call():
    calls = run(RACE.replace("WORD", "stop")).world.calls
    for kill in range(1, calls + 1):
        played = run(RACE.replace("WORD", "stop"), kills=[kill])
        assert played.world.lives == 2
        assert states(played) == {"r": "completed", f"r/{FIRST}": "completed", f"r/{SECOND}": "cancelled"}


def test_losers_are_closed_when_the_run_went_on_elsewhere_before_they_were():
    decided = run(RACE.replace("WORD", "stop")).book.freeze()
    begun = StepRecord(status="running", type="shell", attempt=1)
    records = {
        "r": decided.records["r"].model_copy(update={"status": "running", "outputs": None}),
        f"r/{FIRST}": decided.records[f"r/{FIRST}"],
        f"r/{SECOND}": begun,
    }
    played = go_on(RACE.replace("WORD", "stop"), decided.model_copy(update={"records": records}))
    assert played.outputs == {"won": FIRST}
    assert states(played)[f"r/{SECOND}"] == "cancelled"
    assert played.world.counts == {"r": 1}
