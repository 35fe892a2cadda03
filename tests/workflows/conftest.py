"""Fixtures of the live tests.

forgetful   a worker on a server that suggests continuing as new after 60 events
"""

from collections.abc import AsyncIterator

import pytest

from tests.support.servers import connected, running_server
from tests.support.workers import RunningWorker, running_worker


@pytest.fixture(scope="session")
async def forgetful(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningWorker]:
    """Run a worker whose runs go over many histories."""
    folder = tmp_path_factory.mktemp("forgetful")
    with running_server(folder / "server.log", limit_historyCount_suggestContinueAsNew="60") as address:
        client = await connected(address)
        async with running_worker(client, "forgetful", folder / "home") as worker:
            yield worker
