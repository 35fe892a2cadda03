"""A real Temporal server for tests: in memory, tuned like the embedded default, on a free port."""

import asyncio
import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from definitions.messages import SEARCH_ATTRIBUTES
from worker.dev_server import find_binary
from worker.server_binary import ServerBinary
from worker.tuning import applicable

START_LIMIT = timedelta(seconds=60)


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def server_binary() -> ServerBinary:
    """Return the server's program. Raises EnvironmentUnfit with the remedy where there is none: never a skip."""
    return find_binary(os.environ, lambda _: None)


@contextlib.contextmanager
def running_server(log: Path, **values: str) -> Generator[str]:
    """Run a server while the block lasts; yield its address. `values` are more dynamic configuration, `_` for `.`."""
    binary = server_binary()
    port = free_port()
    argv = [str(binary.path), "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(port)]
    argv += ["--log-level", "warn"]
    argv += [f"--dynamic-config-value={setting.key}={setting.value}" for setting in applicable(binary.version)]
    argv += [f"--dynamic-config-value={name.replace('_', '.')}={value}" for name, value in values.items()]
    argv += [f"--search-attribute={name}={kind}" for name, kind in SEARCH_ATTRIBUTES.items()]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")}
    with log.open("wb") as output:
        process = subprocess.Popen(argv, stdout=output, stderr=output, stdin=subprocess.DEVNULL, env=environment)
        try:
            _wait_until_listening(process, port, log)
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT.total_seconds()
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"the test server did not start: {log.read_text(errors='replace')[-2000:]}")


async def connected(address: str, identity: str | None = None) -> Client:
    """Return a client, once the server's frontend is healthy: it listens before it is."""
    deadline = time.monotonic() + START_LIMIT.total_seconds()
    while True:
        try:
            return await Client.connect(address, data_converter=pydantic_data_converter, identity=identity)
        except RuntimeError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)
