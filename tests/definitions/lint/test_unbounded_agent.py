import pytest

from tests.support.lint_findings import HEAD, linted

CHECK = "  - {id: tests, type: shell, command: pytest}\n"


def messages(step: str, head: str = HEAD) -> list[tuple[str, str | None]]:
    findings = linted(f"steps:\n  {step}\n{CHECK}", head=head)
    assert {finding.code for finding in findings} <= {"unbounded-agent"}
    return [(finding.message, finding.help) for finding in findings]


TIME = "`timeout: 30m`"
COST = "`budget: {usd: 2.50, turns: 60}`"


@pytest.mark.parametrize(
    ("keys", "lacks", "help_"),
    [
        ("", "no time limit and no bound on its cost", f"add {TIME} and {COST}"),
        (", timeout: 1m", "no bound on its cost", f"add {COST}"),
        (", budget: {wall: 1m}", "no bound on its cost", f"add {COST}"),
        (", budget: {usd: 1}", "no time limit", f"add {TIME}"),
        (", provider: command, command: [cat]", "no time limit", f"add {TIME}"),
    ],
)
def test_agent_is_unbounded_when_a_limit_is_missing(keys: str, lacks: str, help_: str):
    assert messages(f"- {{id: fix, type: agent, prompt: p{keys}}}") == [(f"the agent of `fix` has {lacks}", help_)]


@pytest.mark.parametrize(
    "keys",
    [
        ", timeout: 1m, budget: {tokens: 5}",
        ", budget: {wall: 1m, turns: 5}",
        ", provider: scripted",
        ", provider: command, command: [cat], timeout: 1m",
    ],
)
def test_agent_is_bounded_when_it_has_both(keys: str):
    assert messages(f"- {{id: fix, type: agent, prompt: p{keys}}}") == []


def test_agent_is_bounded_when_the_group_is_and_not_when_only_the_run_is():
    group = "- {id: g, type: group%s, steps: [{id: fix, type: agent, prompt: p, budget: {usd: 1}}]}"
    assert messages(group % ", timeout: 1h") == []
    assert len(messages(group % "", head=f"{HEAD}timeout: 1d\n")) == 1
