from tests.support.lint_findings import HEAD, said

CODE = "unbounded-gate"
GATE = "{id: gate, type: approval%s}"


def found(step: str, head: str = HEAD) -> list[tuple[int, str]]:
    return said(f"steps:\n  - {step}\n", CODE, head=head)


def test_gate_is_unbounded_when_nothing_limits_it():
    assert found(GATE % "") == [(2, "gate")]
    assert found("{id: g, type: group, steps: [%s]}" % (GATE % "")) == [(2, "gate")]


def test_gate_is_bounded_when_it_the_group_or_the_run_is():
    assert found(GATE % ", timeout: 1d") == []
    assert found("{id: g, type: group, timeout: 1d, steps: [%s]}" % (GATE % "")) == []
    assert found(GATE % "", head=f"{HEAD}timeout: 1d\n") == []
