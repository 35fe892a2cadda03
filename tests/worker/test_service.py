"""The process that serves: a toy workflow stands in where only the wiring is of interest."""

import asyncio
import contextlib
import os
import signal
import uuid
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio import activity, workflow
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import CancelledError
from temporalio.worker import Worker

from definitions.errors import EnvironmentUnfit
from worker import processes, service
from worker.settings import Settings

pytestmark = pytest.mark.server

started = asyncio.Event()
released = asyncio.Event()


@activity.defn
async def hold() -> str:
    started.set()
    await released.wait()
    return "ended by itself"


@activity.defn
async def beat() -> None:
    started.set()
    while True:
        activity.heartbeat()
        await asyncio.sleep(0.05)


@workflow.defn(sandboxed=False)
class Toy:
    @workflow.run
    async def run(self, name: str, queue: str) -> str:
        return await workflow.execute_activity(
            name,
            result_type=str,
            task_queue=queue,
            start_to_close_timeout=timedelta(minutes=1),
            heartbeat_timeout=timedelta(seconds=30),
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        )


@pytest.fixture
def settings(tmp_path: Path, task_queue: str) -> Settings:
    started.clear()
    released.clear()
    environment = {"PERDURE_HOME": str(tmp_path), "PERDURE_TASK_QUEUE": task_queue, "PERDURE_GRACEFUL_SHUTDOWN": "5s"}
    return Settings.from_environment(environment)


def toy_workers(settings: Settings, client: Client) -> list[Worker]:
    return [
        service.build_worker(settings, client, settings.task_queue, 2, [], [Toy]),
        service.build_worker(settings, client, settings.agent_queue, 2, [hold, beat], []),
    ]


@contextlib.asynccontextmanager
async def serving(settings: Settings, client: Client) -> AsyncGenerator[asyncio.Event]:
    """Serve while the block lasts, or until the yielded event is set."""
    stop, ready = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(service.run_workers(toy_workers(settings, client), stop, ready.set))
    await ready.wait()
    try:
        yield stop
    finally:
        stop.set()
        await task


async def start(client: Client, settings: Settings, name: str) -> WorkflowHandle[Toy, str]:
    return await client.start_workflow(
        Toy.run, args=[name, settings.agent_queue], id=f"toy-{uuid.uuid4().hex}", task_queue=settings.task_queue
    )


async def test_running_step_ends_by_itself_when_told_to_stop(client: Client, settings: Settings):
    async with serving(settings, client) as stop:
        handle = await start(client, settings, "hold")
        await started.wait()
        stop.set()
        asyncio.get_running_loop().call_later(0.2, released.set)

    async with toy_workers(settings, client)[0]:
        assert await handle.result() == "ended by itself"


async def test_step_is_cancelled_and_handed_back_when_the_grace_is_over(client: Client, settings: Settings):
    impatient = replace(settings, graceful_shutdown=timedelta(milliseconds=100))
    async with serving(impatient, client):
        handle = await start(client, impatient, "hold")
        await started.wait()
    released.set()

    async with serving(settings, client):
        assert await handle.result() == "ended by itself"


async def test_cancel_reaches_a_step_in_time_when_its_heartbeats_are_throttled(client: Client, settings: Settings):
    async with serving(settings, client):
        handle = await start(client, settings, "beat")
        await started.wait()
        before = asyncio.get_running_loop().time()
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()

    assert isinstance(failure.value.cause, CancelledError), failure.value.cause
    assert asyncio.get_running_loop().time() - before < 3


async def test_real_parts_are_served_when_the_store_opens(client: Client, settings: Settings):
    stop, ready = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(service.serve(settings, client, stop, ready.set))
    await asyncio.wait_for(ready.wait(), 30)
    stop.set()
    await task

    assert settings.work.is_dir()


async def test_connection_follows_the_temporal_cli_when_no_address_is_given(
    dev_server: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TEMPORAL_ADDRESS", dev_server)
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "default")

    client = await service.connect(settings, None, asyncio.Event())

    assert client is not None
    assert client.service_client.config.target_host == dev_server
    assert "perdure" in client.identity


async def test_profile_decides_when_it_is_given(
    dev_server: str, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "temporal.toml").write_text(f'[profile.team]\naddress = "{dev_server}"\n')
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(tmp_path / "temporal.toml"))

    client = await service.connect(replace(settings, profile="team"), None, asyncio.Event())

    assert client is not None
    assert client.service_client.config.target_host == dev_server


async def test_profile_is_refused_when_there_is_none_of_that_name(settings: Settings):
    with pytest.raises(EnvironmentUnfit, match="no-such-profile"):
        await service.connect(replace(settings, profile="no-such-profile"), None, asyncio.Event())


async def test_remedy_is_told_when_no_server_answers(settings: Settings):
    with pytest.raises(EnvironmentUnfit, match="no Temporal server answers") as refusal:
        await service.connect(settings, "127.0.0.1:1", asyncio.Event(), timedelta(0))

    assert "TEMPORAL_ADDRESS" in refusal.value.remedy


async def test_waiting_for_a_server_ends_when_told_to_stop(settings: Settings):
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(0.2, stop.set)

    assert await service.connect(settings, "127.0.0.1:1", stop) is None


async def test_first_signal_asks_and_the_second_ends_all(monkeypatch: pytest.MonkeyPatch):
    left: list[int] = []
    killed: list[object] = []
    monkeypatch.setattr(processes, "leave", left.append)
    monkeypatch.setattr(processes, "descendants", lambda _: ["below"])
    monkeypatch.setattr(processes, "kill", killed.extend)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    service.stop_on_signals(stop)
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(stop.wait(), 60)
        assert left == []

        os.kill(os.getpid(), signal.SIGINT)
        deadline = loop.time() + 60
        while not left and loop.time() < deadline:
            await asyncio.sleep(0.01)
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)

    assert left == [130]
    assert killed == ["below"]
