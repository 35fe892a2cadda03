"""Fixtures of the live tests.

forgetful   a worker on a server that suggests continuing as new after 60 events
impatient   the same, and from 90 events on nothing new starts, whatever still runs
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


@pytest.fixture
def impatient(forgetful: RunningWorker, monkeypatch: pytest.MonkeyPatch) -> RunningWorker:
    """Return the same worker, with a lower limit of events."""
    monkeypatch.setattr("workflows.temporal_host.HISTORY_LIMIT", 90)
    return forgetful
