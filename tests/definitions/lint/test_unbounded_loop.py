from types import SimpleNamespace

import pytest

from definitions.lint.unbounded_loop import _bound
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


@pytest.mark.parametrize(
    ("iterations", "words", "path"),
    [(None, "for ever", ("loop",)), (5000, "5000 times", ("loop", "max_iterations")), (10, None, None)],
)
def test_loop_is_unbounded_when_it_has_no_number_or_a_big_one(iterations, words, path):
    loop = SimpleNamespace(max_iterations=iterations)
    bound = _bound(SimpleNamespace(step=SimpleNamespace(id="x", retry=None, loop=loop)))
    assert bound == (words and (f"the loop of `x` may go round {words}, and no time limit ends it", path))
