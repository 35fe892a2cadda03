"""`on_failure: pause` on a real server: what a person says of a held step, also twice, late, and in nonsense."""

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from tests.support.live_runs import finished, histories_of, start, status, until
from tests.support.workers import RunningWorker

pytestmark = pytest.mark.server

HELD = """
inputs: {mood: {type: string, default: bad}}
workspace: {from: none}
steps:
  - id: sides
    type: group
    mode: parallel
    steps:
      - {id: a, type: shell, command: "[ {{ inputs.mood }} = good ] || exit 1", on_failure: pause}
      - {id: b, type: shell, command: "[ {{ inputs.mood }} = good ] || exit 2", on_failure: pause}
  - {id: after, type: shell, command: "echo {{ inputs.mood }}"}
"""


async def until_held(handle, *paths: str) -> None:
    async def are_held() -> bool:
        steps = (await status(handle)).steps
        return all(path in steps and steps[path].held for path in paths)

    await until(are_held, f"{paths} to be held")


async def test_held_steps_are_retried_with_inputs_given_anew(worker: RunningWorker):
    handle = await start(worker, HELD)
    await until_held(handle, "sides/a", "sides/b")
    now = await status(handle)
    assert now.status == "paused"
    assert now.pause_reason is not None
    await handle.execute_update("resume", {"by": "ana", "inputs": {"mood": "good"}})
    ended = await finished(handle)
    assert ended.error is None
    assert ended.steps["after"].outputs == {"stdout": "good", "exit_code": 0}
    assert ended.steps["sides/a"].attempt == 2
    assert ended.inputs == {"mood": "good"}


async def test_each_held_step_gets_what_was_said_of_it(worker: RunningWorker):
    handle = await start(worker, HELD)
    await until_held(handle, "sides/a", "sides/b")
    await handle.signal("resume", {"by": "ana", "steps": {"sides/a": "skip", "sides/b": "fail"}})
    ended = await finished(handle)
    assert ended.error is not None
    assert (ended.status, ended.error.step) == ("failed", "sides/b")
    assert ended.steps["sides/a"].status == "skipped"
    assert ended.steps["sides/a"].reason == "skipped by `ana` after it failed"


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ({"steps": {"after": "retry"}}, "not-held"),
        ({"steps": {"sides/a": "perhaps"}}, "malformed"),
        ({"inputs": {"mood": 5}}, "inputs-invalid"),
        ({"inputs": {"no-such": 5}}, "inputs-invalid"),
    ],
)
async def test_resume_is_refused_with_its_type_when_it_does_not_fit(
    worker: RunningWorker, message: dict[str, object], kind: str
):
    handle = await start(worker, HELD)
    await until_held(handle, "sides/a", "sides/b")
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await handle.execute_update("resume", message)
    assert isinstance(caught.value.cause, ApplicationError)
    assert caught.value.cause.type == kind
    await handle.signal("resume", message)
    assert (await status(handle)).status == "paused"
    await handle.cancel()
    assert (await finished(handle)).status == "cancelled"


async def test_step_is_held_again_when_the_retry_fails_in_another_history(forgetful: RunningWorker):
    steps = "".join(f"  - {{id: s{number}, type: shell, command: 'true'}}\n" for number in range(9))
    text = f"""
inputs: {{mood: {{type: string, default: bad}}}}
workspace: {{from: none}}
steps:
{steps}
  - {{id: a, type: shell, command: "[ {{{{ inputs.mood }}}} = good ] || exit 1", on_failure: pause}}
"""
    handle = await start(forgetful, text)
    latest = forgetful.client.get_workflow_handle(handle.id)
    for number in range(4):
        await until_held(latest, "a")
        assert (await status(latest)).steps["a"].attempt == number + 1

        async def is_open() -> bool:
            try:
                await latest.execute_update("resume", {"by": "ana"})
            except WorkflowUpdateFailedError:
                return False
            return True

        await until(is_open, "the run to be resumed")

        async def is_tried_again(past: int = number + 1) -> bool:
            return (await status(latest)).steps["a"].attempt > past

        await until(is_tried_again, "the next attempt")
    await until_held(latest, "a")
    await latest.execute_update("resume", {"by": "ana", "inputs": {"mood": "good"}})
    ended = await finished(handle)
    assert (ended.status, ended.steps["a"].attempt) == ("completed", 6)
    assert await histories_of(forgetful, handle.id) > 1
