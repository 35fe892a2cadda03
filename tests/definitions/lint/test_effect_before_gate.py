from tests.support.lint_findings import linted, places, said

CODE = "effect-before-gate"
PUSH = "- {id: push, type: shell, command: git push%s}"
GATE = "- {id: gate, type: approval, timeout: 1d}"


def steps(*lines: str) -> list[tuple[int, str]]:
    return said("steps:\n" + "".join(f"  {line}\n" for line in lines), CODE)


def test_effect_is_found_with_its_gate_when_the_gate_follows():
    assert steps(PUSH % "", GATE) == [(2, "git push")]
    (finding,) = linted(f"steps:\n  {PUSH % ''}\n  - {{id: a, type: wait, duration: 1s}}\n  {GATE}\n")
    assert places(finding) == [2, 4]


def test_effect_is_fine_when_a_gate_precedes():
    assert steps(GATE, PUSH % "") == []
    assert steps(GATE, PUSH % "", GATE.replace("gate", "second")) == []


def test_effect_is_fine_when_there_is_no_gate():
    assert steps(PUSH % "") == []


def test_effect_is_found_when_the_gate_is_in_a_later_group():
    group = "- {id: g, type: group, steps: [{id: a, type: wait, duration: 1s}, %s]}"
    assert steps(PUSH % "", group % GATE[2:]) == [(2, "git push")]
    assert steps(group % GATE[2:], PUSH % "") == []
    assert steps(group % (PUSH % "")[2:], GATE) == [(2, "git push")]
    assert steps(GATE, group % (PUSH % "")[2:]) == []


def test_effect_is_fine_when_it_runs_beside_the_gate():
    both = "- {id: g, type: group, mode: parallel, steps: [%s, %s]}"
    assert steps(both % ((PUSH % "")[2:], GATE[2:])) == []


def test_order_is_that_of_needs_when_there_are_any():
    assert steps(PUSH % ", needs: []", GATE.replace("}", ", needs: [push]}")) == [(2, "git push")]
    assert steps(PUSH % ", needs: [gate]", GATE.replace("}", ", needs: []}")) == []
