import pytest

from tests.support.lint_findings import HEAD, said

CODE = "unbounded-loop"
STEP = "{id: deploy, type: shell, command: ls, retry: {max_attempts: %d}%s}"


def found(step: str, head: str = HEAD) -> list[tuple[int, str]]:
    return said(f"steps:\n  - {step}\n", CODE, head=head)


def test_retry_is_unbounded_when_it_has_a_hundred_attempts_and_no_limit():
    assert found(STEP % (100, "")) == [(2, "100")]
    assert found(STEP % (99, "")) == []


def test_retry_is_unbounded_when_only_an_attempt_is_limited():
    assert found(STEP % (100, ", timeout: 1m")) == [(2, "100")]


def test_retry_is_bounded_when_group_or_run_is():
    assert found("{id: g, type: group, timeout: 1h, steps: [%s]}" % (STEP % (100, ""))) == []
    assert found(STEP % (100, ""), head=f"{HEAD}timeout: 1d\n") == []


LOOP = "{id: deploy, type: shell, command: ls, loop: {max_iterations: %d}%s}"


@pytest.mark.parametrize(("iterations", "expected"), [(999, []), (1000, [(2, "1000")]), (10_000, [(2, "10000")])])
def test_loop_is_unbounded_when_it_has_a_thousand_passes(iterations: int, expected: list[tuple[int, str]]):
    assert found(LOOP % (iterations, "")) == expected


def test_loop_is_bounded_when_its_own_time_limit_ends_the_whole():
    assert found(LOOP % (5000, ", timeout: 1h")) == []


def test_retry_of_a_rule_is_unbounded_when_it_has_a_hundred_attempts():
    rules = "{id: deploy, type: shell, command: ls, retry: [{max_attempts: 2, on: [exit]}, {max_attempts: 100}]}"
    assert found(rules) == [(2, "100")]
