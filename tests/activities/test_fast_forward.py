"""How far a run gets on the cache alone; seen in which activities its history has."""

from typing import NoReturn

import pytest
from temporalio.service import RPCError, RPCStatusCode

from activities.evaluate import evaluate
from activities.look_ahead import LookAhead
from activities.store.interface import Store, StoreError
from definitions.records import EvaluateCall, EvaluateResult, RunHandle, StepCall, StepResult
from definitions.statuses import Status
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


# --- behind a miss --------------------------------------------------------------------------------------

CHANGED = """
inputs: {text: {type: string, default: one}}
workspace: {from: empty}
steps:
  - {id: a, type: shell, command: "echo a", cache: {inputs: []}}
  - {id: miss, type: shell, command: "echo {{ inputs.text }} > m.txt", cache: {inputs: []}}
  - {id: b, type: shell, command: "echo b > b.txt", cache: {inputs: []}}
  - id: both
    type: group
    mode: parallel
    steps:
      - {id: l, type: shell, command: "echo l > l.txt", cache: {inputs: []}}
      - {id: r, type: shell, command: "echo r > r.txt", cache: {inputs: []}}
  - id: each
    type: shell
    for_each: {items: [x, y]}
    command: "echo {{ item }}"
    cache: {inputs: []}
  - {id: c, type: shell, command: "cat b.txt", cache: {inputs: [b.txt]}}
  - {id: read, type: set, values: {m: '{{ read_text("m.txt") }}', l: '{{ read_text("l.txt") }}'}}
"""


async def test_what_comes_after_a_miss_comes_with_the_first_hit(worker: RunningWorker):
    await run(worker, CHANGED)
    handle = await start(worker, CHANGED, inputs={"text": "two"})
    ended = await finished(handle)
    assert await scheduled_activities(handle) == ["prepare", "shell", "shell", "finish"]
    assert [path for path, step in ended.steps.items() if step.type == "shell" and not step.cached] == ["miss", "each"]
    assert ended.steps["read"].outputs == {"m": "two\n", "l": "l\n"}
    events = (await report(handle)).events
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    ends = [event.step for event in events if event.type == "step_completed"]
    assert sorted(filter(None, ends)) == sorted(ended.steps)


async def test_second_miss_runs_and_what_follows_it_is_found_again(worker: RunningWorker):
    text = CHANGED.replace("cat b.txt", "cat b.txt m.txt").replace("[b.txt]", "[b.txt, m.txt]") + (
        "  - {id: d, type: shell, command: 'echo d', cache: {inputs: []}}\n"
        "  - {id: e, type: shell, command: 'echo e', cache: {inputs: []}}\n"
    )
    await run(worker, text)
    handle = await start(worker, text, inputs={"text": "two"})
    ended = await finished(handle)
    assert ended.steps["c"].outputs == {"stdout": "b\ntwo", "exit_code": 0}
    assert (ended.steps["c"].cached, ended.steps["e"].cached) == (False, True)
    # prepare, miss, b with what follows up to c, c, read, d with e
    names = ["prepare", "shell", "shell", "shell", "evaluate", "shell", "finish"]
    assert await scheduled_activities(handle) == names


async def test_step_beside_the_hit_is_not_taken_for_done(worker: RunningWorker):
    text = """
inputs: {text: {type: string, default: one}}
workspace: {from: empty}
steps:
  - {id: miss, type: shell, command: "echo {{ inputs.text }}", cache: {inputs: []}}
  - id: both
    type: group
    mode: parallel
    steps:
      - id: l
        type: group
        steps:
          - {id: one, type: shell, command: "echo 1", cache: {inputs: []}}
          - {id: two, type: shell, command: "echo 2", cache: {inputs: []}}
      - id: r
        type: group
        steps:
          - {id: runs, type: shell, command: "sleep 0.3; echo r"}
          - {id: three, type: shell, command: "echo 3", cache: {inputs: []}}
  - {id: after, type: shell, command: "echo 4", cache: {inputs: []}}
"""
    await run(worker, text)
    handle = await start(worker, text, inputs={"text": "two"})
    ended = await finished(handle)
    assert ended.status == "completed"
    cached = {path: step.cached for path, step in ended.steps.items() if step.type == "shell"}
    assert cached == {
        "miss": False,
        "both/l/one": True,
        "both/l/two": True,
        "both/r/runs": False,
        "both/r/three": True,
        "after": True,
    }
    # miss, one with two, runs, three with after
    assert (await scheduled_activities(handle)).count("shell") == 4


async def test_undoing_is_in_the_order_of_the_run_when_steps_were_found_ahead(worker: RunningWorker):
    step = "{id: %s, type: shell, command: 'echo %s', cache: {inputs: []}, compensate: {type: shell, command: 'true'}}"
    text = (
        "inputs: {text: {default: one}}\nworkspace: {from: empty}\nsteps:\n"
        "  - {id: miss, type: shell, command: 'echo {{ inputs.text }}', cache: {inputs: []}}\n"
        + "".join(f"  - {step % (name, name)}\n" for name in "abc")
        + "  - {id: fails, type: shell, command: 'exit 1'}\n"
    )
    await run(worker, text)
    handle = await start(worker, text, inputs={"text": "two"})
    ended = await finished(handle)
    assert ended.status == "failed"
    undone = [path.partition("/")[0] for path in ended.steps if "/compensate" in path]
    assert undone == ["c", "b", "a"]


class Silent:
    """A client whose runs do not answer; it counts how often they are asked."""

    def __init__(self) -> None:
        self.asked = 0

    def get_workflow_handle(self, _: str) -> "Silent":
        return self

    async def query(self, *_: object, **__: object) -> NoReturn:
        self.asked += 1
        raise RPCError("no answer", RPCStatusCode.UNAVAILABLE, b"")


async def test_run_that_gives_nothing_is_asked_less_and_less():
    client = Silent()
    ahead = LookAhead(client, None)  # pyright: ignore[reportArgumentType]
    call = StepCall(run=RunHandle(execution_id="r", definition_id="d", context="c"), path="a", step={})
    asked: list[int] = []
    for _ in range(12):
        assert (await ahead.with_found(call, StepResult(cached=True))).found is None
        asked.append(client.asked)
    assert asked == [1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3]
    assert (await ahead.with_found(call, StepResult())).found is None
    for number in range(300):  # other runs push the first one out
        other = call.model_copy(update={"run": call.run.model_copy(update={"execution_id": f"r{number}"})})
        await ahead.with_found(other, StepResult(cached=True))
    before = client.asked
    await ahead.with_found(call, StepResult(cached=True))
    assert client.asked == before + 1


async def test_failure_that_may_not_come_again_decides_nothing(worker: RunningWorker, monkeypatch: pytest.MonkeyPatch):
    text = """
workspace: {from: empty}
steps:
  - {id: a, type: shell, command: "echo a > a", cache: true}
  - {id: read, type: set, values: {x: '{{ read_text("a") }}'}, on_failure: continue}
  - {id: b, type: shell, command: "echo {{ default(steps.read.outputs.x, 'no') }}", cache: true}
"""
    expected = {"stdout": "a", "exit_code": 0}
    assert (await run(worker, text)).steps["b"].outputs == expected
    failing = text.replace('"a")', '"none")')
    assert (await run(worker, failing)).steps["b"].outputs == {"stdout": "no", "exit_code": 0}
    is_first = True

    async def unlucky(store: Store, call: EvaluateCall) -> EvaluateResult:
        nonlocal is_first
        if is_first:
            is_first = False
            raise StoreError("the store is away")
        return await evaluate(store, call)

    monkeypatch.setattr("activities.fast_forward.evaluate", unlucky)
    ended = await run(worker, text)
    assert not is_first
    assert (ended.steps["read"].status, ended.steps["b"].outputs) == ("completed", expected)
