"""`workflow` steps on a real server: inlined, with files, types, time; and runs of their own."""

import uuid

import pytest
from temporalio.client import WorkflowFailureError

from definitions.messages import WORKFLOW_TYPE
from tests.support.live_runs import finished, scheduled_activities

pytestmark = pytest.mark.server

LINT = """
name: lint
env: {LEVEL: "{{ inputs.level }}", WHO: lint}
inputs:
  level: {type: string, default: low}
  source: {type: file}
outputs:
  words: {type: integer, value: "{{ steps.count.outputs.words }}"}
  digest: {value: "{{ inputs.source.digest }}"}
steps:
  - id: count
    type: shell
    command: |
      echo "{\\"words\\": $(wc -w < a.txt)}" >> "$PERDURE_OUTPUT"
      echo "$LEVEL $WHO"
      echo more > b.txt
"""
MAIN = """
workspace: {from: empty}
steps:
  - {id: write, type: shell, command: "echo one two three > a.txt"}
  - id: check
    type: workflow
    definition: ./lint.yaml
    inputs: {level: high, source: a.txt}
  - {id: after, type: shell, command: "cat b.txt; echo {{ steps.check.outputs.words + 1 }}"}
"""


def inline(text, library):
    return {"definition": {"text": "name: live\n" + text, "file": "live.yaml", "library": library}}


async def started(worker, body):
    identity = f"live-{uuid.uuid4().hex[:8]}"
    return await worker.client.start_workflow(WORKFLOW_TYPE, body, id=identity, task_queue=worker.task_queue)


async def run_with(worker, text, library, **request):
    handle = await started(worker, {**inline(text, library), **request})
    return handle, await finished(handle)


async def refusal(worker, body):
    handle = await started(worker, body)
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    return caught.value.cause.message


async def test_workflow_step_runs_in_the_same_run_with_its_own_env_and_the_files_of_the_run(worker):
    handle, ended = await run_with(worker, MAIN, {"lint.yaml": LINT})
    assert ended.error is None
    assert ended.steps["check"].outputs["words"] == 3
    assert len(str(ended.steps["check"].outputs["digest"])) == 64
    assert ended.steps["check/count"].outputs["stdout"] == "high lint"
    assert ended.steps["after"].outputs["stdout"] == "more\n4"
    assert await scheduled_activities(handle) == ["prepare", "shell", "evaluate", "shell", "shell", "finish"]
    assert (await (await handle.describe()).memo())["definitions"] == ["lint"]


async def test_step_fails_with_the_failure_inside_when_a_step_inside_fails(worker):
    inner = "name: lint\nsteps: [{id: no, type: shell, command: exit 3}]\n"
    text = "steps: [{id: check, type: workflow, definition: lint.yaml, on_failure: continue}]\n"
    _, ended = await run_with(worker, text, {"lint.yaml": inner})
    assert ended.status == "completed"
    assert (ended.steps["check"].error.type, ended.steps["check"].error.step) == ("exit", "check/no")


async def test_step_fails_with_class_timeout_when_the_definition_takes_longer_than_its_own_time(worker):
    inner = "name: slow\ntimeout: 300ms\nsteps: [{id: nap, type: shell, command: sleep 30}]\n"
    text = "steps: [{id: check, type: workflow, definition: slow.yaml}]\n"
    _, ended = await run_with(worker, text, {"slow.yaml": inner})
    assert (ended.status, ended.error.type) == ("failed", "timeout")
    assert ended.steps["check/nap"].status == "cancelled"


async def test_start_is_refused_with_the_place_when_a_reference_leads_nowhere_or_back(worker):
    text = "steps: [{id: check, type: workflow, definition: ./lint.yaml}]\n"
    around = {"lint.yaml": "name: lint\n" + text.replace("lint", "live")}
    assert "definition-cycle" in await refusal(worker, inline(text, around))
    assert "there is no `lint.yaml`" in await refusal(worker, inline(text, {}))


DETACHED = """
inputs: {who: {type: string, default: ana}}
workspace: {from: empty}
steps:
  - {id: write, type: shell, command: "echo hello > a.txt; head -c 3000 /dev/zero | tr '\\\\0' x"}
  - id: begin
    type: workflow
    definition: greet.yaml
    detach: true
    inputs: {who: "{{ inputs.who }}", long: "{{ steps.write.outputs.stdout }}", file: a.txt}
"""
GREET = """
name: greet
inputs: {who: {type: string}, long: {type: string}, file: {type: file}}
outputs: {said: {value: "{{ steps.say.outputs.stdout }}"}}
steps:
  - {id: say, type: shell, command: "echo {{ inputs.who }} {{ len(inputs.long) }} $(cat a.txt)"}
"""


async def test_detached_run_has_an_id_of_its_own_the_files_and_big_inputs(worker):
    handle, ended = await run_with(worker, DETACHED, {"greet.yaml": GREET}, starter="bo")
    assert ended.error is None
    assert ended.steps["begin"].outputs == {"execution_id": f"{handle.id}/begin"}
    other = worker.client.get_workflow_handle(f"{handle.id}/begin")
    inner = await finished(other)
    assert inner.outputs == {"said": "ana 3000 hello"}
    assert (await (await other.describe()).memo())["started_by"] == {"run": handle.id, "step": "begin"}


async def test_step_fails_when_the_id_of_the_detached_run_is_somebody_elses(worker):
    taken = f"live-{uuid.uuid4().hex[:8]}"
    body = {"definition": {"text": "name: x\nsteps: [{id: a, type: set, values: {n: 1}}]"}}
    await worker.client.start_workflow(WORKFLOW_TYPE, body, id=f"{taken}/begin", task_queue=worker.task_queue)
    text = "steps: [{id: begin, type: workflow, definition: x.yaml, detach: true}]\n"
    inner = "name: x\nsteps: [{id: a, type: set, values: {n: 1}}]"
    body = {"definition": {"text": "name: live\n" + text, "file": "live.yaml", "library": {"x.yaml": inner}}}
    handle = await worker.client.start_workflow(WORKFLOW_TYPE, body, id=taken, task_queue=worker.task_queue)
    ended = await finished(handle)
    assert ended.error is not None
    assert "another run is called" in ended.error.message


async def test_frozen_definition_of_a_run_that_has_none_is_refused(worker):
    said = await refusal(worker, {"definition": {"of_run": "nobody", "key": "x.yaml"}})
    assert "was frozen with no definition `x.yaml`" in said
