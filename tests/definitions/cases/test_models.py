import pytest

from definitions.cases.models import Failure, Stub, stub_at
from definitions.cases.paths import declared_path
from tests.support.cases import case


@pytest.mark.parametrize(
    ("path", "declared"),
    [
        ("build", "build"),
        ("checks/lint", "checks/lint"),
        ("fix#3/test", "fix/test"),
        ("test@2", "test"),
        ("epics[E-12]/design#2/a@3", "epics/design/a"),
    ],
)
def test_path_names_its_declared_step_when_it_has_marks(path, declared):
    assert declared_path(path) == declared


def test_stub_answers_for_all_passes_when_its_path_has_no_mark():
    one = case("stubs: {fix/test: {outputs: {n: 1}}, fix#2/test: {outputs: {n: 2}}}")
    assert [one.stubs_at(path)[0].outputs["n"] for path in ("fix#1/test", "fix#2/test")] == [1, 2]
    assert one.stubs_at("other") == ()


def test_decision_is_one_word_when_it_says_no_more():
    one = case("decisions: {a: approve, b: {verdict: reject}, c: [{verdict: reject}, {verdict: approve}]}")
    assert [[said.verdict for said in one.decisions_at(gate)] for gate in ("a", "b", "c", "d")] == [
        ["approve"],
        ["reject"],
        ["reject", "approve"],
        [],
    ]


def test_last_stub_repeats_when_attempts_go_on():
    first, last = Stub(outputs={"n": 1}), Stub(outputs={"n": 2})
    assert [stub_at((first, last), attempt) for attempt in (1, 2, 3)] == [first, last, last]
    assert stub_at((), 1) == Stub()


def test_failure_is_over_when_its_times_are_used_up():
    stub = Stub(fail=Failure(times=2), outputs={"n": 1})
    assert [stub_at((stub,), attempt).fail is None for attempt in (1, 2, 3)] == [False, False, True]
    assert [stub_at((Stub(), stub), attempt).fail is None for attempt in (1, 2, 3, 4)] == [True, False, False, True]


def test_failure_never_ends_when_it_has_no_times():
    assert stub_at((Stub(fail=Failure()),), 50).fail is not None


@pytest.mark.parametrize(
    ("keys", "states"),
    [
        ("expect: {}", ("completed",)),
        ("expect: {status: cancelled}", ("cancelled",)),
        ("expect: {error: {type: exit}}", ("failed", "rejected")),
        ("expect: {status: failed, error: {type: exit}}", ("failed",)),
    ],
)
def test_states_follow_when_a_status_is_left_out(keys, states):
    assert case(keys).expect.states == states
