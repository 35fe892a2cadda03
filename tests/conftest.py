"""Fixtures shared by all tests.

dev_server    address of a real Temporal server, one a session
client        a client of it
task_queue    a task queue of the test's own
worker        our worker in this process, on that queue, with a store of its own
s3_server     a real S3 server (versitygw), one a session; a test that needs it is skipped where it cannot be had
interruptible (always) SIGINT has its effect
isolated      (always) nothing of the developer's own Perdure, Temporal or AWS settings reaches a test
"""

import os
import signal
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import hypothesis
import pytest
from temporalio.client import Client

from definitions.errors import EnvironmentUnfit
from tests.support.servers import connected, running_server
from tests.support.versitygw import Gateway, running_gateway
from tests.support.workers import RunningWorker, running_worker

hypothesis.settings.register_profile("perdure", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("perdure")


@pytest.fixture(scope="session", autouse=True)
def isolated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Hide the developer's own Perdure home, Temporal and AWS profiles and variables from all tests."""
    kept = {"PERDURE_TEMPORAL_BIN", "PERDURE_TEST_CACHE"}
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("PERDURE_", "TEMPORAL_", "OTEL_", "AWS_")) and name not in kept:
                patch.delenv(name)
        patch.setenv("PERDURE_HOME", str(tmp_path_factory.mktemp("perdure-home")))
        patch.setenv("TEMPORAL_CONFIG_FILE", str(tmp_path_factory.mktemp("temporal-config") / "temporal.toml"))
        no_profile = str(tmp_path_factory.mktemp("aws-config") / "none")
        patch.setenv("AWS_CONFIG_FILE", no_profile)
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", no_profile)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """Let SIGINT reach what tests start: in the background of a shell it would be ignored by all below."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def dev_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a real Temporal server that lasts for the session."""
    with running_server(tmp_path_factory.mktemp("dev-server") / "server.log") as address:
        yield address


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Return a real S3 server that lasts for the session; moto is what stands in where it cannot be had."""
    try:
        with running_gateway(tmp_path_factory.mktemp("s3-server")) as gateway:
            yield gateway
    except EnvironmentUnfit as unfit:
        pytest.skip(str(unfit))


@pytest.fixture(scope="session")
async def client(dev_server: str) -> Client:
    """Return a client of the session's server."""
    return await connected(dev_server)


@pytest.fixture
def task_queue() -> str:
    """Return a task queue that no other test uses."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
async def worker(client: Client, task_queue: str, tmp_path: Path) -> AsyncIterator[RunningWorker]:
    """Run our worker in this process for the length of a test."""
    async with running_worker(client, task_queue, tmp_path / "perdure") as running:
        yield running
