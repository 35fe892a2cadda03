import pytest

from tests.support.lint_findings import said

AGENT = "- {id: fix, type: agent, prompt: p, timeout: 1m, budget: {usd: 1}%s}"
CODE = "unchecked-agent"


def steps(*lines: str) -> list[tuple[int, str]]:
    return said("steps:\n" + "".join(f"  {line}\n" for line in lines), CODE)


@pytest.mark.parametrize(
    "check",
    [
        "- {id: tests, type: shell, command: pytest}",
        "- {id: tests, type: assert, condition: 'true'}",
        "- {id: tests, type: approval, timeout: 1d}",
        "- {id: tests, type: group, steps: [{id: a, type: group, steps: [{id: b, type: shell, command: pytest}]}]}",
    ],
)
def test_agent_is_checked_when_a_step_that_looks_follows(check: str):
    assert steps(AGENT % "", check) == []


@pytest.mark.parametrize(
    "follower",
    [
        "- {id: x, type: shell, command: git push}",
        "- {id: x, type: wait, duration: 1s}",
        "- {id: x, type: set, values: {a: 1}}",
        "- {id: x, type: agent, prompt: look, timeout: 1m, budget: {usd: 1}, security_profile: read-only}",
    ],
)
def test_agent_is_not_checked_when_what_follows_does_not_look(follower: str):
    assert steps(AGENT % "", follower) == [(2, "fix")]


def test_agent_is_not_checked_when_the_check_comes_before_or_beside_it():
    assert steps("- {id: tests, type: shell, command: pytest}", AGENT % "") == [(3, "fix")]
    beside = "- {id: both, type: group, mode: parallel, steps: [{id: t, type: shell, command: pytest}, %s]}"
    assert steps(beside % (AGENT % "")[2:]) == [(2, "fix")]
    assert steps(beside % (AGENT % "")[2:], "- {id: tests, type: shell, command: pytest}") == []


def test_agent_is_checked_when_the_check_needs_it():
    needing = "- {id: tests, type: shell, command: pytest, needs: [%s]}"
    assert steps(AGENT % "", needing % "fix") == []
    assert steps(AGENT % "", needing % "") == [(2, "fix")]


def test_agent_needs_no_check_when_it_can_only_read():
    assert steps(AGENT % ", security_profile: read-only") == []
