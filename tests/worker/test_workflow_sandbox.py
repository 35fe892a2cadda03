"""The sandbox with a short way: the same answers, and workflow code is held in the sandbox as ever."""

import uuid

import pytest
from temporalio import workflow
from temporalio.client import Client, WorkflowFailureError
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from tests.support.servers import connected
from worker.workflow_sandbox import QUESTIONS, DirectSandboxRunner

pytestmark = pytest.mark.server


@workflow.defn(sandboxed=True)
class Reading:
    """Does what workflow code may not."""

    @workflow.run
    async def run(self) -> str:
        return open("/etc/hostname").read()  # noqa: ASYNC230


@workflow.defn
class Echo:
    @workflow.run
    async def run(self, text: str) -> str:
        return text


class Watching(DirectSandboxRunner):
    """Keeps the instances it made."""

    made: list = []

    def create_instance(self, det):
        instance = super().create_instance(det)
        self.made.append(instance)
        return instance


async def run(client: Client, runner: SandboxedWorkflowRunner, kind: type, *arguments: str) -> object:
    queue = uuid.uuid4().hex
    failing = [Exception]
    async with Worker(
        client, task_queue=queue, workflows=[kind], workflow_runner=runner, workflow_failure_exception_types=failing
    ):
        return await client.execute_workflow(kind.run, args=arguments, id=queue, task_queue=queue)


async def test_instance_answers_directly_when_the_sdk_is_as_known(dev_server: str):
    client = await connected(dev_server)
    Watching.made.clear()
    assert await run(client, Watching(), Echo, "hello") == "hello"
    instance = Watching.made[0]
    for question in QUESTIONS:
        assert question in vars(instance), f"temporalio has changed: `{question}` goes through the sandbox again"
        long_way = getattr(type(instance), question)(instance, None)
        assert getattr(instance, question)(None) == long_way


async def test_workflow_code_is_held_when_it_reads_a_file(dev_server: str):
    client = await connected(dev_server)
    with pytest.raises(WorkflowFailureError) as refused:
        await run(client, DirectSandboxRunner(), Reading)
    assert "open" in str(refused.value.cause)


async def test_sdk_goes_its_own_way_when_it_is_not_as_known(dev_server: str, monkeypatch: pytest.MonkeyPatch):
    client = await connected(dev_server)
    monkeypatch.setattr("worker.workflow_sandbox.IN_SANDBOX", "nothing_of_that_name")
    Watching.made.clear()
    assert await run(client, Watching(), Echo, "hello") == "hello"
    assert not set(QUESTIONS) & set(vars(Watching.made[0]))
