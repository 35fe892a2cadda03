"""The show of the catalog's discovery: three epics, killed in the middle, one epic failing and taken up alone.

The oracle is Temporal's own history: an activity that is scheduled for a step's path is that step doing something.
"""

import asyncio
import json
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from temporalio.client import Client

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
    found.answer("dev", "stop")
    for process in found.ours():
        process.kill()


def said(stage: Stage, *arguments: str) -> str:
    code, out, err = stage.answer(*arguments)
    assert code == 0, out + err
    return out


def gates(stage: Stage, run: str) -> list[str]:
    return [found["gate"] for found in json.loads(said(stage, "gates", run, "--json"))]


def approve_until(stage: Stage, run: str, is_over: Callable[[], bool]) -> None:
    """Approve whatever is asked, until something is so."""
    deadline = time.monotonic() + PATIENCE
    while not is_over():
        assert time.monotonic() < deadline, stage.answer("show", run)[1]
        for gate in gates(stage, run):
            code, _, err = stage.answer("approve", run, gate)
            assert code == 0 or "already-decided" in err, err


def state(stage: Stage, run: str) -> dict[str, object]:
    return json.loads(stage.answer("show", run, "--json")[1])


def statuses(stage: Stage, run: str) -> dict[str, str]:
    steps = state(stage, run).get("steps")
    assert isinstance(steps, dict)
    return {path: step["status"] for path, step in steps.items()}


async def attempts(address: str, run: str) -> Counter[str]:
    """Return how many activities a run has scheduled for each agent's path."""
    client = await Client.connect(address)
    history = await client.get_workflow_handle(run).fetch_history()
    scheduled = [event.activity_task_scheduled_event_attributes for event in history.events]
    calls = [json.loads(one.input.payloads[0].data) for one in scheduled if one.activity_type.name == "agent"]
    return Counter(call["path"] for call in calls)


def test_one_epic_is_taken_up_alone_when_it_failed_and_all_was_killed_in_the_middle(stage: Stage) -> None:
    """Killed while E-3's stories are written; E-2 fails; the rerun does nothing for E-1 and E-3."""
    start = ["run", "discovery-to-architecture", "--workspace", "sample", "--provider", "scripted", "--id", "shop-1"]
    inputs = [part for name, value in SAMPLE.inputs.items() for part in ("-i", f"{name}={value}")]
    said(stage, *start, *inputs, "--script", "bad.yaml", "--detach")
    approve_until(stage, "shop-1", lambda: "epics[E-1]/stories" in statuses(stage, "shop-1"))
    stage.kill("worker")
    stage.kill("server")

    approve_until(stage, "shop-1", lambda: state(stage, "shop-1")["status"] in ("failed", "completed"))
    failed = state(stage, "shop-1")
    assert failed["status"] == "failed"
    error = failed["error"]
    assert isinstance(error, dict)
    assert error["step"] == "complete"
    address = _address(stage)
    first = asyncio.run(attempts(address, "shop-1"))
    assert first.pop(FAILING) == 1
    assert set(first.values()) == {1}, "what was killed is one activity still; what had completed is none"
    assert {f"epics[E-{number}]/stories" for number in (1, 2, 3)} <= set(first)

    plan = stage.answer("rerun", "shop-1", "--failed", "--script", "good.yaml", "--dry-run")
    assert plan[0] == 0, plan
    said(stage, "rerun", "shop-1", "--failed", "--script", "good.yaml", "--id", "shop-2", "--detach")
    approve_until(stage, "shop-2", lambda: state(stage, "shop-2")["status"] in ("failed", "completed"))
    done = state(stage, "shop-2")
    assert done["status"] == "completed", done["error"]
    assert asyncio.run(attempts(address, "shop-2")) == {FAILING: 1}
    approvals = done["approvals"]
    assert isinstance(approvals, list)
    mine = [one for one in approvals if one["gate"] == f"{FAILING}/accept"]
    assert [(one["doc_type"], one["scope_id"]) for one in mine] == [("architecture", "E-2")]
    _book_is_whole(stage, done)


def _address(stage: Stage) -> str:
    return f"127.0.0.1:{stage.record()['server']['port']}"


def _book_is_whole(stage: Stage, done: dict[str, object]) -> None:
    diff = stage.answer("diff", "shop-2")[1]
    assert "+- A calendar" in diff, diff
    shown = subprocess.run(["git", "status", "--porcelain"], cwd=stage.folder / "sample", check=True, capture_output=True)
    assert shown.stdout == b""
