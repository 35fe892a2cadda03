"""`activity` steps on a real server, with a sample worker in Python: results, failures, time, lost workers, cancel."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import pytest
from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from tests.support.live_runs import finished, histories_of, run, start, until_step
from tests.support.workers import RunningWorker

pytestmark = pytest.mark.server

ENDED: list[str] = []


@activity.defn(name="price_of")
async def price_of(article: str, options: dict[str, object]) -> dict[str, object]:
    return {"article": article, "price": 12.5, "options": options, "attempt": activity.info().attempt}


@activity.defn(name="much")
async def much(size: int) -> str:
    return "x" * size


@activity.defn(name="unwilling")
async def unwilling() -> None:
    raise ApplicationError("the warehouse is closed", type="Closed")


@activity.defn(name="endless")
async def endless() -> None:
    try:
        while True:
            activity.heartbeat()
            await asyncio.sleep(0.1)
    except asyncio.CancelledError:
        await asyncio.sleep(0.3)
        ENDED.append("endless")
        raise


@contextlib.asynccontextmanager
async def sample_worker(client: Client, task_queue: str) -> AsyncGenerator[str]:
    """Serve the sample activities on a task queue beside the run's own."""
    queue = f"{task_queue}-sample"
    async with Worker(client, task_queue=queue, activities=[price_of, much, unwilling, endless]):
        yield queue


def calling(queue: str, activity_: str, more: str = "", arguments: str = "[]") -> str:
    return f"""
workspace: {{from: none}}
outputs: {{got: {{value: "{{{{ steps.call.outputs.result }}}}"}}}}
steps:
  - {{id: made, type: set, values: {{name: lamp}}}}
  - {{id: call, type: activity, activity: {activity_}, task_queue: {queue}, arguments: {arguments}{more}}}
"""


async def test_result_is_the_output_when_the_activity_returns(worker: RunningWorker):
    async with sample_worker(worker.client, worker.task_queue) as queue:
        text = calling(queue, "price_of", arguments='["{{ steps.made.outputs.name }}", {deep: [1, "{{ 1 + 1 }}"]}]')
        ended = await run(worker, text)
    assert ended.error is None
    assert ended.outputs == {
        "got": {"article": "lamp", "price": 12.5, "options": {"deep": [1, 2]}, "attempt": 1},
    }


async def test_big_result_is_kept_in_the_store(worker: RunningWorker):
    async with sample_worker(worker.client, worker.task_queue) as queue:
        text = calling(queue, "much", arguments="[50000]")
        more = '  - {id: size, type: assert, condition: "len(steps.call.outputs.result) == 50000"}\n'
        handle = await start(worker, text + more)
        ended = await finished(handle)
    assert ended.error is None
    assert "$value" in str(ended.steps["call"].outputs)


async def test_failure_is_of_class_activity_and_tried_again_as_the_author_says(worker: RunningWorker):
    async with sample_worker(worker.client, worker.task_queue) as queue:
        more = ", retry: {max_attempts: 2, initial_interval: 10ms, on: [activity]}"
        ended = await run(worker, calling(queue, "unwilling", more))
    assert ended.error is not None
    assert ended.error.type == "activity"
    assert "the warehouse is closed" in ended.error.message
    assert ended.error.details["activity_error"] == "Closed"
    assert ended.steps["call"].attempt == 2


async def test_unknown_activity_is_a_failure_of_the_step(worker: RunningWorker):
    async with sample_worker(worker.client, worker.task_queue) as queue:
        ended = await run(worker, calling(queue, "no_such"))
    assert ended.error is not None
    assert ended.error.type == "activity"
    assert "no_such" in ended.error.message


async def test_step_fails_of_class_timeout_when_nobody_polls_the_queue(worker: RunningWorker):
    ended = await run(worker, calling("nobody-there", "price_of", ", timeout: 300ms"))
    assert ended.error is not None
    assert ended.error.type == "timeout"


async def test_cancelled_activity_that_heartbeats_is_waited_for(worker: RunningWorker):
    async with sample_worker(worker.client, worker.task_queue) as queue:
        handle = await start(worker, calling(queue, "endless", ", heartbeat_timeout: 1s"))
        await until_step(handle, "call", "running")

        async def is_begun() -> bool:
            pending = (await handle.describe()).raw_description.pending_activities
            return bool(pending) and pending[0].attempt > 0 and pending[0].last_worker_identity != ""

        while not await is_begun():
            await asyncio.sleep(0.05)
        ENDED.clear()
        await handle.cancel()
        ended = await finished(handle)
        assert ENDED == ["endless"]
    assert ended.status == "cancelled"


async def test_results_are_kept_when_the_run_continues_as_new(impatient: RunningWorker):
    async with sample_worker(impatient.client, impatient.task_queue) as queue:
        text = f"""
workspace: {{from: none}}
outputs: {{all: {{value: "{{{{ steps.each.outputs }}}}"}}}}
steps:
  - id: each
    type: activity
    activity: much
    task_queue: {queue}
    arguments: ["{{{{ item }}}}"]
    for_each: {{items: "{{{{ range(30) }}}}", concurrency: 5}}
"""
        handle = await start(impatient, text)
        ended = await finished(handle)
    assert ended.error is None
    assert ended.outputs["all"] == {str(number): {"result": "x" * number} for number in range(30)}
    assert await histories_of(impatient, handle.id) > 1
