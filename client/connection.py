"""Which server and which store: a real cluster where one is named, the embedded default otherwise.

A cluster is named by `TEMPORAL_ADDRESS` or `--profile` (the Temporal CLI's own configuration, read by
`temporalio.envconfig`); then `PERDURE_STORE` must say where its worker keeps content, and
`PERDURE_TASK_QUEUE` may name another queue than `perdure`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, TypeVar

from activities.store.location import named_queue, named_store
from client.exit_codes import ExitCode
from client.messages import connection_words
from client.output import Problem
from definitions.errors import EnvironmentUnfit

if TYPE_CHECKING:
    from temporalio.client import Client, WorkflowHandle
    from temporalio.envconfig import ClientConnectConfig
    from temporalio.runtime import Runtime

    from activities.store.interface import Store
    from client.endpoint import Endpoint

CONNECT_SECONDS = 10
NOT_HEALTHY_PAUSE_SECONDS = 0.1
Result = TypeVar("Result")


@dataclass(frozen=True)
class Connection:
    """An open connection to the server, and the way to the store that its worker uses."""

    client: Client
    endpoint: Endpoint

    @cached_property
    def store(self) -> Store:
        """The store of the runs."""
        return open_store_at(self.endpoint.store)

    def handle(self, execution_id: str) -> WorkflowHandle[object, object]:
        """Return the handle of a run: the latest of its chain."""
        return self.client.get_workflow_handle(execution_id)


def names_a_cluster(profile: str | None) -> bool:
    """Whether the caller named a server instead of the embedded default."""
    return bool(profile or os.environ.get("TEMPORAL_ADDRESS"))


def run_connected(work: Callable[[Connection], Coroutine[object, object, Result]], profile: str | None) -> Result:
    """Connect, do `work`, and return what it returns; the body of nearly every command."""

    async def connected() -> Result:
        connection = await connect(profile)
        from temporalio.service import RPCError

        try:
            return await work(connection)
        except RPCError as error:
            message = connection_words.server_error(error.message)
            raise Problem(
                message, code=ExitCode.NO_SERVER, slug="no-server", remedy=connection_words.SERVER_REMEDY
            ) from error

    return asyncio.run(connected())


async def connect(profile: str | None) -> Connection:
    """Return a connection; the embedded server is started where there is none.

    Raises:
        Problem: no server can be reached or started (exit code 6).
    """
    if names_a_cluster(profile):
        return await _connect_to_cluster(profile)
    endpoint = await _embedded_endpoint()
    client = await open_client({"target_host": endpoint.address, "namespace": endpoint.namespace})
    return Connection(client, endpoint)


def offline_store(profile: str | None) -> Store:
    """Return the store without asking any server: what has ended can be read with nothing running."""
    if location := _named_store():
        return open_store_at(location)
    if names_a_cluster(profile):
        raise _no_store()
    from client.dev import embedded_store_location

    return open_store_at(embedded_store_location())


def open_store_at(location: str) -> Store:
    """Return the store at `location`; one that may only be read says so when it is written to."""
    from activities.store.opening import open_store

    return open_store(location, may_be_read_only=True)


async def _embedded_endpoint() -> Endpoint:
    from client.dev import ensure

    try:
        return await asyncio.to_thread(ensure)
    except EnvironmentUnfit as error:
        raise Problem(error.message, code=ExitCode.NO_SERVER, slug="no-server", remedy=error.remedy) from error


async def _connect_to_cluster(profile: str | None) -> Connection:
    from temporalio.envconfig import ClientConfig

    from client.endpoint import Endpoint

    try:
        config = ClientConfig.load_client_connect_config(profile)
    except (RuntimeError, ValueError, KeyError) as error:
        message = connection_words.profile_unreadable(profile, str(error))
        raise Problem(message, code=ExitCode.USAGE, slug="profile-unreadable") from error
    store = _named_store()
    if not store:
        raise _no_store()
    address = config["target_host"] = config.get("target_host") or "localhost:7233"
    client = await open_client(config)
    queue = named_queue(os.environ)
    return Connection(client, Endpoint(address, client.namespace, queue, store, ui_url=None, is_embedded=False))


async def open_client(config: ClientConnectConfig) -> Client:
    """Return a client that tries a call again for about two seconds, so that trouble is said and not hidden."""
    from temporalio.client import Client
    from temporalio.contrib.pydantic import pydantic_data_converter
    from temporalio.service import RetryConfig, RPCError

    retry = RetryConfig(max_interval_millis=1000, max_elapsed_time_millis=2000, max_retries=4)

    async def opened() -> Client:
        while True:
            try:
                return await Client.connect(
                    **config, data_converter=pydantic_data_converter, retry_config=retry, runtime=_quiet_runtime()
                )
            except RuntimeError as error:
                if "not healthy yet" not in str(error):  # what a server says in its first second
                    raise
            await asyncio.sleep(NOT_HEALTHY_PAUSE_SECONDS)

    try:
        return await asyncio.wait_for(opened(), CONNECT_SECONDS)
    except (RuntimeError, RPCError, TimeoutError) as error:
        reason = str(error) or f"no answer within {CONNECT_SECONDS} s"
        message = connection_words.server_unreachable(config.get("target_host", ""), reason)
        raise Problem(
            message, code=ExitCode.NO_SERVER, slug="no-server", remedy=connection_words.SERVER_REMEDY
        ) from error


@cache
def _quiet_runtime() -> Runtime:
    """Return a runtime whose core writes no log lines between ours on stderr."""
    from temporalio.runtime import Runtime, TelemetryConfig

    return Runtime(telemetry=TelemetryConfig(logging=None))


def _named_store() -> str | None:
    try:
        return named_store(os.environ)
    except EnvironmentUnfit as error:
        raise Problem(error.message, code=ExitCode.USAGE, slug="no-store", remedy=error.remedy) from error


def _no_store() -> Problem:
    return Problem(
        connection_words.STORE_NOT_NAMED, code=ExitCode.USAGE, slug="no-store", remedy=connection_words.STORE_REMEDY
    )
