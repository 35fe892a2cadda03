"""Jumps, handlers and later visits on a real server, over several histories."""

import pytest

from tests.support.live_runs import finished, histories_of, run, start
from tests.support.workers import RunningWorker

pytestmark = pytest.mark.server

REWORK = """
workspace: {from: empty}
outputs: {count: {value: "{{ steps.work.outputs.stdout }}"}}
steps:
  - {id: work, type: shell, command: "echo x >> tries.txt; wc -l < tries.txt", max_visits: 20}
  - {id: more, type: shell, command: "true", max_visits: 20}
  - id: check
    type: assert
    condition: int(steps.work.outputs.stdout) >= 14
    message: not yet
    on_failure: work
    max_visits: 20
  - {id: after, type: shell, command: "cat tries.txt | wc -l"}
"""


async def test_visits_are_counted_over_histories_when_jumps_lead_back(forgetful: RunningWorker):
    handle = await start(forgetful, REWORK)
    ended = await finished(handle)
    assert ended.error is None
    assert (ended.status, ended.outputs) == ("completed", {"count": "14"})
    assert ended.steps["after"].outputs == {"stdout": "14", "exit_code": 0}
    assert ended.steps["work@14"].visit == 14
    assert ended.steps["work@2"].entered_from == "check"
    assert await histories_of(forgetful, handle.id) > 1


async def test_run_fails_when_the_visits_are_used_up(forgetful: RunningWorker):
    ended = await run(forgetful, REWORK.replace(">= 14", ">= 99").replace("max_visits: 20", "max_visits: 13"))
    assert ended.status == "failed"
    assert ended.error is not None
    assert (ended.error.type, ended.error.step) == ("visits-exhausted", "work@14")


async def test_run_completes_when_a_handler_took_the_failure(worker: RunningWorker):
    text = """
workspace: {from: none}
steps:
  - {id: a, type: shell, command: exit 3, on_failure: mend}
  - {id: b, type: shell, command: "true"}
  - {id: mend, type: shell, command: "echo {{ steps.a.error.type }}"}
"""
    ended = await run(worker, text)
    assert (ended.status, ended.handled_failures) == ("completed", ["a"])
    assert ended.steps["mend"].outputs == {"stdout": "exit", "exit_code": 0}
    assert "b" not in ended.steps


async def test_run_fails_with_the_first_error_when_its_handler_says_so(worker: RunningWorker):
    text = """
workspace: {from: none}
steps:
  - {id: a, type: shell, command: exit 3, on_failure: mend}
  - {id: mend, type: shell, command: "true", end: failed}
"""
    ended = await run(worker, text)
    assert ended.status == "failed"
    assert ended.error is not None
    assert ended.error.step == "a"
    assert ended.steps["mend"].status == "completed"
