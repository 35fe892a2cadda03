import asyncio

import pytest
from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from activities.workspace.manifest import load_manifest
from definitions.messages import WORKFLOW_TYPE, EventsQuery
from definitions.statuses import Event
from tests.support.live_runs import (
    finished,
    report,
    run,
    scheduled_activities,
    start,
    status,
    until,
    until_open,
    until_step,
)
from tests.support.workers import RunningWorker

pytestmark = pytest.mark.server

GATE = """
workspace: {from: none}
steps:
  - {id: ok, type: approval, message: Release?}
  - {id: after, type: shell, command: "echo {{ steps.ok.outputs.decided_by }}"}
"""
SLOW = """
workspace: {from: none}
steps:
  - {id: a, type: shell, command: sleep 0.3}
  - {id: b, type: shell, command: sleep 0.3}
  - {id: c, type: shell, command: echo done}
"""
ENDLESS = "workspace: {from: none}\nsteps: [{id: a, type: shell, command: sleep 600}]"


def refusal(error: pytest.ExceptionInfo[WorkflowUpdateFailedError]) -> str | None:
    assert isinstance(error.value.cause, ApplicationError)
    return error.value.cause.type


async def test_run_completes_with_the_status_record(worker: RunningWorker):
    text = """
inputs: {who: {type: string, default: world}}
outputs: {said: {value: "{{ steps.hello.outputs.stdout }}"}}
steps: [{id: hello, type: shell, command: "echo hello {{ inputs.who }}"}]
"""
    ended = await run(worker, text, inputs={"who": "$(touch /tmp/perdure-never)"})
    assert ended.status == "completed"
    assert ended.outputs == {"said": "hello $(touch /tmp/perdure-never)"}
    assert ended.steps["hello"].status == "completed"
    assert ended.completed_steps == 1


async def test_run_fails_with_the_step_error_when_a_step_fails(worker: RunningWorker):
    ended = await run(worker, "steps: [{id: a, type: shell, command: echo oops >&2; exit 3}]")
    assert ended.status == "failed"
    assert ended.error is not None
    assert (ended.error.type, ended.error.step) == ("exit", "a")
    assert "oops" in ended.error.message


async def test_files_of_a_failed_run_can_be_looked_at(worker: RunningWorker):
    text = """
workspace: {from: empty}
steps:
  - {id: a, type: shell, command: echo a > a.txt}
  - {id: b, type: shell, command: echo b > b.txt; exit 1}
"""
    ended = await run(worker, text)
    assert ended.status == "failed"
    assert ended.tree is not None
    assert list(load_manifest(worker.store, ended.tree).by_path) == ["a.txt"]


async def test_run_is_written_to_the_store_when_it_ends(worker: RunningWorker):
    handle = await start(worker, "steps: [{id: a, type: shell, command: echo hi}]")
    await finished(handle)
    keys = list(worker.store.list_keys(f"runs/{handle.id}/"))
    assert f"runs/{handle.id}/run.json" in keys
    assert f"runs/{handle.id}/ledger.json" in keys
    assert f"runs/{handle.id}/events-00000001.ndjson" in keys


@pytest.mark.parametrize(
    ("request_", "kind", "says"),
    [
        (None, "input-not-valid", "`definition`: field required"),
        ("text", "input-not-valid", "valid dictionary"),
        ({"definition": "no-such"}, "unknown-definition", "no definition is called `no-such`"),
        ({"definition": {"name": "x"}}, "definition-invalid", "has no `steps`"),
        ({"definition": {"text": "name: [x"}}, "definition-invalid", "error["),
        (
            {"definition": {"text": "name: x\nsteps: [{id: a, type: shell, command: x}]"}, "inputs": {"y": 1}},
            "definition-invalid",
            "unknown-input",
        ),
    ],
)
async def test_run_fails_at_once_when_the_request_is_not_valid(
    worker: RunningWorker, request_: object, kind: str, says: str, task_queue: str
):
    arguments = [] if request_ is None else [request_]
    handle = await worker.client.start_workflow(
        WORKFLOW_TYPE, args=arguments, id=f"bad-{task_queue}", task_queue=task_queue
    )
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    assert isinstance(caught.value.cause, ApplicationError)
    assert caught.value.cause.type == kind
    assert says in caught.value.cause.message
    assert (await status(handle)).status in ("failed", "pending")


async def test_gate_is_decided_by_update(worker: RunningWorker):
    handle = await start(worker, GATE)
    await until_open(handle, "ok")
    assert (await status(handle)).status == "waiting_approval"
    answer = await handle.execute_update("decide", {"verdict": "approve", "by": "ana"})
    assert answer["accepted"] is True
    ended = await finished(handle)
    assert ended.status == "completed"
    assert ended.steps["after"].outputs is not None
    assert ended.steps["after"].outputs["stdout"] == "ana"
    assert [decision.by for decision in ended.approvals] == ["ana"]


async def test_gate_is_decided_by_signal(worker: RunningWorker):
    handle = await start(worker, GATE)
    await until_open(handle, "ok")
    await handle.signal("decide", {"gate": "ok", "verdict": "reject", "by": "bob", "comment": "no"})
    ended = await finished(handle)
    assert ended.status == "rejected"
    assert ended.error is not None
    assert ended.error.message == "gate `ok` was rejected by `bob`: no"
    assert "after" not in ended.steps


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ({"gate": "other", "verdict": "approve"}, "unknown-gate"),
        ({"gate": "ok", "verdict": "approve", "digest": "0" * 64}, "stale-digest"),
        ({"gate": "ok", "verdict": "perhaps"}, "malformed"),
        ("yes", "malformed"),
        (None, "malformed"),
    ],
)
async def test_decision_is_refused_with_its_type_and_costs_no_event(worker: RunningWorker, message: object, kind: str):
    handle = await start(worker, GATE)
    await until_open(handle, "ok")
    before = len((await handle.fetch_history()).events)
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await handle.execute_update("decide", message)
    assert refusal(caught) == kind
    kinds = [event.event_type for event in (await handle.fetch_history()).events]
    assert 41 not in kinds, "no update was accepted"
    assert len(kinds) >= before
    await handle.signal("decide", {"verdict": "approve"})
    assert (await finished(handle)).status == "completed"


async def test_nonsense_signals_do_no_harm(worker: RunningWorker):
    handle = await start(worker, GATE)
    for name in ("decide", "pause", "resume", "cancel", "no-such-signal"):
        await handle.signal(name, [1, 2, 3])
    await handle.signal("decide")
    await handle.signal("resume")
    await until_open(handle, "ok")
    assert (await status(handle)).status == "waiting_approval"
    await handle.signal("decide", {"verdict": "approve"})
    assert (await finished(handle)).status == "completed"


async def test_nothing_new_starts_when_the_run_is_paused(worker: RunningWorker):
    handle = await start(worker, SLOW)
    await until_step(handle, "a", "running")
    assert (await handle.execute_update("pause", {"by": "ana", "reason": "lunch"}))["status"] == "paused"
    await until_step(handle, "a", "completed")
    await asyncio.sleep(0.3)
    now = await status(handle)
    assert (now.status, now.pause_reason) == ("paused", "lunch")
    assert "b" not in now.steps
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await handle.execute_update("pause", {})
    assert refusal(caught) == "already-paused"
    await handle.execute_update("resume", {"by": "ana"})
    assert (await finished(handle)).status == "completed"


async def test_pause_and_resume_work_by_signal(worker: RunningWorker):
    handle = await start(worker, SLOW)
    await handle.signal("pause", {"by": "ana"})

    async def is_paused() -> bool:
        return (await status(handle)).status == "paused"

    await until(is_paused, "the pause")
    await handle.signal("resume", {"by": "ana"})
    assert (await finished(handle)).status == "completed"
    kinds = [event.type for event in (await report(handle)).events]
    assert "run_paused" in kinds
    assert "run_resumed" in kinds


async def test_resume_is_refused_when_the_run_is_not_paused(worker: RunningWorker):
    handle = await start(worker, GATE)
    await until_open(handle, "ok")
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await handle.execute_update("resume", {})
    assert refusal(caught) == "not-paused"
    await handle.cancel()
    assert (await finished(handle)).status == "cancelled"


@pytest.mark.parametrize("how", ["update", "signal", "native"])
async def test_run_is_cancelled_and_its_process_gone(worker: RunningWorker, how: str):
    handle = await start(worker, ENDLESS)
    await until_step(handle, "a", "running")
    match how:
        case "update":
            await handle.execute_update("cancel", {"by": "ana", "reason": "wrong"})
        case "signal":
            await handle.signal("cancel", {"by": "ana"})
        case _:
            await handle.cancel()
    ended = await finished(handle)
    assert ended.status == "cancelled"
    assert ended.steps["a"].status == "cancelled"
    description = await handle.describe()
    assert description.status is not None
    assert description.status.name == "CANCELED"


async def test_cancel_is_not_lost_when_the_running_step_ends_well_meanwhile(worker: RunningWorker):
    steps = "".join(f"  - {{id: s{number}, type: shell, command: sleep 0.05}}\n" for number in range(100))
    handle = await start(worker, f"workspace: {{from: none}}\nsteps:\n{steps}")
    await until_step(handle, "s1", "completed")
    await handle.cancel()
    ended = await finished(handle)
    assert ended.status == "cancelled"
    assert ended.completed_steps < 50


async def test_group_ends_when_its_time_is_up_between_short_steps(worker: RunningWorker):
    steps = "".join(f"      - {{id: s{number}, type: shell, command: sleep 0.05}}\n" for number in range(100))
    text = f"workspace: {{from: none}}\nsteps:\n  - id: g\n    type: group\n    timeout: 1s\n    steps:\n{steps}"
    ended = await run(worker, text)
    assert ended.error is not None
    assert (ended.error.type, ended.error.step) == ("timeout", "g")


async def test_run_fails_of_class_timeout_when_its_time_is_up(worker: RunningWorker):
    ended = await run(worker, "timeout: 700ms\n" + ENDLESS)
    assert ended.status == "failed"
    assert ended.error is not None
    assert ended.error.type == "timeout"


async def test_step_fails_of_class_timeout_when_its_time_is_up(worker: RunningWorker):
    text = "steps: [{id: a, type: shell, command: sleep 600, timeout: 300ms, on_failure: continue}]"
    ended = await run(worker, text)
    assert ended.status == "completed"
    assert ended.handled_failures == ["a"]
    assert ended.steps["a"].error is not None
    assert ended.steps["a"].error.type == "timeout"


async def test_events_are_asked_for_in_parts(worker: RunningWorker):
    handle = await start(worker, SLOW)
    await finished(handle)
    whole = await handle.query("events", EventsQuery(), result_type=list[Event])
    part = await handle.query("events", EventsQuery(after=2, limit=3), result_type=list[Event])
    assert [event.sequence for event in whole] == list(range(1, len(whole) + 1))
    assert [event.sequence for event in part] == [3, 4, 5]
    assert whole[-1].type == "run_completed"


async def test_queries_answer_what_they_say(worker: RunningWorker):
    handle = await start(worker, SLOW)
    await finished(handle)
    assert (await handle.query("definition"))["id"] == "live"
    assert (await handle.query("graph")).startswith(("flowchart", "graph"))
    assert (await handle.query("ledger"))["records"]["a"]["status"] == "completed"
    assert await handle.query("gates") == []


async def test_files_travel_from_step_to_step(worker: RunningWorker):
    text = """
workspace: {from: empty}
outputs: {report: {type: artifact, value: "{{ steps.make.outputs.file }}"}}
steps:
  - id: make
    type: shell
    command: "mkdir -p d; echo one > d/f.txt"
    outputs: {file: d/f.txt}
    artifacts: {f: d/f.txt}
  - {id: read, type: shell, command: "cat d/f.txt; echo two >> d/f.txt"}
  - {id: check, type: assert, condition: 'read_text("d/f.txt") == "one\\ntwo\\n"'}
  - {id: copy, type: assert, condition: 'read_text(steps.make.outputs.file) == "one\\n"'}
"""
    ended = await run(worker, text)
    assert ended.error is None
    assert ended.status == "completed"
    assert isinstance(ended.outputs["report"], dict)
    assert ended.outputs["report"]["$file"] == "d/f.txt"
    assert [artifact["name"] for artifact in ended.artifacts] == ["f", "report"]


async def test_branches_work_on_private_copies_and_are_joined(worker: RunningWorker):
    text = """
workspace: {from: empty}
steps:
  - id: both
    type: group
    mode: parallel
    steps:
      - {id: left, type: shell, command: "echo l > left.txt; sleep 0.1; ls"}
      - {id: right, type: shell, command: "echo r > right.txt; sleep 0.1; ls"}
  - {id: see, type: shell, command: "cat left.txt right.txt"}
"""
    ended = await run(worker, text)
    assert ended.error is None
    assert ended.steps["both/left"].outputs == {"stdout": "left.txt", "exit_code": 0}
    assert ended.steps["see"].outputs == {"stdout": "l\nr", "exit_code": 0}


async def test_join_fails_with_the_paths_when_branches_conflict(worker: RunningWorker):
    text = """
workspace: {from: empty}
steps:
  - id: both
    type: group
    mode: parallel
    steps:
      - {id: left, type: shell, command: "echo l > same.txt"}
      - {id: right, type: shell, command: "echo r > same.txt"}
"""
    ended = await run(worker, text)
    assert ended.status == "failed"
    assert ended.error is not None
    assert ended.error.type == "workspace"
    assert "same.txt" in ended.error.message


async def test_second_run_is_taken_from_the_cache(worker: RunningWorker):
    text = """
workspace: {from: empty}
steps:
  - {id: make, type: shell, command: "date +%s%N > now.txt; cat now.txt", cache: true, artifacts: {now: now.txt}}
  - {id: see, type: shell, command: cat now.txt}
"""
    first, second = await run(worker, text), await run(worker, text)
    assert first.steps["make"].cached is False
    assert second.steps["make"].cached is True
    assert second.steps["make"].outputs == first.steps["make"].outputs
    assert second.steps["see"].outputs == first.steps["make"].outputs
    assert second.steps["make"].cache_key == first.steps["make"].cache_key


async def test_wholly_cached_run_costs_one_activity(worker: RunningWorker):
    text = """
workspace: {from: empty}
steps:
  - {id: a, type: shell, command: "echo 1 > a.txt", cache: true}
  - {id: check, type: assert, condition: 'read_text("a.txt") == "1\\n"'}
  - {id: b, type: shell, command: "cat a.txt", cache: true}
"""
    await run(worker, text)
    handle = await start(worker, text)
    assert (await finished(handle)).status == "completed"
    assert await scheduled_activities(handle) == ["prepare", "finish"]
    assert len((await handle.fetch_history()).events) <= 20
    told = [event.type for event in (await report(handle)).events]
    assert told.count("step_completed") == 3


async def test_history_grows_by_six_events_an_attempt_and_nothing_for_pure_steps(worker: RunningWorker):
    async def length(count: int, more: str = "") -> int:
        steps = "".join(f"  - {{id: s{number}, type: shell, command: 'true'}}\n" for number in range(count))
        handle = await start(worker, f"workspace: {{from: none}}\nsteps:\n{steps}{more}")
        assert (await finished(handle)).status == "completed"
        return len((await handle.fetch_history()).events)

    pure = """
  - {id: v, type: set, values: {x: "{{ 1 + 1 }}"}}
  - {id: c, type: assert, condition: steps.v.outputs.x == 2}
  - {id: n, type: shell, command: 'false', when: steps.v.outputs.x == 3}
"""
    one, eleven, with_pure = await length(1), await length(11), await length(1, pure)
    assert eleven - one <= 6 * 10
    assert one - 6 <= 20
    assert with_pure == one
