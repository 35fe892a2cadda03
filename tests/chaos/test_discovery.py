"""The show of the catalog's discovery: three epics, killed in the middle, one epic failing and taken up alone.

The oracle is Temporal's own history: an activity that is scheduled for a step's path is that step doing something.
"""

import asyncio
import contextlib
import json
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.contrib.pydantic import pydantic_data_converter

from definitions.messages import Decide
from definitions.statuses import ENDED, Status
from tests.chaos.test_kills import Stage
from tools.samples import SAMPLES

pytestmark = [pytest.mark.chaos, pytest.mark.server, pytest.mark.timeout(240)]

PATIENCE = 60.0
SAMPLE = SAMPLES["discovery-to-architecture"]
FAILING = "epics[E-2]/architecture"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Set the stage, and end all that it started."""
    found = Stage(tmp_path)
    SAMPLE.make(tmp_path / "sample")
    good = yaml.safe_load(SAMPLE.script.read_text())
    good["steps"]["epics[E-3]/stories"] = {**good["steps"]["epics/stories"], "delay": "3s"}
    (tmp_path / "good.yaml").write_text(json.dumps(good))
    good["steps"][FAILING] = {"fail": {"class": "refused", "message": "no tokens left"}}
    (tmp_path / "bad.yaml").write_text(json.dumps(good))
    yield found
    found.end()


def said(stage: Stage, *arguments: str) -> str:
    code, out, err = stage.answer(*arguments)
    assert code == 0, out + err
    return out


def approve_until(stage: Stage, run: str, is_over: Callable[[Status], bool]) -> Status:
    """Approve whatever is asked, until something is so."""
    return asyncio.run(_approve_until(stage, run, is_over))


async def _approve_until(stage: Stage, run: str, is_over: Callable[[Status], bool]) -> Status:
    handle = (await _client(stage)).get_workflow_handle(run)
    deadline = time.monotonic() + PATIENCE
    while True:
        status = await handle.query("status", result_type=Status)
        if is_over(status):
            return status
        assert time.monotonic() < deadline, status
        for gate in status.pending_approvals:
            with contextlib.suppress(WorkflowUpdateFailedError):  # decided meanwhile
                await handle.execute_update("decide", Decide(gate=gate.gate, verdict="approve", by="ada"))
        await asyncio.sleep(0.1)


async def attempts(stage: Stage, run: str) -> Counter[str]:
    """Return how many activities a run has scheduled for each agent's path."""
    history = await (await _client(stage)).get_workflow_handle(run).fetch_history()
    scheduled = [event.activity_task_scheduled_event_attributes for event in history.events]
    calls = [json.loads(one.input.payloads[0].data) for one in scheduled if one.activity_type.name == "agent"]
    return Counter(call["path"] for call in calls)


async def _client(stage: Stage) -> Client:
    address = f"127.0.0.1:{stage.record()['server']['port']}"
    return await Client.connect(address, data_converter=pydantic_data_converter)


def test_one_epic_is_taken_up_alone_when_it_failed_and_all_was_killed_in_the_middle(stage: Stage) -> None:
    """Killed while E-3's stories are written; E-2 fails; the rerun does nothing for E-1 and E-3."""
    start = ["run", "discovery-to-architecture", "--workspace", "sample", "--provider", "scripted", "--id", "shop-1"]
    inputs = [part for name, value in SAMPLE.inputs.items() for part in ("-i", f"{name}={value}")]
    said(stage, *start, *inputs, "--script", "bad.yaml", "--detach")
    approve_until(stage, "shop-1", lambda status: "epics[E-1]/stories" in status.steps)
    stage.kill("worker")
    stage.kill("server")
    said(stage, "show", "shop-1")  # any command brings back what is needed

    failed = approve_until(stage, "shop-1", lambda status: status.status in ENDED)
    assert failed.status == "failed"
    assert failed.error is not None
    assert failed.error.step == "complete"
    first = asyncio.run(attempts(stage, "shop-1"))
    assert first.pop(FAILING) == 1
    assert set(first.values()) == {1}, "what was killed is one activity still; what had completed is none"
    assert {f"epics[E-{number}]/stories" for number in (1, 2, 3)} <= set(first)

    said(stage, "rerun", "shop-1", "--failed", "--script", "good.yaml", "--id", "shop-2", "--detach")
    done = approve_until(stage, "shop-2", lambda status: status.status in ENDED)
    assert done.status == "completed", done.error
    assert asyncio.run(attempts(stage, "shop-2")) == {FAILING: 1}
    mine = [one for one in done.approvals if one.gate == f"{FAILING}/accept"]
    assert [(one.doc_type, one.scope_id) for one in mine] == [("architecture", "E-2")]
    assert "+- A calendar" in stage.answer("diff", "shop-2")[1]
    shown = subprocess.run(
        ["git", "status", "--porcelain"], cwd=stage.folder / "sample", check=True, capture_output=True
    )
    assert shown.stdout == b"", "the user's own folder is only read"
