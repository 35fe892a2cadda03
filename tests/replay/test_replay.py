import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from tests.replay.scenarios import SCENARIOS
from tests.replay.turns import FLOODED, TURNS
from worker.service import PASSED_THROUGH
from workflows.lock import Lock
from workflows.run_definition import RunDefinition

HISTORIES = Path(__file__).parent / "histories"
RECORDED = (*SCENARIOS, *TURNS, FLOODED)


def replayer() -> Replayer:
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
    return Replayer(
        workflows=[RunDefinition, Lock],
        data_converter=pydantic_data_converter,
        workflow_runner=SandboxedWorkflowRunner(restrictions=restrictions),
    )


def test_every_scenario_has_a_history():
    assert {path.stem for path in HISTORIES.glob("*.json")} == set(RECORDED)


@pytest.mark.parametrize("name", sorted(RECORDED))
async def test_history_replays(name: str):
    history = WorkflowHistory.from_json(f"replay-{name}", (HISTORIES / f"{name}.json").read_text())
    await replayer().replay_workflow(history)


async def test_replay_fails_when_the_history_tells_another_story():
    text = (HISTORIES / "sequence.json").read_text().replace('"name": "shell"', '"name": "agent"')
    assert json.loads(text)
    with pytest.raises(Exception, match=r"[Nn]ondetermin"):
        await replayer().replay_workflow(WorkflowHistory.from_json("replay-other", text))
