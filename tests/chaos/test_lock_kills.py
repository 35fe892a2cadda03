"""Kill -9 of worker and server while runs of one concurrency group go and wait: never two at once, and all go on.

The oracle is a file outside: each attempt writes the name of its run when it comes and when it goes.
"""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from temporalio.client import Client, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter

from definitions.messages import WORKFLOW_TYPE
from tests.support.embedded_homes import Home, copied_code, embedded_home
from tests.support.waiting import eventually
from worker import embedded, processes
from worker.embedded import Running

pytestmark = [pytest.mark.chaos, pytest.mark.server]

PATIENCE = 60.0
RUNS = ("one", "two", "three")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    code = copied_code(tmp_path / "code")
    monkeypatch.setattr(embedded, "CODE_ROOT", code)
    with embedded_home(tmp_path / "home", code) as found:
        yield found


async def begin(running: Running, name: str, log: Path, gate: Path) -> WorkflowHandle:
    command = (
        f"echo in {name} >> {log}; while [ ! -e {gate} ]; do sleep 0.05; done; sleep 0.1; echo out {name} >> {log}"
    )
    definition = {
        "name": "probe",
        "workspace": {"from": "none"},
        "concurrency": {"group": "probe"},
        "steps": [{"id": "work", "type": "shell", "command": command}],
    }
    client = await Client.connect(running.server.address, data_converter=pydantic_data_converter)
    request = {"definition": definition, "caller_environment": {"PATH": os.environ["PATH"]}}
    return await client.start_workflow(
        WORKFLOW_TYPE, request, id=f"probe-{name}", task_queue=running.worker.task_queue, result_type=dict
    )


def lines(log: Path) -> list[list[str]]:
    return [line.split() for line in log.read_text().splitlines()] if log.exists() else []


VICTIMS = [["server", "worker"], *([["worker"], ["server"]] if "PERDURE_LONG_TESTS" in os.environ else [])]


@pytest.mark.parametrize("victims", VICTIMS, ids="-".join)
async def test_never_two_go_at_once_when_processes_are_killed(home: Home, tmp_path: Path, victims: list[str]):
    log, gate = tmp_path / "course.log", tmp_path / "go"
    running = await asyncio.to_thread(home.bring_up)
    await begin(running, RUNS[0], log, gate)

    async def has_begun() -> bool:
        return lines(log) == [["in", "one"]]

    await eventually(has_begun)
    for name in RUNS[1:]:
        await begin(running, name, log, gate)
    for victim in victims:
        identity = getattr(running, victim).identity
        os.kill(identity.pid, signal.SIGKILL)
        while processes.is_alive(identity):
            await asyncio.sleep(0.02)
    running = await asyncio.to_thread(home.bring_up)
    gate.touch()
    client = await Client.connect(running.server.address, data_converter=pydantic_data_converter)
    for name in RUNS:
        handle = client.get_workflow_handle(f"probe-{name}", result_type=dict)
        ended = await asyncio.wait_for(handle.result(), PATIENCE)
        assert ended["status"] == "completed"
    goes: str | None = None
    for word, name in lines(log):
        assert goes in (None, name), f"{name} came while {goes} went"
        goes = name if word == "in" else None
    assert sorted(name for word, name in lines(log) if word == "out") == sorted(RUNS)
