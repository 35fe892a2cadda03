"""How far a run gets on the cache alone; seen in which activities its history has."""

import pytest

from definitions.records import Status
from tests.support.live_runs import finished, report, run, scheduled_activities, start, until_open
from tests.support.workers import RunningWorker

pytestmark = pytest.mark.server


PARALLEL = """
workspace: {from: empty}
steps:
  - id: both
    type: group
    mode: parallel
    steps:
      - {id: l, type: shell, command: "echo l > l.txt", cache: true}
      - {id: r, type: shell, command: "echo r > r.txt", cache: true}
  - {id: read, type: set, values: {l: '{{ read_text("l.txt") }}'}}
  - {id: see, type: shell, command: "cat l.txt r.txt", cache: true}
"""


async def test_branches_and_their_join_come_from_the_cache(worker: RunningWorker):
    await run(worker, PARALLEL)
    handle = await start(worker, PARALLEL)
    ended = await finished(handle)
    assert ended.steps["see"].outputs == {"stdout": "l\nr", "exit_code": 0}
    assert ended.steps["read"].outputs == {"l": "l\n"}
    assert await scheduled_activities(handle) == ["prepare", "finish"]
    told = [(event.type, event.step) for event in (await report(handle)).events]
    assert ("step_completed", "both/l") in told
    assert [event.sequence for event in (await report(handle)).events] == list(range(1, len(told) + 1))


async def test_branch_that_must_run_is_run_and_the_other_not(worker: RunningWorker):
    await run(worker, PARALLEL)
    handle = await start(worker, PARALLEL.replace("echo r >", "echo R >"))
    ended = await finished(handle)
    assert (ended.steps["both/l"].cached, ended.steps["both/r"].cached) == (True, False)
    assert (await scheduled_activities(handle)).count("shell") == 2


@pytest.mark.parametrize(
    ("between", "expected"),
    [
        ("{id: w, type: wait, duration: 10ms}", ["prepare", "shell", "finish"]),
        ("{id: w, type: assert, condition: '1 > 2', on_failure: continue}", ["prepare", "shell", "finish"]),
        ("{id: w, type: shell, command: 'true'}", ["prepare", "shell", "shell", "finish"]),
        ("{id: w, type: set, values: {x: '{{ read_text(\"no\") }}'}, on_failure: continue}", None),
    ],
)
async def test_cache_carries_up_to_what_it_cannot_answer(
    worker: RunningWorker, between: str, expected: list[str] | None
):
    text = f"""
workspace: {{from: empty}}
steps:
  - {{id: a, type: shell, command: "echo a > a.txt", cache: true}}
  - {between}
  - {{id: b, type: shell, command: "cat a.txt"}}
"""
    await run(worker, text)
    handle = await start(worker, text)
    ended = await finished(handle)
    assert ended.status == "completed"
    assert ended.steps["a"].cached
    assert expected is None or await scheduled_activities(handle) == expected


async def test_gate_is_asked_when_all_around_it_is_cached(worker: RunningWorker):
    text = """
workspace: {from: empty}
steps:
  - {id: a, type: shell, command: "echo a", cache: true}
  - {id: ok, type: approval}
  - {id: b, type: shell, command: "echo b", cache: true}
"""

    async def approved() -> Status:
        handle = await start(worker, text)
        await until_open(handle, "ok")
        await handle.signal("decide", {"verdict": "approve"})
        return await finished(handle)

    await approved()
    ended = await approved()
    assert [ended.steps[step].cached for step in "ab"] == [True, True]


async def test_expression_error_stays_a_failure_of_its_step(worker: RunningWorker):
    text = """
inputs: {n: {type: object, default: {a: 1}}}
workspace: {from: empty}
steps:
  - {id: a, type: shell, command: "echo a", cache: true}
  - {id: b, type: shell, command: "echo {{ inputs.n.b }}", cache: true}
"""
    for _ in range(2):
        ended = await run(worker, text)
        assert ended.status == "failed"
        assert ended.error is not None
        assert (ended.error.step, ended.error.type) == ("b", "expression")
