"""Concurrency groups on a real server. Who went when is written by the steps themselves, into a file outside."""

import asyncio
import json
import time
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from activities.locks import find_gone
from definitions.locks import LOCK_TYPE, Claim, Gone, GoneCall, LockInput, LockStanding, lock_id
from definitions.messages import WORKFLOW_TYPE
from tests.support.live_runs import finished, report, start, status, until, until_step
from tests.support.workers import RunningWorker, running_worker

pytestmark = pytest.mark.server


class Course:
    """A group of its own, and the file in which runs of it write that they come and go."""

    def __init__(self, folder: Path) -> None:
        self.group = f"group-{uuid.uuid4().hex[:8]}"
        self.log = folder / "course.log"
        self.go = folder / "go"

    def definition(self, policy: str = "queue", body: str | None = None) -> str:
        waits = f"while [ ! -e {self.go} ]; do sleep 0.05; done"
        command = body or f"echo in >> {self.log}; {waits}; sleep 0.05; echo out >> {self.log}"
        return (
            f"workspace: {{from: none}}\nconcurrency: {{group: {self.group}, policy: {policy}}}\n"
            f"steps:\n  - {{id: work, type: shell, command: '{command}'}}\n"
        )

    def written(self) -> list[str]:
        return self.log.read_text().split() if self.log.exists() else []

    def let_go(self) -> None:
        self.go.touch()


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return Course(tmp_path)


async def standing(worker: RunningWorker, group: str) -> LockStanding:
    return await worker.client.get_workflow_handle(lock_id(group)).query("standing", result_type=LockStanding)


async def until_pending(handle: WorkflowHandle, behind: WorkflowHandle | None = None) -> None:
    async def is_pending() -> bool:
        now = await status(handle)
        return now.status == "pending" and (behind is None or f"`{behind.id}`" in (now.reason or ""))

    await until(is_pending, "the run to wait")


async def lock_has_ended(worker: RunningWorker, group: str) -> bool:
    return (await worker.client.get_workflow_handle(lock_id(group)).describe()).close_time is not None


async def test_run_waits_its_turn_when_another_of_its_group_goes(worker: RunningWorker, course: Course):
    first = await start(worker, course.definition())
    await until_step(first, "work", "running")
    second = await start(worker, course.definition())
    await until_pending(second, behind=first)
    third = await start(worker, course.definition())
    await until_pending(third, behind=second)
    now = await status(second)
    assert now.steps == {}
    assert now.reason == f"waits for its turn in the group `{course.group}`, behind `{first.id}`"
    assert await standing(worker, course.group) == LockStanding(
        group=course.group, holder=first.id, waiting=[second.id, third.id]
    )
    course.let_go()
    ended = [await finished(handle) for handle in (first, second, third)]
    assert [one.status for one in ended] == ["completed"] * 3
    assert [one.reason for one in ended] == [None] * 3
    assert course.written() == ["in", "out"] * 3
    starts = [one.steps["work"].started_at for one in ended]
    assert starts == sorted(starts), "first come, first served"
    await until(lambda: lock_has_ended(worker, course.group), "the lock to end")


async def test_never_two_at_once_when_many_come_together(worker: RunningWorker, course: Course):
    course.let_go()
    handles = await asyncio.gather(*(start(worker, course.definition()) for _ in range(12)))
    ended = await asyncio.gather(*map(finished, handles))
    assert {one.status for one in ended} == {"completed"}
    assert course.written() == ["in", "out"] * 12


async def test_run_without_the_group_does_not_wait(worker: RunningWorker, course: Course, tmp_path: Path):
    first = await start(worker, course.definition())
    await until_step(first, "work", "running")
    other = Course(tmp_path)
    second = await start(worker, other.definition(body="true"))
    assert (await finished(second)).status == "completed"
    course.let_go()
    await finished(first)


async def test_waiting_is_told_once_as_an_event_and_the_run_begins_with_its_turn(worker: RunningWorker, course: Course):
    first = await start(worker, course.definition())
    await until_step(first, "work", "running")
    second = await start(worker, course.definition())
    await until_pending(second, behind=first)
    course.let_go()
    await finished(second)
    events = (await report(second)).events
    assert [event.type for event in events][:3] == ["log", "run_started", "step_started"]
    assert events[0].data == {"message": f"waits for its turn in the group `{course.group}`, behind `{first.id}`"}


async def test_run_is_refused_when_the_policy_is_refuse(worker: RunningWorker, course: Course):
    first = await start(worker, course.definition("refuse"))
    await until_step(first, "work", "running")
    second = await finished(await start(worker, course.definition("refuse")))
    assert (second.status, second.steps) == ("failed", {})
    assert second.error is not None
    assert second.error.type == "concurrency-refused"
    assert f"`{first.id}`" in second.error.message
    course.let_go()
    assert (await finished(first)).status == "completed"
    assert (await finished(await start(worker, course.definition("refuse")))).status == "completed"


async def test_others_are_cancelled_when_the_policy_is_cancel(worker: RunningWorker, course: Course):
    undo = course.log.with_name("undone")
    text = (
        f"workspace: {{from: none}}\nconcurrency: {{group: {course.group}, policy: cancel}}\n"
        f"steps:\n  - {{id: made, type: shell, command: 'true', compensate: {{type: shell, command: "
        f"'sleep 0.3; echo undone >> {undo}'}}}}\n  - {{id: work, type: shell, command: sleep 600}}\n"
    )
    first = await start(worker, text)
    await until_step(first, "work", "running")
    second = await start(worker, course.definition())
    await until_pending(second, behind=first)
    third = await start(worker, course.definition("cancel", body=f"cat {undo}"))
    assert (await finished(first)).status == "cancelled"
    waited = await finished(second)
    assert (waited.status, waited.steps) == ("cancelled", {})
    assert waited.reason == f"`{third.id}` took its place in the group `{course.group}`"
    last = await finished(third)
    assert last.status == "completed", "it goes once the first has undone what it did"
    assert last.steps["work"].outputs == {"stdout": "undone", "exit_code": 0}


async def test_holder_is_cancelled_once_when_several_come_to_cancel_it(worker: RunningWorker, course: Course):
    slow = course.definition("cancel", body="sleep 600").replace(
        "  - {id: work",
        "  - {id: made, type: shell, command: 'true', compensate: {type: shell, command: sleep 1}}\n  - {id: work",
    )
    first = await start(worker, slow)
    await until_step(first, "work", "running")
    second = await start(worker, course.definition("cancel", body="true"))
    await until_pending(second, behind=first)
    third = await start(worker, course.definition("cancel", body="true"))
    assert (await finished(third)).status == "completed"
    assert (await finished(second)).status == "cancelled"
    undone = await finished(first)
    assert undone.steps["made/compensate/undo_made"].status == "completed"


async def test_waiting_run_leaves_the_line_when_it_is_cancelled(worker: RunningWorker, course: Course):
    first = await start(worker, course.definition())
    await until_step(first, "work", "running")
    second = await start(worker, course.definition())
    await until_pending(second, behind=first)
    third = await start(worker, course.definition())
    await until_pending(third, behind=second)
    await second.cancel()
    assert (await finished(second)).status == "cancelled"
    await until_pending(third, behind=first)
    course.let_go()
    assert (await finished(third)).status == "completed"
    assert course.written() == ["in", "out"] * 2


async def test_lock_is_free_for_who_comes_when_its_holder_was_terminated(worker: RunningWorker, course: Course):
    first = await start(worker, course.definition(body="sleep 600"))
    await until_step(first, "work", "running")
    await first.terminate("gone")
    course.let_go()
    begun = time.monotonic()
    assert (await finished(await start(worker, course.definition()))).status == "completed"
    assert time.monotonic() - begun < 20


async def test_turn_goes_on_when_the_holder_is_terminated_while_others_wait(
    worker: RunningWorker, course: Course, monkeypatch: pytest.MonkeyPatch
):

    monkeypatch.setattr("workflows.lock.CHECK_EVERY", timedelta(seconds=1))
    monkeypatch.setattr("workflows.lock.FRESH", timedelta(0))
    first = await start(worker, course.definition(body="sleep 600"))
    await until_step(first, "work", "running")
    second = await start(worker, course.definition())
    await until_pending(second, behind=first)
    third = await start(worker, course.definition())
    await until_pending(third, behind=second)
    await second.terminate("gone while it waited")
    await first.terminate("gone while it went")
    course.let_go()
    assert (await finished(third)).status == "completed"


async def test_old_claim_does_not_free_the_lock_when_the_id_is_used_again(worker: RunningWorker, course: Course):
    text, identity = course.definition(), f"same-{uuid.uuid4().hex[:8]}"
    body = {"definition": {"text": "name: live\n" + text, "file": "live.yaml"}}

    async def begin() -> WorkflowHandle:
        handle = await worker.client.start_workflow(WORKFLOW_TYPE, body, id=identity, task_queue=worker.task_queue)
        await until_step(worker.client.get_workflow_handle(identity), "work", "running")
        return handle

    old = await begin()
    await old.terminate()
    new = await begin()
    lock = worker.client.get_workflow_handle(lock_id(course.group))
    await lock.signal("release", {"execution_id": identity, "token": old.first_execution_run_id})
    await lock.signal("release", {"execution_id": identity, "token": "another"})
    second = await start(worker, course.definition())
    await until_pending(second, behind=new)
    course.let_go()
    assert (await finished(second)).status == "completed"


async def test_nothing_happens_to_the_lock_when_messages_are_nonsense(worker: RunningWorker, course: Course):
    first = await start(worker, course.definition())
    await until_step(first, "work", "running")
    lock = worker.client.get_workflow_handle(lock_id(course.group))
    for name in ("acquire", "release", "no-such-signal"):
        await lock.signal(name, [1, 2])
        await lock.signal(name)
    await lock.signal("release", {"execution_id": "nobody"})
    for unfit in (lock_id(course.group), "x" * 1001, "", "\ud800", "a\x00b", "no-such-run"):
        for policy in ("queue", "refuse"):
            claim = json.dumps({"execution_id": unfit, "token": "t", "policy": policy}).encode()
            await lock.signal("acquire", RawValue(Payload(metadata={"encoding": b"json/plain"}, data=claim)))
    await first.signal("perdure_lock", {"state": "refused", "token": "another"})
    await first.signal("perdure_lock", "yes")

    async def is_left_alone() -> bool:
        now = await standing(worker, course.group)
        return now.holder == first.id and set(now.waiting) <= {"a\x00b", "no-such-run", "x" * 1000}

    await until(is_left_alone, "the nonsense to be read")
    description = await first.describe()
    again = Claim(execution_id=first.id, token=description.run_id)
    await lock.signal("acquire", again)
    await lock.signal("acquire", again)
    course.let_go()
    assert (await finished(first)).status == "completed"
    await until(lambda: lock_has_ended(worker, course.group), "the lock to pass over who is not there")


async def test_waiting_claim_keeps_its_place_when_it_is_made_again(worker: RunningWorker, course: Course):
    first = await start(worker, course.definition())
    await until_step(first, "work", "running")
    second = await start(worker, course.definition())
    await until_pending(second, behind=first)
    third = await start(worker, course.definition())
    await until_pending(third, behind=second)
    lock = worker.client.get_workflow_handle(lock_id(course.group))
    await lock.signal("acquire", Claim(execution_id=second.id, token=(await second.describe()).run_id))
    assert (await standing(worker, course.group)).waiting == [second.id, third.id]
    course.let_go()
    assert (await finished(third)).status == "completed"
    assert course.written() == ["in", "out"] * 3


async def test_lock_ends_by_itself_when_nobody_claims_it(
    worker: RunningWorker, course: Course, monkeypatch: pytest.MonkeyPatch
):

    monkeypatch.setattr("workflows.lock.FIRST_WORD", timedelta(milliseconds=100))
    for request in ([LockInput()], [], ["nonsense"]):
        handle = await worker.client.start_workflow(
            LOCK_TYPE, args=request, id=lock_id(course.group), task_queue=worker.task_queue
        )
        assert await handle.result() is None


async def test_waiting_run_asks_again_when_the_lock_was_terminated(
    worker: RunningWorker, course: Course, monkeypatch: pytest.MonkeyPatch
):

    monkeypatch.setattr("workflows.turns.ASK_AGAIN", timedelta(seconds=1))
    first = await start(worker, course.definition())
    await until_step(first, "work", "running")
    second = await start(worker, course.definition())
    await until_pending(second, behind=first)
    await worker.client.get_workflow_handle(lock_id(course.group)).terminate("broken by hand")
    course.let_go()
    assert (await finished(second)).status == "completed"
    assert (await finished(first)).status == "completed", "its release finds another lock, and means nothing there"


async def test_run_fails_when_something_else_has_the_id_of_its_lock(worker: RunningWorker, course: Course):
    body = {"definition": {"text": "name: x\nsteps: [{id: a, type: wait, signal: never}]"}}
    other = await worker.client.start_workflow(
        WORKFLOW_TYPE, body, id=lock_id(course.group), task_queue=worker.task_queue
    )
    ended = await finished(await start(worker, course.definition()))
    assert ended.error is not None
    assert ended.error.type == "concurrency-refused"
    assert "`perdure.run`" in ended.error.message
    await other.terminate()


async def test_group_is_a_template_over_inputs_and_the_definition_when_absent(worker: RunningWorker, course: Course):
    text = (
        "workspace: {from: none}\ninputs: {service: {type: string}}\n"
        "concurrency: {group: '{{ inputs.service }}'}\nsteps: [{id: a, type: wait, signal: go}]\n"
    )
    one = await start(worker, text, inputs={"service": course.group})
    await until_step(one, "a", "running")
    assert (await standing(worker, course.group)).holder == one.id
    await one.signal("go")
    await finished(one)
    bare = await start(worker, "workspace: {from: none}\nconcurrency: {}\nsteps: [{id: a, type: wait, signal: go}]\n")
    await until_step(bare, "a", "running")
    assert (await standing(worker, "live")).holder == bare.id
    await bare.signal("go")
    await finished(bare)


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "a\nb", "\x00"])
async def test_run_cannot_begin_when_its_group_has_no_fit_name(worker: RunningWorker, name: str):
    text = (
        "workspace: {from: none}\ninputs: {service: {type: string}}\n"
        "concurrency: {group: '{{ inputs.service }}'}\nsteps: [{id: a, type: wait, signal: go}]\n"
    )
    handle = await start(worker, text, inputs={"service": name})
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    assert isinstance(caught.value.cause, ApplicationError)
    assert caught.value.cause.type == "concurrency-invalid"


async def test_turn_is_kept_and_waiting_goes_on_when_the_worker_is_replaced(
    worker: RunningWorker, course: Course, tmp_path: Path
):
    queue = f"other-{uuid.uuid4().hex[:8]}"
    async with running_worker(worker.client, queue, tmp_path / "one") as one:
        first = await start(
            one, course.definition(body="true").replace("steps:", "steps:\n  - {id: ok, type: approval}")
        )
        await until_step(first, "ok", "waiting_approval")
        second = await start(one, course.definition(body="true"))
        await until_pending(second, behind=first)
    with pytest.raises(RPCError):  # nobody is there to answer
        await first.query("status", rpc_timeout=timedelta(seconds=0.5))
    async with running_worker(worker.client, queue, tmp_path / "one"):
        assert (await status(second)).status == "pending"
        await first.execute_update("decide", {"verdict": "approve", "by": "ana"})
        assert (await finished(second)).status == "completed"


async def test_lock_is_free_at_once_when_its_dead_holder_is_to_be_cancelled(worker: RunningWorker, course: Course):
    first = await start(worker, course.definition(body="sleep 600"))
    await until_step(first, "work", "running")
    second = await start(worker, course.definition(body="true"))
    await until_pending(second, behind=first)  # the lock has just looked, and does not look again
    await first.terminate()
    third = await start(worker, course.definition("cancel", body="true"))
    assert (await finished(third)).status == "completed"
    assert (await finished(second)).status == "cancelled"


async def test_run_is_refused_when_too_many_wait(
    worker: RunningWorker, course: Course, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("workflows.lock.MOST_WAITING", 1)
    first = await start(worker, course.definition())
    await until_step(first, "work", "running")
    second = await start(worker, course.definition())
    await until_pending(second, behind=first)
    third = await finished(await start(worker, course.definition()))
    assert third.error is not None
    assert third.error.type == "concurrency-refused"
    course.let_go()
    assert (await finished(second)).status == "completed"


async def test_holder_keeps_the_lock_when_nobody_can_say_whether_it_lives(
    worker: RunningWorker, course: Course, monkeypatch: pytest.MonkeyPatch
):
    async def silence(*arguments: object) -> None:
        raise ConnectionError("the server is away")

    monkeypatch.setattr("activities.registry.find_gone", silence)
    monkeypatch.setattr("workflows.lock.LOOK_TIME", timedelta(milliseconds=300))
    first = await start(worker, course.definition())
    await until_step(first, "work", "running")
    second = await start(worker, course.definition())
    await until_pending(second, behind=first)
    course.let_go()
    assert (await finished(second)).status == "completed"
    assert course.written() == ["in", "out"] * 2


async def test_claims_are_gone_when_their_executions_are(worker: RunningWorker):
    handle = await start(worker, "workspace: {from: none}\nsteps: [{id: a, type: wait, signal: go}]")
    token = handle.first_execution_run_id or ""
    alive, other = Claim(execution_id=handle.id, token=token), Claim(execution_id=handle.id, token="another")
    unknown = Claim(execution_id="no-such-run", token="unknown")
    assert await find_gone(worker.client, GoneCall(claims=[alive, other, unknown])) == Gone(
        tokens=["another", "unknown"]
    )
    await handle.terminate()
    assert await find_gone(worker.client, GoneCall(claims=[alive])) == Gone(tokens=[token])
    away = GoneCall(claims=[Claim(execution_id="x" * 1000, token="y")])
    assert (await find_gone(worker.client, away)).tokens == ["y"]


async def test_lock_can_be_cancelled_by_hand(worker: RunningWorker, course: Course):
    first = await start(worker, course.definition())
    await until_step(first, "work", "running")
    lock = worker.client.get_workflow_handle(lock_id(course.group))
    await lock.cancel()
    with pytest.raises(WorkflowFailureError):
        await lock.result()
    course.let_go()
    assert (await finished(first)).status == "completed"
