"""The runs whose histories are committed, and replayed by every later version of the workflow code.

`python -m tests.replay.record` makes the histories anew; do so only when the change is guarded by nothing and no
run of an older version can be alive (before a release), and say so in the changelog.
"""

from dataclasses import dataclass, field

from pydantic import JsonValue


@dataclass(frozen=True)
class Scenario:
    """A definition, and the messages that the run is sent once its gate is open or its step runs."""

    text: str
    request: dict[str, JsonValue] = field(default_factory=dict)
    decide: dict[str, dict[str, JsonValue]] = field(default_factory=dict)
    pause_during: str | None = None
    cancel_during: str | None = None


SCENARIOS = {
    "sequence": Scenario(
        """
inputs: {who: {type: string, default: world}}
outputs: {said: {value: "{{ steps.a.outputs.stdout }}"}}
steps:
  - {id: a, type: shell, command: "echo hello {{ inputs.who }} > f.txt; cat f.txt", phase: one}
  - {id: b, type: set, values: {twice: "{{ steps.a.outputs.stdout + steps.a.outputs.stdout }}"}}
  - {id: c, type: assert, condition: 'starts("x")' , when: "1 > 2"}
  - {id: d, type: assert, condition: 'read_text("f.txt") == "hello world\\n"', phase: two}
  - {id: e, type: wait, duration: 10ms}
""".replace("""starts("x")""", "false")
    ),
    "failure": Scenario(
        """
steps:
  - {id: a, type: shell, command: exit 3, retry: {max_attempts: 3, initial_interval: 10ms}, on_failure: continue}
  - {id: b, type: shell, command: exit 4}
"""
    ),
    "parallel": Scenario(
        """
workspace: {from: empty}
steps:
  - id: g
    type: group
    mode: parallel
    timeout: 1h
    steps:
      - {id: l, type: shell, command: "echo l > l.txt"}
      - {id: r, type: shell, command: "echo r > r.txt"}
      - id: inner
        type: group
        steps: [{id: x, type: shell, command: "true"}, {id: y, type: shell, command: "true"}]
  - {id: after, type: shell, command: cat l.txt r.txt}
"""
    ),
    "siblings_cancelled": Scenario(
        """
workspace: {from: empty}
steps:
  - id: g
    type: group
    mode: parallel
    steps:
      - {id: slow, type: shell, command: sleep 60}
      - {id: bad, type: shell, command: sleep 0.2; exit 1}
      - {id: waiting, type: wait, duration: 1h}
"""
    ),
    "needs": Scenario(
        """
workspace: {from: empty}
steps:
  - {id: a, type: shell, command: "echo a > a.txt"}
  - {id: b, type: shell, command: "echo b > b.txt", needs: [a]}
  - {id: c, type: shell, command: "echo c > c.txt", needs: [a]}
  - {id: d, type: shell, command: "ls", needs: [b, c]}
"""
    ),
    "gate_approved": Scenario(
        "steps: [{id: ok, type: approval, timeout: 1h, show: {a: 1}}, {id: a, type: shell, command: 'true'}]",
        decide={"ok": {"verdict": "approve", "by": "ana", "comment": "fine"}},
    ),
    "gate_rejected": Scenario(
        "steps: [{id: ok, type: approval}]", decide={"ok": {"verdict": "reject", "by": "ana", "comment": "no"}}
    ),
    "gate_expired": Scenario("steps: [{id: ok, type: approval, timeout: 100ms, on_timeout: approve}]"),
    "paused": Scenario(
        "steps: [{id: a, type: shell, command: sleep 0.3}, {id: b, type: shell, command: 'true'}]", pause_during="a"
    ),
    "cancelled": Scenario("steps: [{id: a, type: shell, command: sleep 60}]", cancel_during="a"),
    "timed_out": Scenario("timeout: 500ms\nsteps: [{id: a, type: shell, command: sleep 60}]"),
    "agent": Scenario("steps: [{id: a, type: agent, prompt: say hello}]", request={"provider": "scripted"}),
    "loop": Scenario(
        """
steps:
  - id: g
    type: group
    loop: {max_iterations: 3, until: int(steps.n.outputs.stdout) >= 2}
    steps: [{id: n, type: shell, command: "echo {{ loop.iteration }}"}]
"""
    ),
    "for_each": Scenario(
        """
workspace: {from: empty}
steps:
  - id: e
    type: shell
    command: "[ {{ item }} != b ] && echo {{ item }} > {{ item }}.txt"
    for_each: {items: [a, b, c, d], concurrency: 2, on_error: continue, merge: files}
  - {id: after, type: shell, command: ls}
"""
    ),
    "race": Scenario(
        """
steps:
  - id: r
    type: group
    mode: race
    steps:
      - {id: slow, type: shell, command: sleep 60}
      - {id: quick, type: shell, command: sleep 0.3}
      - {id: never, type: wait, signal: no-such}
"""
    ),
    "jumps": Scenario(
        """
workspace: {from: empty}
steps:
  - {id: work, type: shell, command: "echo x >> n.txt; wc -l < n.txt"}
  - {id: check, type: assert, condition: int(steps.work.outputs.stdout) >= 2, message: more, on_failure: work}
  - {id: bad, type: shell, command: exit 1, on_failure: mend}
  - {id: mend, type: shell, command: "true"}
"""
    ),
    "compensated": Scenario(
        """
steps:
  - {id: a, type: shell, command: "true", compensate: {type: shell, command: echo undone}}
  - {id: b, type: shell, command: exit 1}
"""
    ),
    "cancelled_and_undone": Scenario(
        """
steps:
  - {id: a, type: shell, command: "true", compensate: {type: shell, command: echo undone}}
  - {id: b, type: shell, command: sleep 60}
""",
        cancel_during="b",
    ),
    "gates_around_steps": Scenario(
        """
workspace: {from: empty}
steps:
  - id: plan
    type: shell
    command: "echo plan {{ default(steps.plan.feedback, 'anew') }}"
    store: {plan: "{{ result.stdout }}"}
    accept: {doc_type: plan, on_reject: rework, timeout: 1h}
  - {id: deploy, type: shell, command: echo deployed, approval: {message: "Deploy?", show: {plan: "{{ docs.plan }}"}}}
""",
        decide={
            "plan/accept": {"verdict": "reject", "by": "ana", "comment": "shorter"},
            "plan@2/accept": {"verdict": "approve", "by": "ana"},
            "deploy": {"verdict": "approve", "by": "ben"},
        },
    ),
    "gate_before_rejected": Scenario(
        "steps: [{id: deploy, type: shell, command: 'true', approval: {message: 'Deploy?'}}]",
        decide={"deploy": {"verdict": "reject", "by": "ana", "comment": "not today"}},
    ),
}
