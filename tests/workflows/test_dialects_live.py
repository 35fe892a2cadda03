"""Both dialects on a real server, and agents by name from the start input and from the run's files."""

import uuid
from pathlib import Path

import pytest
from pydantic import JsonValue
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError

from activities.workspace.manifest import save_manifest
from activities.workspace.sources import snapshot_source
from definitions.messages import WORKFLOW_TYPE
from definitions.statuses import Status
from tests.support.live_runs import finished
from tests.support.workers import RunningWorker

pytestmark = pytest.mark.server

STEPS = """
workflow:
  name: live-steps
  workspace: {from: none}
  steps:
    - {id: sort, agent: sorter, inputs: {report: "{{input.report}}"}, on_success: mend, on_failure: tell}
    - {id: tell, agent: herald, inputs: {message: "{{input.report}}: {{steps.sort.error.message}}"}}
    - {id: mend, agent: coder, condition: "{{steps.sort.output.level}} > 3", max_retries: 0, on_failure: tell}
    - {id: done, agent: sorter}
"""
STAGES = """
id: live-stages
workspace: {from: none}
stages: [plan, write, judge]
loop: {max_iters: 3, stop_when: "$.good == true", fallback_next_stage: write}
stageConfigs:
  plan: {role: planner, prompt: "Plan ${vars.topic}"}
  write:
    mode: parallel
    providers: [codex, gemini]
    parallel_strategy: race
    skills: [style]
    prompt: "Write ${stages.plan.output.idea}"
  judge: {provider: grok}
"""
NAMED = """
name: named
steps:
  - {id: a, type: agent, agent: critic, prompt: p}
"""


async def played(worker: RunningWorker, text: str, script: JsonValue, **inputs: JsonValue) -> Status:
    return await run_text(worker, text, provider="scripted", script={"steps": script}, inputs=inputs)


async def begun(worker: RunningWorker, text: str, **request: JsonValue) -> WorkflowHandle:
    body = {"definition": {"text": text, "file": "live.yaml"}, **request}
    identity = f"dialect-{uuid.uuid4().hex[:8]}"
    return await worker.client.start_workflow(WORKFLOW_TYPE, body, id=identity, task_queue=worker.task_queue)


async def run_text(worker: RunningWorker, text: str, **request: JsonValue) -> Status:
    return await finished(await begun(worker, text, **request))


async def refusal(worker: RunningWorker, text: str) -> str:
    with pytest.raises(WorkflowFailureError) as caught:
        await (await begun(worker, text)).result()
    assert isinstance(caught.value.cause, ApplicationError)
    return caught.value.cause.message


@pytest.mark.parametrize(
    ("script", "ran"),
    [
        ({"sort": {"answer": {"level": 5}}}, {"sort", "mend", "done"}),
        ({"sort": {"answer": {"level": 1}}}, {"sort", "done"}),
        ({"sort": {"fail": {"class": "refused"}}}, {"sort", "tell"}),
        ({"sort": {"answer": {"level": 5}}, "mend": {"fail": {"class": "crash"}}}, {"sort", "mend", "tell"}),
    ],
)
async def test_agent_steps_go_every_way_when_a_script_plays_them(
    worker: RunningWorker, script: JsonValue, ran: set[str]
):
    ended = await played(worker, STEPS, script, report="it crashes")
    assert ended.status == "completed"
    assert {path for path, step in ended.steps.items() if step.status != "skipped"} == ran


async def test_stages_pass_until_the_last_one_is_content_when_a_script_plays_them(worker: RunningWorker):
    script: JsonValue = {
        "passes#1/plan": {"answer": {"idea": "rain"}},
        "passes#1/judge": {"answer": {"recommended_next_stage": "judge"}},
        "passes#2/judge": {"answer": {"good": False}},
        "passes#3/judge": {"answer": {"good": True}},
    }
    ended = await played(worker, STAGES, script, topic="weather")
    assert ended.status == "completed", ended.error


async def test_run_names_max_iters_when_the_passes_are_used_up(worker: RunningWorker):
    ended = await played(worker, STAGES, {"passes#1/plan": {"answer": {"idea": "rain"}}}, topic="weather")
    assert ended.error is not None
    assert "`max_iters`" in ended.error.message


async def test_start_is_refused_when_nobody_has_the_name(worker: RunningWorker):
    assert "no agent is called `critic`" in await refusal(worker, NAMED)


async def test_start_is_refused_when_a_provider_is_not_there_yet(worker: RunningWorker):
    assert "--provider" in await refusal(worker, NAMED.replace("agent: critic", "provider: codex"))


async def test_agent_runs_when_the_start_says_who_it_is(worker: RunningWorker):
    names: JsonValue = {"agents": {"critic": {"role": "You judge.", "provider": "scripted"}}}
    assert (await run_text(worker, NAMED, names=names)).status == "completed"


async def test_agent_is_found_when_the_runs_files_have_it(worker: RunningWorker, tmp_path: Path):
    folder = tmp_path / "project"
    (folder / ".perdure").mkdir(parents=True)
    (folder / ".perdure/agents.yaml").write_text("critic: {provider: scripted, role: You judge.}\n")
    tree = save_manifest(worker.store, snapshot_source(worker.store, folder))
    assert (await run_text(worker, NAMED, workspace={"tree": tree})).status == "completed"
