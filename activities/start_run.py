"""`start_run`: a run of its own, for a `workflow` step with `detach`. Starting it twice starts it once.

The new run's id follows from the step's path, so an attempt after a lost worker finds the run that it started; whether
a run of that id is ours is told by its memo. It takes its definition as it was frozen with the run that starts it.
"""

import asyncio
import json
from collections.abc import Mapping

from pydantic import JsonValue
from temporalio import activity
from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from activities.definition_sources import kept
from activities.store.interface import Store
from activities.workspace.manifest import load_manifest
from definitions.errors import ErrorClass, StepFailure
from definitions.inputs import check_inputs
from definitions.messages import WORKFLOW_TYPE, FrozenDefinition, RunInput, WorkspaceInput
from definitions.records import RunContext, StartedRun, StartRunCall
from definitions.stored_values import FILE_KEY, VALUE_KEY, is_file_reference, is_value_reference

STARTED_BY = "started_by"
"""Memo of a run that another run started: that run, and the step's path."""


async def start_run(store: Store, client: Client, call: StartRunCall) -> StartedRun:
    """Start the run, or find it started. Raises StepFailure where it cannot be, or the id is somebody else's."""
    request = await asyncio.to_thread(_request, store, call)
    mark = {"run": call.run.execution_id, "step": call.path}
    try:
        await client.start_workflow(
            WORKFLOW_TYPE,
            request.model_dump(mode="json", exclude_defaults=True),
            id=call.execution_id,
            task_queue=activity.info().task_queue,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            static_summary=f"started by {call.run.execution_id}, step {call.path}"[:200],
            memo={STARTED_BY: mark},
        )
    except WorkflowAlreadyStartedError as error:
        description = await client.get_workflow_handle(call.execution_id).describe()
        if (await description.memo()).get(STARTED_BY) != mark:
            message = f"another run is called `{call.execution_id}` already"
            raise StepFailure(ErrorClass.ACTIVITY, message, {"execution_id": call.execution_id}) from error
    return StartedRun(execution_id=call.execution_id)


def _request(store: Store, call: StartRunCall) -> RunInput:
    context = RunContext.model_validate_json(store.read_blob(call.run.context))
    try:
        definition = kept(store, call.run.execution_id)[call.definition]
    except KeyError as error:
        message = f"the definition `{call.definition}` was not frozen with the run"
        raise StepFailure(ErrorClass.INTERNAL, message) from error
    inputs = {name: _carried(store, name, value, call.tree) for name, value in call.inputs.items()}
    wrong = [finding for finding in check_inputs(definition, inputs)[1] if finding.severity == "error"]
    if wrong:
        message = f"the inputs do not fit `{definition.id}`: " + "; ".join(one.message for one in wrong[:5])
        raise StepFailure(ErrorClass.EXPRESSION, message, {"code": wrong[0].code})
    return RunInput(
        definition=FrozenDefinition(of_run=call.run.execution_id, key=call.definition),
        inputs=inputs,
        env=context.env,
        workspace=WorkspaceInput(tree=call.tree, root=context.workspace_root),
        starter=context.starter,
        provider=context.provider,
        script=context.script,
        caller_environment=context.environment or None,
        names=context.names,
        trust=context.trust,
    )


def _carried(store: Store, name: str, value: JsonValue, tree: str | None) -> JsonValue:
    """Return an input as a start carries it: what is stored in full, a file by its path in the workspace."""
    if is_value_reference(value):
        stored: JsonValue = json.loads(store.read_blob(str(value[VALUE_KEY])))
        return _carried(store, name, stored, tree)
    if is_file_reference(value):
        return _path(store, name, value, tree)
    if isinstance(value, list):
        return [_carried(store, name, one, tree) for one in value]
    if isinstance(value, dict):
        return {key: _carried(store, name, one, tree) for key, one in value.items()}
    return value


def _path(store: Store, name: str, reference: Mapping[str, JsonValue], tree: str | None) -> str:
    path = str(reference[FILE_KEY])
    entry = None if tree is None else load_manifest(store, tree).find(path)
    if entry is None or entry.digest != reference["digest"]:
        message = f"input `{name}`: the workspace has no file `{path}` with that content now; a run of its own needs it"
        raise StepFailure(ErrorClass.EXPRESSION, message, {"code": "no-such-file"})
    return path
