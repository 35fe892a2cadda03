"""Races on a real server: the losers' processes are gone before the run goes on."""

from pathlib import Path

import psutil
import pytest

from tests.support.live_runs import finished, histories_of, run, start, until, until_open
from tests.support.workers import RunningWorker

pytestmark = pytest.mark.server


def sleepers(mark: str) -> list[psutil.Process]:
    """Return the living processes that have `mark` among their arguments."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if mark in (process.info["cmdline"] or []):
            found.append(process)
    return found


async def test_losers_processes_are_gone_and_their_files_dropped_when_one_has_won(
    worker: RunningWorker, tmp_path: Path
):
    text = f"""
workspace: {{from: empty}}
outputs: {{who: {{value: "{{{{ steps.first.outputs.winner }}}}"}}}}
steps:
  - id: first
    type: group
    mode: race
    steps:
      - {{id: slow, type: shell, command: "echo s > slow.txt; sleep 6117 & touch {tmp_path}/begun; wait"}}
      - {{id: never, type: wait, duration: 1h}}
      - {{id: quick, type: shell, command: "while [ ! -e {tmp_path}/begun ]; do sleep 0.02; done; echo q > quick.txt"}}
      - {{id: bad, type: shell, command: exit 1}}
  - {{id: after, type: shell, command: "ls; pgrep -fx 'sleep 6117' || echo gone"}}
"""
    ended = await run(worker, text)
    assert ended.error is None
    assert ended.outputs == {"who": "quick"}
    assert ended.steps["after"].outputs == {"stdout": "quick.txt\ngone", "exit_code": 0}
    assert {path: ended.steps[f"first/{path}"].status for path in ("slow", "never", "quick", "bad")} == {
        "slow": "cancelled",
        "never": "cancelled",
        "quick": "completed",
        "bad": "failed",
    }
    assert not sleepers("6117")


async def test_gate_of_a_race_closes_when_another_branch_has_won(worker: RunningWorker, tmp_path: Path):
    text = f"""
workspace: {{from: none}}
steps:
  - id: first
    type: group
    mode: race
    steps:
      - {{id: ok, type: approval}}
      - {{id: work, type: shell, command: "while [ ! -e {tmp_path}/go ]; do sleep 0.02; done"}}
  - {{id: after, type: shell, command: "true"}}
"""
    handle = await start(worker, text)
    await until_open(handle, "first/ok")
    (tmp_path / "go").touch()
    ended = await finished(handle)
    assert (ended.status, ended.pending_approvals) == ("completed", [])
    assert ended.steps["first/ok"].status == "cancelled"


async def test_race_fails_with_the_first_declared_error_when_all_fail(worker: RunningWorker):
    text = """
workspace: {from: none}
steps:
  - id: first
    type: group
    mode: race
    steps:
      - {id: a, type: shell, command: sleep 0.2; exit 3}
      - {id: b, type: shell, command: exit 4}
"""
    ended = await run(worker, text)
    assert ended.error is not None
    assert (ended.status, ended.error.step) == ("failed", "first/a")


async def test_race_goes_on_in_another_history(forgetful: RunningWorker):
    steps = "".join(f"          - {{id: s{number}, type: shell, command: 'true'}}\n" for number in range(20))
    text = f"""
workspace: {{from: none}}
steps:
  - id: first
    type: group
    mode: race
    steps:
      - {{id: never, type: wait, signal: no-such}}
      - id: work
        type: group
        steps:
{steps}
  - {{id: after, type: shell, command: "echo {{{{ steps.first.outputs.winner }}}}"}}
"""
    handle = await start(forgetful, text)

    async def is_over() -> bool:
        return await histories_of(forgetful, handle.id) > 1

    await until(is_over, "the second history")
    ended = await finished(handle)
    assert ended.error is None
    assert ended.steps["after"].outputs == {"stdout": "work", "exit_code": 0}
