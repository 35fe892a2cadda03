"""The worker process: one connection, two workers, an orderly end.

    queue NAME        the workflows `perdure.run` and `perdure.lock`, and light activities, started eagerly
    queue NAME.agent  agent activities, with slots of their own: hours-long agents starve nothing

The first SIGTERM or SIGINT stops taking work and lets running steps end within the grace; what is left is
cancelled, and the server gives it to another worker. A second signal ends everything at once.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig
from temporalio.service import RPCError
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxRestrictions

from definitions.errors import EnvironmentUnfit
from worker import fingerprint, processes
from worker.settings import Settings
from worker.workflow_sandbox import DirectSandboxRunner

if TYPE_CHECKING:
    from activities.executors.interface import Executor

_log = logging.getLogger("perdure.worker")

PASSED_THROUGH = ("definitions", "workflows", "activities", "worker", "client")
"""Our packages are loaded once and shared with the sandbox: 8 ms a run start instead of 119 ms."""
HEARTBEAT_THROTTLE = timedelta(milliseconds=800)
"""A cancel reaches a step with the answer to a heartbeat; the SDK's defaults of 30 and 60 s would keep it waiting."""

_CONNECT_LIMIT = timedelta(seconds=60)

Activities = Sequence[Callable[..., Any]]


async def connect(
    settings: Settings, address: str | None, stop: asyncio.Event, limit: timedelta = _CONNECT_LIMIT
) -> Client | None:
    """Return a client of `address`, else of the Temporal CLI's profile and variables; None: told to stop before.

    Raises:
        EnvironmentUnfit: the profile cannot be read, or no server answers within `limit`.
    """
    clock = asyncio.get_running_loop().time
    options: dict[str, Any] = {"target_host": address} if address else _configured(settings.profile)
    deadline = clock() + limit.total_seconds()
    while not stop.is_set():
        try:
            return await Client.connect(**options, data_converter=pydantic_data_converter, identity=_identity())
        except (RuntimeError, RPCError) as error:
            if clock() > deadline:
                raise EnvironmentUnfit(
                    f"no Temporal server answers at `{options['target_host']}`: {error}",
                    "check `TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, TLS settings and `--profile`",
                ) from error
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 0.1)
    return None


async def serve(
    settings: Settings,
    client: Client,
    stop: asyncio.Event,
    ready: Callable[[], None] | None = None,
    *,
    workflow: type | None = None,
    executors: "Mapping[str, Executor] | None" = None,
) -> None:
    """Serve both task queues until `stop` is set; `ready` is called once work is taken.

    `workflow` and `executors` are others than the product's own where definitions are tested.
    """
    from activities.definition_sources import DefinitionPolicy
    from activities.leftovers import remove_leftovers
    from activities.registry import ActivitySettings, activities
    from activities.secrets.sources import open_sources
    from activities.store.opening import open_store
    from activities.store.patience import Vigil
    from workflows.lock import Lock
    from workflows.run_definition import RunDefinition

    policy = DefinitionPolicy(
        folder=settings.definitions.folder,
        allows_inline=settings.definitions.inline,
        allows_paths=settings.is_embedded,
        git=settings.git,
        takes_turns=workflow is None,
    )
    store = await asyncio.to_thread(open_store, settings.store)
    await remove_leftovers(store, settings.work)
    vigil = Vigil(settings.store_patience)
    secrets = open_sources(settings.secrets, os.environ)
    activity_settings = ActivitySettings(definitions=policy, vigil=vigil, secrets=secrets, trust=settings.cache_trust)
    light, agent = activities(store, settings.work, client, activity_settings, executors)
    workflows = [workflow or RunDefinition, Lock]
    workers = [
        build_worker(settings, client, settings.task_queue, settings.light_slots, light, workflows),
        build_worker(settings, client, settings.agent_queue, settings.agent_slots, agent, []),
    ]
    try:
        await run_workers(workers, stop, ready)
    finally:
        vigil.end()  # threads that wait for the store would hold this process up


def build_worker(
    settings: Settings,
    client: Client,
    task_queue: str,
    slots: int,
    activities: Activities,
    workflows: Sequence[type],
) -> Worker:
    """Return a worker for one task queue."""
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
    return Worker(
        client,
        task_queue=task_queue,
        workflows=workflows,
        activities=activities,
        workflow_runner=DirectSandboxRunner(restrictions=restrictions),
        max_concurrent_activities=slots,
        # Queries come by the same polls as the runs' own tasks, and with the default of 5 wait behind those.
        max_concurrent_workflow_task_polls=16,
        max_heartbeat_throttle_interval=HEARTBEAT_THROTTLE,
        default_heartbeat_throttle_interval=HEARTBEAT_THROTTLE,
        graceful_shutdown_timeout=settings.graceful_shutdown,
        # Without one the SDK hashes every loaded module at start.
        build_id=f"{fingerprint.version()}-{fingerprint.fingerprint()}",
    )


async def run_workers(workers: Sequence[Worker], stop: asyncio.Event, ready: Callable[[], None] | None = None) -> None:
    """Run workers until `stop` is set and their steps have ended or are handed back."""
    async with contextlib.AsyncExitStack() as stack:
        for worker in workers:
            await stack.enter_async_context(worker)
        if ready:
            ready()
        await stop.wait()
        _log.info("stopping: no new steps are taken")
        # Together: one after the other would grant the grace twice.
        await asyncio.gather(*(worker.shutdown() for worker in workers))


def stop_on_signals(stop: asyncio.Event) -> None:
    """Let the first SIGTERM or SIGINT set `stop`, and a second one end this process and all below it."""

    def on_signal() -> None:
        if stop.is_set():
            processes.kill(processes.descendants(os.getpid()))
            processes.leave(130)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)


def _configured(profile: str | None) -> dict[str, Any]:
    try:
        options = ClientConfig.load_client_connect_config(profile)
    except (RuntimeError, ValueError, KeyError) as error:
        raise EnvironmentUnfit(
            f"the Temporal CLI's configuration cannot be used: {error}", "see `temporal config list`"
        ) from error
    return {"target_host": "localhost:7233", **options}


def _identity() -> str:
    return f"perdure {fingerprint.version()} {os.getpid()}@{socket.gethostname()}"
