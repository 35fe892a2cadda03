"""Loops on a real server: passes over several histories, their time, their pauses."""

import pytest

from tests.support.live_runs import finished, histories_of, run, start, status, until_step, whole_history
from tests.support.workers import RunningWorker

pytestmark = pytest.mark.server

NESTED = """
workspace: {from: empty}
steps:
  - id: improve
    type: group
    loop: {max_iterations: 5, until: int(steps.measure.outputs.stdout) >= 12}
    steps:
      - id: inner
        type: shell
        command: "echo {{ loop.iteration }} >> all.txt"
        loop: {max_iterations: 4}
      - {id: measure, type: shell, command: "wc -l < all.txt"}
  - {id: after, type: shell, command: "echo {{ steps.measure.outputs.stdout }}; tr -d '\\\\n' < all.txt"}
"""


async def test_passes_go_on_where_they_were_when_the_run_continues_as_new(forgetful: RunningWorker):
    handle = await start(forgetful, NESTED)
    ended = await finished(handle)
    assert ended.error is None
    assert ended.steps["after"].outputs == {"stdout": "12\n123412341234", "exit_code": 0}
    assert ended.steps["improve"].iteration == 3
    assert ended.steps["improve#3/inner"].iteration == 4
    assert await histories_of(forgetful, handle.id) > 1


async def test_loop_fails_of_class_timeout_when_the_time_of_all_passes_is_up(forgetful: RunningWorker):
    text = """
workspace: {from: none}
steps: [{id: again, type: shell, command: sleep 0.1, loop: {max_iterations: 1000}, timeout: 2s}]
"""
    handle = await start(forgetful, text)
    ended = await finished(handle)
    assert ended.error is not None
    assert (ended.error.type, ended.error.step) == ("timeout", "again")
    assert (ended.steps["again"].iteration or 0) > 1
    assert len([path for path, step in ended.steps.items() if step.status == "cancelled"]) <= 1


async def test_one_pass_with_one_step_costs_at_most_six_events(worker: RunningWorker):
    async def events(passes: int) -> int:
        step = f"{{id: a, type: shell, command: 'true', loop: {{max_iterations: {passes}}}}}"
        text = f"workspace: {{from: none}}\nsteps: [{step}]"
        handle = await start(worker, text)
        assert (await finished(handle)).status == "completed"
        return len(await whole_history(worker, handle.id))

    assert await events(21) - await events(1) <= 6 * 20


async def test_no_child_workflow_is_started_by_any_construct(worker: RunningWorker):
    handle = await start(worker, NESTED)
    await finished(handle)
    kinds = {event.WhichOneof("attributes") for event in await whole_history(worker, handle.id)}
    assert not [kind for kind in kinds if kind is not None and "child" in kind]


async def test_pass_that_runs_ends_and_no_other_starts_when_the_run_is_paused(worker: RunningWorker):
    text = "workspace: {from: none}\nsteps: [{id: a, type: shell, command: sleep 0.2, loop: {max_iterations: 4}}]"
    handle = await start(worker, text)
    await until_step(handle, "a#2", "running")
    await handle.execute_update("pause", {"by": "ana"})
    await until_step(handle, "a#2", "completed")
    now = await status(handle)
    assert now.status == "paused"
    assert "a#3" not in now.steps
    await handle.execute_update("resume", {"by": "ana"})
    assert (await finished(handle)).steps["a"].iteration == 4


async def test_exhausted_loop_says_so_when_it_goes_on(worker: RunningWorker):
    text = """
workspace: {from: none}
steps:
  - id: a
    type: shell
    command: echo 1
    loop: {max_iterations: 2, until: "steps.a.outputs.stdout == '2'", on_exhausted: mend}
  - {id: b, type: shell, command: "true"}
  - {id: mend, type: shell, command: "echo {{ steps.a.error.type }}"}
"""
    ended = await run(worker, text)
    assert ended.status == "completed"
    assert ended.steps["mend"].outputs == {"stdout": "loop-exhausted", "exit_code": 0}
