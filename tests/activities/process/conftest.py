"""Ways to hold a tree together, and a look at which processes of a test are still there."""

import asyncio
import ctypes
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from activities.process import strays
from activities.process.isolation import Isolation, probe, without_namespace

ENVIRONMENT = {"PATH": os.environ["PATH"]}


@pytest.fixture(autouse=True)
def unregistered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test note what it runs in the folder that another one swept."""
    monkeypatch.setattr(strays, "_registry", None)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait less for children that hold the output."""
    monkeypatch.setattr("activities.process.tree._QUIET", 0.25)


@pytest.fixture
def subreaper() -> Iterator[Isolation]:
    """Return the isolation without namespaces; this process adopts no orphans afterwards."""
    yield without_namespace("a test asks for it")
    ctypes.CDLL(None).prctl(36, 0, 0, 0, 0)


@pytest.fixture(params=["namespace", "subreaper"])
def isolation(request: pytest.FixtureRequest) -> Isolation:
    """Return each isolation in turn."""
    if request.param == "subreaper":
        return request.getfixturevalue("subreaper")
    found = probe()
    assert found.kind == "namespace", f"no namespaces here: {found.reason}"
    return found


class Mark:
    """A number of seconds that no other process sleeps for: by it a test's processes are found."""

    def __init__(self) -> None:
        self.seconds = f"8{uuid.uuid4().int % 10**9:09}"

    def sleepers(self) -> list[int]:
        """Return the pids of the processes that have it in their arguments as one whole argument."""
        found: list[int] = []
        for name in os.listdir("/proc"):
            if name.isdigit():
                with suppress(OSError):
                    if self.seconds.encode() in Path("/proc", name, "cmdline").read_bytes().split(b"\0"):
                        found.append(int(name))
        return found


@pytest.fixture
def mark() -> Iterator[Mark]:
    """Return a mark; whatever bears it is ended after the test."""
    made = Mark()
    yield made
    for pid in made.sleepers():
        with suppress(ProcessLookupError):
            os.kill(pid, 9)


async def until(condition: Callable[[], object], what: str, seconds: float = 10) -> None:
    """Return when `condition` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"still not: {what}"
        await asyncio.sleep(0.01)
