import pytest

from definitions.loader import load
from tests.definitions.checks.test_values import step, told
from tests.support.lint_findings import said

SHELL = "type: shell, command: a"
TOP = "name: g\ndescription: d\nacceptors: {%s}\nsteps:\n  - {id: s, type: shell, command: a, accept: {doc_type: plan}}"

WRONG: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "gate before a gate": (step("type: approval, approval: {}"), [("key-without-effect", "approval")]),
    "gate after a gate": (step("type: approval, accept: {}"), [("key-without-effect", "accept")]),
    "end of no time before": (
        step(f"{SHELL}, approval: {{on_timeout: approve}}"), [("key-without-effect", "on_timeout")],
    ),
    "end of no time after": (step(f"{SHELL}, accept: {{on_timeout: approve}}"), [("key-without-effect", "on_timeout")]),
    "nobody before": (step(f"{SHELL}, approval: {{approvers: {{}}}}"), [("gate-without-approvers", "approvers")]),
    "nobody after": (step(f"{SHELL}, accept: {{acceptors: {{}}}}"), [("gate-without-approvers", "acceptors")]),
    "user twice": (step(f"{SHELL}, approval: {{approvers: {{users: [a, b, a]}}}}"), [("duplicate-item", "a")]),
    "no name": (step(f"{SHELL}, accept: {{acceptors: {{groups: ['']}}}}"), [("invalid-value", "''")]),
    "rework that cannot be": (
        step(f"{SHELL}, max_visits: 1, accept: {{on_reject: rework}}"), [("key-without-effect", "on_reject")],
    ),
    "two gates of one name": (
        step("type: group, accept: {}, steps: [{id: accept, type: shell, command: a}]"), [("ambiguous-name", "accept")],
    ),
    "nobody for a type": (TOP % "plan: {}", [("gate-without-approvers", "plan")]),
    "a type that no step has": (TOP % "plan: any, plam: {users: [ada]}", [("key-without-effect", "plam")]),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_gate_is_told_when_it_cannot_work(name: str):
    text, found = WRONG[name]
    assert told(text) == found


@pytest.mark.parametrize(
    "keys",
    [
        "approval: {message: 'Go on with {{ steps.first.outputs.stdout }}?', timeout: 1d, on_timeout: approve}",
        "accept: {show: {it: '{{ result.stdout }}', again: '{{ steps.s.outputs.stdout }}'}}",
        "accept: {doc_type: plan, on_reject: rework}, env: {SAID: \"{{ default(steps.s.feedback, '') }}\"}",
        "approval: {}, accept: {acceptors: {users: [ada]}}",
    ],
)
def test_gate_is_sound_when_somebody_can_decide(keys: str):
    assert told(step(f"{SHELL}, {keys}")) == []


def test_feedback_may_not_be_there_when_it_has_no_default():
    text = step(f"{SHELL}, env: {{SAID: '{{{{ steps.s.feedback }}}}'}}, accept: {{on_reject: rework}}")
    assert [code for code, _ in told(text)] == ["may-not-have-run"]


def test_a_message_of_the_gate_before_does_not_see_the_result():
    text = step(f"{SHELL}, approval: {{message: '{{{{ result.stdout }}}}'}}")
    assert [code for code, _ in told(text)] == ["unknown-name"]


@pytest.mark.parametrize("text", ["approval: {}", "accept: {}", "accept: {timeout: 1d}, approval: {}"])
def test_gate_around_a_step_is_unbounded_when_it_has_no_time(text: str):
    found = said(f"steps:\n  - {{id: gate, type: shell, command: a, {text}}}\n", "unbounded-gate")
    assert found == [(2, "gate")]


def test_gates_around_a_step_are_bounded_when_each_has_a_time():
    text = "steps:\n  - {id: s, type: shell, command: a, approval: {timeout: 1d}, accept: {timeout: 1d}}\n"
    assert said(text, "unbounded-gate") == []


@pytest.mark.parametrize(
    "keys",
    ["accept: {on_reject: retry}", "accept: {doc_type: a b}", "approval: {tier: 2}", "accept: []", "approval: 3"],
)
def test_gate_is_refused_when_it_has_no_such_shape(keys: str):
    loaded = load(step(f"{SHELL}, {keys}"), "f")
    assert loaded.definition is None or any(one.severity == "error" for one in loaded.diagnostics)
