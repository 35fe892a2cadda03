"""`start_run`: twice is once, inputs in full, and clear failures of the step."""

import uuid
from dataclasses import replace

import pytest
from temporalio.testing import ActivityEnvironment

from activities.definition_sources import DefinitionPolicy, keep, resolve
from activities.start_run import start_run
from activities.workspace.manifest import Entry, Manifest, save_manifest
from definitions.errors import StepFailure
from definitions.messages import RunInput
from definitions.records import RunContext, RunHandle, StartRunCall
from definitions.stored_values import file_reference, value_reference
from tests.activities.test_definition_sources import USER

pytestmark = pytest.mark.server

TAKES = "name: takes\ninputs: {list: {type: array, required: false}, file: {type: file, required: false}}\n"
TAKES += "steps:\n  - {id: s, type: set, values: {n: '{{ len(inputs.list) }}'}}\n"
TAKES += "outputs: {n: {value: '{{ steps.s.outputs.n }}'}}\n"


@pytest.fixture
def begin(worker):
    store, run = worker.store, f"parent-{uuid.uuid4().hex[:8]}"
    text = USER.replace("lint.yaml}", "takes.yaml, detach: true}")
    request = RunInput.model_validate({"definition": {"text": text, "library": {"takes.yaml": TAKES}}})
    keep(store, run, resolve(DefinitionPolicy(allows_inline=True), store, request))
    context = RunContext.model_validate(
        {"execution_id": run, "definition_id": "all", "definition_digest": "0", "started_at": "2026-11-21T00:00:00Z"}
    )
    handle = RunHandle(
        execution_id=run, definition_id="all", context=store.write_blob(context.model_dump_json().encode())
    )
    entry = Entry("a.txt", "f", store.write_blob(b"hello"), 5)
    tree = save_manifest(store, Manifest((entry,)))

    async def call(inputs, *, path="a", definition="takes.yaml", tree=tree):
        made = StartRunCall(
            run=handle, path=path, execution_id=f"{run}/a", definition=definition, inputs=inputs, tree=tree
        )
        environment = ActivityEnvironment()
        environment.info = replace(environment.info, task_queue=worker.task_queue)
        return await environment.run(start_run, store, worker.client, made)

    return call


async def test_run_is_started_once_when_it_is_asked_for_twice(worker, begin):
    big = value_reference(worker.store.write_blob(b'["a", "b"]'), 5000)
    first = await begin({"list": big, "file": file_reference("a.txt", worker.store.write_blob(b"hello"), 5)})
    assert await begin({"list": big}) == first
    result = await worker.client.get_workflow_handle(first.execution_id).result()
    assert result["outputs"] == {"n": 2}


async def test_step_fails_when_another_step_has_taken_the_id(begin):
    await begin({"list": []})
    with pytest.raises(StepFailure, match="another run is called"):
        await begin({"list": []}, path="b")


async def test_step_fails_when_the_definition_was_not_frozen(begin):
    with pytest.raises(StepFailure, match="was not frozen with the run"):
        await begin({}, definition="none.yaml")


async def test_step_fails_when_an_input_does_not_fit(begin):
    with pytest.raises(StepFailure, match="the inputs do not fit `takes`: input `list` must be a list"):
        await begin({"list": {"a": [1]}})


@pytest.mark.parametrize("has_tree", [True, False])
async def test_step_fails_when_a_file_is_not_in_the_workspace_as_it_was(worker, begin, has_tree):
    other = file_reference("a.txt", worker.store.write_blob(b"older"), 5)
    with pytest.raises(StepFailure, match=r"no file `a\.txt` with that content now"):
        await (begin({"file": other}) if has_tree else begin({"file": other}, tree=None))
