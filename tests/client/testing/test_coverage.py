from client.testing.coverage import coverage
from tests.support.cases import played, subject

DEFINITION = """inputs: {n: {type: integer, default: 3}}
steps:
- {id: a, type: shell, command: m, on_failure: continue, retry: {max_attempts: 2}}
- {id: b, type: shell, command: m, when: inputs.n > 2}
- {id: g, type: approval, timeout: 1h}
- {id: p, type: group, mode: parallel, steps: [{id: c, type: assert, condition: inputs.n < 10}]}
"""
POINTS = (
    "a",
    "a goes well",
    "a fails",
    "a tried again",
    "b",
    "b when true",
    "b when false",
    "g",
    "g approved",
    "g rejected",
    "g timeout",
    "p",
    "p/c",
    "p/c holds",
    "p/c fails",
)


def reached(*cases):
    found = coverage(subject(DEFINITION).definition, [played(DEFINITION, keys) for keys in cases])
    assert found.points == POINTS
    return found


def test_nothing_is_covered_when_no_case_is_played():
    found = reached()
    assert (found.percent, found.missed) == (0, POINTS)


def test_ways_that_were_taken_are_covered_when_one_case_goes_through():
    found = reached("decisions: {g: approve}")
    assert found.missed == (
        "a fails",
        "a tried again",
        "b when false",
        "g rejected",
        "g timeout",
        "p/c fails",
    )
    assert found.as_json() == {"percent": 60.0, "points": 15, "reached": 9, "missed": [*found.missed]}


def test_all_is_covered_when_cases_take_every_way():
    found = reached(
        "decisions: {g: approve}",
        "decisions: {g: reject}\nstubs: {a: {fail: {}}}",
        "inputs: {n: 1}",
        "inputs: {n: 20}\ndecisions: {g: approve}",
    )
    assert (found.percent, found.missed) == (100, ())


def test_timeout_is_covered_when_the_end_of_time_approves():
    definition = "steps: [{id: g, type: approval, timeout: 1h, on_timeout: approve}]"
    found = coverage(subject(definition).definition, [played(definition)])
    assert found.missed == ("g approved", "g rejected")


GATES = """steps:
- {id: a, type: shell, command: m, approval: {timeout: 1h}, accept: {on_reject: rework, timeout: 1h}}
"""


def test_each_way_at_the_gates_around_a_step_is_covered_when_cases_take_it():
    cases = (
        "decisions: {a: approve, a/accept: [{verdict: reject}, {verdict: approve}]}",
        "decisions: {a: approve, a/accept: reject}",
        "decisions: {a: approve}",
        "decisions: {a: reject}",
        "",
    )
    tested = subject(GATES).definition
    ways = ("approved", "rejected", "timeout", "accepted", "not accepted", "acceptance timeout", "sent back")
    outcomes = [played(GATES, keys) for keys in cases]
    assert coverage(tested, []).points == ("a", *(f"a {way}" for way in ways))
    assert coverage(tested, outcomes).missed == ()
    assert coverage(tested, outcomes[:1]).missed == tuple(
        f"a {way}" for way in ("rejected", "timeout", "not accepted", "acceptance timeout")
    )
