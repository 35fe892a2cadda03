"""Reruns on the real server, by the start input alone: what `perdure rerun`, a schedule or the Web UI send."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError

from definitions.messages import WORKFLOW_TYPE, Report
from definitions.statuses import Status
from tests.support.live_runs import finished, report, run, scheduled_activities, start, status, until_open, until_step
from tests.support.workers import RunningWorker

pytestmark = pytest.mark.server

FLAKY = """
inputs: {{who: {{default: world}}}}
steps:
  - {{id: make, type: shell, command: "echo {{{{ inputs.who }}}} > made.txt; date +%s%N"}}
  - {{id: check, type: shell, command: "cat made.txt; test -e {flag}"}}
  - {{id: ship, type: shell, command: "cat made.txt"}}
outputs: {{what: {{value: "{{{{ steps.ship.outputs.stdout }}}}"}}}}
"""


async def rerun(worker: RunningWorker, of: str, **request) -> tuple[Status, list[str]]:
    handle = await taken_up(worker, of, **request)
    return await finished(handle), await scheduled_activities(handle)


async def taken_up(worker: RunningWorker, of: str, **request):
    asked = {name: request.pop(name) for name in ("failed", "from") if name in request}
    body = {"rerun_of": {"id": of, **asked}, **request}
    return await worker.client.start_workflow(
        WORKFLOW_TYPE, body, id=f"{of}-again-{time.monotonic_ns()}", task_queue=worker.task_queue
    )


async def test_failed_step_runs_again_on_the_files_that_were_before_it(worker, tmp_path):
    flag = tmp_path / "flag"
    first = await run(worker, FLAKY.format(flag=flag), inputs={"who": "Ada"})
    assert first.status == "failed"
    flag.touch()
    again, activities = await rerun(worker, first.execution_id, failed=True)
    assert (again.status, again.outputs, again.rerun_of) == ("completed", {"what": "Ada"}, first.execution_id)
    assert activities == ["prepare", "shell", "shell", "finish"]
    assert again.steps["make"].outputs == first.steps["make"].outputs
    assert (again.steps["make"].kept_from, again.steps["check"].kept_from) == (first.execution_id, None)


async def test_first_needed_step_starts_within_a_second(worker, tmp_path):
    flag = tmp_path / "flag"
    first = await run(worker, FLAKY.format(flag=flag))
    flag.touch()
    began = datetime.now(UTC)
    again, _ = await rerun(worker, first.execution_id, failed=True)
    started = again.steps["check"].started_at
    assert started is not None
    assert started - began < timedelta(seconds=1)


async def test_inputs_given_anew_run_what_reads_them(worker, tmp_path):
    (tmp_path / "flag").touch()
    first = await run(worker, FLAKY.format(flag=tmp_path / "flag"))
    again, _ = await rerun(worker, first.execution_id, failed=True, inputs={"who": "you"})
    assert again.outputs == {"what": "you"}
    assert again.inputs == {"who": "you"}


async def test_changed_definition_keeps_what_still_fits(worker, tmp_path):
    text = FLAKY.format(flag=tmp_path / "flag")
    first = await run(worker, text)
    changed = "name: live\n" + text.replace(f"; test -e {tmp_path / 'flag'}", "")
    again, activities = await rerun(worker, first.execution_id, failed=True, definition={"text": changed})
    assert (again.status, activities.count("shell")) == ("completed", 2)
    assert again.steps["make"].kept_from == first.execution_id


async def test_run_that_lives_can_be_taken_up_and_goes_on(worker):
    text = """
workspace: {from: none}
steps:
  - {id: made, type: shell, command: "date +%s%N"}
  - {id: ok, type: approval, message: "well?"}
  - {id: after, type: set, values: {made: "{{ steps.made.outputs.stdout }}"}}
"""
    handle = await start(worker, text)
    await until_open(handle, "ok")
    again = await taken_up(worker, handle.id, failed=True)
    await until_open(again, "ok")
    first = await status(handle)
    assert first.status == "waiting_approval"
    for each in (handle, again):
        await each.execute_update("decide", {"verdict": "approve", "by": "ana"})
    ended = [await finished(each) for each in (handle, again)]
    assert ended[0].steps["after"].outputs == ended[1].steps["after"].outputs


async def test_decision_is_kept_with_its_gate(worker, tmp_path):
    flag = tmp_path / "flag"
    text = f"""
workspace: {{from: none}}
steps:
  - {{id: ok, type: approval, message: "well?"}}
  - {{id: check, type: shell, command: "test -e {flag}"}}
"""
    handle = await start(worker, text)
    await until_open(handle, "ok")
    await handle.execute_update("decide", {"verdict": "approve", "by": "ana"})
    await finished(handle)
    flag.touch()
    again, _ = await rerun(worker, handle.id, failed=True)
    assert again.status == "completed"
    assert [decision.by for decision in again.approvals] == ["ana"]


async def test_rejected_gate_is_asked_again(worker):
    handle = await start(worker, 'workspace: {from: none}\nsteps:\n  - {id: ok, type: approval, message: "well?"}\n')
    await until_open(handle, "ok")
    message = {"verdict": "reject", "by": "ana", "decision_id": "d1"}
    await handle.execute_update("decide", message)
    assert (await finished(handle)).status == "rejected"
    again = await taken_up(worker, handle.id, failed=True)
    await until_open(again, "ok")
    await again.execute_update("decide", {**message, "verdict": "approve"})
    assert (await finished(again)).status == "completed"


async def test_terminated_run_is_taken_up_although_it_never_wrote_its_record(worker):
    text = """
workspace: {from: none}
steps:
  - {id: made, type: shell, command: "date +%s%N"}
  - {id: hold, type: wait, duration: 1h}
"""
    handle = await start(worker, text)
    await until_step(handle, "hold", "running")
    made = (await status(handle)).steps["made"].outputs
    await handle.terminate("gone")
    again = await taken_up(worker, handle.id, failed=True)
    await until_step(again, "hold", "running")
    assert (await status(again)).steps["made"].outputs == made
    await again.cancel()


async def test_kept_results_are_told_as_events_when_the_rerun_begins(worker, tmp_path):
    flag = tmp_path / "flag"
    first = await run(worker, FLAKY.format(flag=flag))
    flag.touch()
    handle = await taken_up(worker, first.execution_id, failed=True)
    await finished(handle)
    told = [event for event in (await report(handle)).events if event.step]
    assert [(event.type, event.step, event.data.get("kept_from")) for event in told] == [
        ("step_completed", "make", first.execution_id),
        ("step_started", "check", None),
        ("step_completed", "check", None),
        ("step_started", "ship", None),
        ("step_completed", "ship", None),
    ]


async def test_items_kept_are_told_although_the_step_goes_on(worker, tmp_path):
    text = """
workspace: {{from: none}}
steps:
  - {{id: each, type: shell, command: "test {{{{ n }}}} != 2 || test -e {flag}", for_each: {{items: [1, 2], as: n}}}}
""".format(flag=tmp_path / "flag")
    first = await run(worker, text)
    (tmp_path / "flag").touch()
    handle = await taken_up(worker, first.execution_id, failed=True)
    assert (await finished(handle)).status == "completed"
    told = [(event.type, event.step) for event in (await report(handle)).events if event.step]
    assert told == [
        ("step_completed", "each[0]"),
        ("step_started", "each"),
        ("step_started", "each[1]"),
        ("step_completed", "each[1]"),
        ("step_completed", "each"),
    ]


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"rerun_of": {"id": "nobody-knows"}}, "unknown-run"),
        ({"rerun_of": {"id": ""}}, "input-not-valid"),
        ({"rerun_of": {}}, "input-not-valid"),
        ({"rerun_of": "text"}, "input-not-valid"),
        ({"rerun_of": {"id": "x" * 3000}}, "input-not-valid"),
        ({"rerun_of": {"id": "%" * 300}}, "unknown-run"),
    ],
)
async def test_start_is_refused_with_a_code_when_there_is_nothing_to_take_up(worker, request_, code):
    handle = await worker.client.start_workflow(
        WORKFLOW_TYPE, request_, id=f"live-{time.monotonic_ns()}", task_queue=worker.task_queue
    )
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    assert isinstance(caught.value.cause, ApplicationError)
    assert caught.value.cause.type == code


async def test_run_cannot_take_itself_up(worker):
    identity = f"live-{time.monotonic_ns()}"
    handle = await worker.client.start_workflow(
        WORKFLOW_TYPE, {"rerun_of": {"id": identity}}, id=identity, task_queue=worker.task_queue
    )
    with pytest.raises(WorkflowFailureError):
        await handle.result()


async def test_two_reruns_at_once_are_both_whole(worker, tmp_path):
    flag = tmp_path / "flag"
    first = await run(worker, FLAKY.format(flag=flag))
    flag.touch()
    both = await asyncio.gather(*(rerun(worker, first.execution_id, failed=True) for _ in range(2)))
    assert [status.status for status, _ in both] == ["completed", "completed"]


def test_report_of_an_older_run_is_read_although_it_lacks_what_is_new():
    assert Report.model_validate(
        {"status": {"execution_id": "x", "definition_id": "x", "status": "failed"}, "ledger": {}}
    )
