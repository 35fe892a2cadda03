"""Start inputs that are no JSON at all: the run ends with what is wrong, and is not tried for ever."""

import uuid

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.client import WorkflowFailureError
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from definitions.messages import WORKFLOW_TYPE
from tests.support.workers import RunningWorker

pytestmark = pytest.mark.server

BAD = {
    "cut": b'{"definition": "x"',
    "nothing": b"",
    "half a surrogate pair": b'{"definition": "\\ud83d"}',
    "bytes": b'{"definition": "\xff"}',
    "deep": b'{"inputs": {"a":' + b"[" * 400 + b"]" * 400 + b"}}",
    "many digits": b'{"inputs": {"a": 1' + b"0" * 5000 + b"}}",
}


@pytest.mark.parametrize("name", BAD)
async def test_run_fails_at_once_when_its_input_cannot_be_read(name: str, worker: RunningWorker):
    payload = Payload(metadata={"encoding": b"json/plain"}, data=BAD[name])
    handle = await worker.client.start_workflow(
        WORKFLOW_TYPE, RawValue(payload), id=uuid.uuid4().hex, task_queue=worker.task_queue
    )
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    assert isinstance(caught.value.cause, ApplicationError)
    assert caught.value.cause.type == "input-not-valid"
