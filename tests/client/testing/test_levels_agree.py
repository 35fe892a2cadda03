"""The same case at the levels *plan* and *simulated* comes to the same: whatever differs is a defect of one of them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from client.testing import plan, simulated
from client.testing.verdicts import Outcome, Play, Subject
from definitions.cases.models import Case
from definitions.loader import load

pytestmark = pytest.mark.server

RETRY = """
steps:
  - {id: a, type: shell, command: "true", retry: {max_attempts: 3, initial_interval: 1m, backoff: 2}}
  - {id: b, type: shell, command: "true", on_failure: continue}
"""
GATE = """
outputs: {who: {value: "{{ steps.ok.outputs.decided_by }}"}}
steps:
  - {id: ok, type: approval, timeout: 3d, approvers: {users: [ada]}, allow_self: false}
  - {id: after, type: wait, duration: 1h}
"""
PARALLEL = """
steps:
  - id: both
    type: group
    mode: parallel
    timeout: 1h
    on_failure: continue
    steps:
      - {id: slow, type: agent, prompt: "think about {{ inputs.what }}", timeout: 50m}
      - {id: quick, type: shell, command: "true"}
      - {id: other, type: shell, command: "true"}
  - {id: last, type: assert, condition: "steps.both.status == 'completed'", message: not both, on_failure: end}
inputs: {what: {type: string, default: tea}}
"""
TIMED = """
timeout: 2h
steps:
  - {id: a, type: wait, duration: 1h}
  - {id: b, type: wait, duration: 90m, when: inputs.long}
inputs: {long: {type: boolean, default: true}}
"""
FILES = """
outputs:
  text: {value: "{{ steps.seen.outputs.text }}"}
  report: {type: artifact, value: "{{ steps.make.artifacts.report }}"}
steps:
  - id: make
    type: shell
    command: "true"
    outputs: {out: out.txt, size: "{{ len(result.stdout) }}"}
    artifacts: {report: report.xml}
    cache: true
  - {id: seen, type: set, values: {text: "{{ read_text('a.txt') + read_text(steps.make.outputs.out) }}"}}
  - {id: needs, type: assert, condition: "read_text('new.txt') == 'new'", message: "no new file"}
"""
NEEDS = """
steps:
  - {id: a, type: shell, command: "true", needs: []}
  - {id: b, type: shell, command: "true", needs: []}
  - {id: c, type: shell, command: "true", needs: [a, b]}
  - {id: d, type: shell, command: "true", needs: [b]}
"""

CASES: dict[str, tuple[str, str]] = {
    "a step goes well at its third attempt": (RETRY, "stubs: {a: {fail: {times: 2}, delay: 10s}}"),
    "a step fails with its exit code": (RETRY, "stubs: {a: [{outputs: {exit_code: 4}}], b: {}}"),
    "a failure is passed over": (RETRY, "stubs: {b: {fail: {type: timeout, message: slow}}}"),
    "a person approves after a while": (GATE, "decisions: {ok: {verdict: approve, by: ada, after: 2d}}"),
    "a gate runs out of time": (GATE, "{}"),
    "a decision comes too late": (GATE, "decisions: {ok: {verdict: approve, by: ada, after: 4d}}"),
    "a decision comes as the gate closes": (GATE, "decisions: {ok: {verdict: approve, by: ada, after: 3d}}"),
    "one who may not decide tries, then one who may": (
        GATE,
        "decisions: {ok: [{verdict: approve, by: eve, after: 1h}, {verdict: reject, by: ada, after: 2h, comment: x}]}",
    ),
    "the starter may not decide": (GATE, "starter: ada\ndecisions: {ok: {verdict: approve, by: ada}}"),
    "branches end in the order of their time": (
        PARALLEL,
        "stubs: {both/slow: {delay: 3m}, both/quick: {delay: 2m}, both/other: {delay: 1m}}",
    ),
    "branches of one moment end in their order": (PARALLEL, "{}"),
    "a branch fails and its siblings are cancelled": (
        PARALLEL,
        "stubs: {both/slow: {delay: 3m}, both/quick: {delay: 1m, fail: {}}, both/other: {delay: 2m}}",
    ),
    "a step takes longer than its time": (PARALLEL, "stubs: {both/slow: {delay: 55m}}"),
    "a group takes longer than its time": (PARALLEL, "stubs: {both/quick: {delay: 61m}}"),
    "a run takes longer than its time": (TIMED, "clock: {start: '2026-03-01T00:00:00Z'}"),
    "a run takes less than its time": (TIMED, "inputs: {long: false}"),
    "files and outputs travel": (
        FILES,
        "files: {a.txt: 'A'}\nstubs: {make: {outputs: {stdout: abc}, files: {out.txt: B, new.txt: new}}}",
    ),
    "a file is missing": (FILES, "files: {a.txt: 'A'}\nstubs: {make: {files: {out.txt: B}}}"),
    "a result comes from the cache": (FILES, "files: {a.txt: A}\nstubs: {make: {cached: true, files: {new.txt: new}}}"),
    "steps run as soon as what they need has ended": (
        NEEDS,
        "stubs: {a: {delay: 5m, files: {a: a}}, b: {delay: 1m, files: {b: b}}, c: {delay: 1m}, d: {delay: 1m}}",
    ),
    "branches change the same file": (NEEDS, "stubs: {a: {files: {x: a}}, b: {delay: 1m, files: {x: b}}}"),
    "nobody decides": ("steps: [{id: ok, type: approval}, {id: b, type: set, values: {x: 1}}]", "{}"),
}


@pytest.fixture(scope="module")
async def simulate() -> AsyncIterator[Play]:
    async with simulated.opened() as play:
        yield play


def subject_of(text: str, folder: Path) -> Subject:
    loaded = load(f"name: played\n{text}", "played.yaml")
    assert loaded.definition is not None, loaded.diagnostics
    return Subject(loaded.definition, loaded.source, "played.yaml", folder)


def told(outcome: Outcome) -> dict[str, object]:
    status = outcome.status
    assert status.started_at is not None
    steps = {
        path: (
            step.status,
            step.attempt,
            step.cached,
            step.reason,
            None if step.started_at is None else step.started_at - status.started_at,
            None if step.completed_at is None else step.completed_at - status.started_at,
            step.error and (step.error.type, step.error.message),
            {name: value for name, value in (step.outputs or {}).items() if name != "decided_at"},
            step.artifacts,
        )
        for path, step in status.steps.items()
    }
    return {
        "status": status.status,
        "error": status.error and (status.error.type, status.error.message, status.error.step),
        "steps": steps,
        "outputs": status.outputs,
        "handled": status.handled_failures,
        "approvals": [(found.gate, found.by, found.accepted, found.reason) for found in status.approvals],
        "pending": [gate.gate for gate in status.pending_approvals],
        "began": status.started_at,
        "path": outcome.path,
        "prompts": outcome.prompts,
        "duration": outcome.duration,
    }


@pytest.mark.parametrize("name", CASES)
async def test_levels_agree_when(name: str, simulate: Play, tmp_path: Path) -> None:
    text, written = CASES[name]
    case = Case.model_validate({"name": name, **yaml.safe_load(written)})
    subject = subject_of(text, tmp_path)
    assert told(await simulate(case, subject)) == told(await plan.play(case, subject))
