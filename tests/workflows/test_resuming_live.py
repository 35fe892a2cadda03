"""`resume` with inputs given anew, on a real server: typed as at the start; what was found with the old is dropped."""

import asyncio
from pathlib import Path

import pytest
from pydantic import JsonValue
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from activities.look_ahead import LookAhead
from definitions.records import StepCall, StepRecord, StepResult
from tests.support.live_runs import finished, run, start, status, until
from tests.support.workers import RunningWorker

pytestmark = pytest.mark.server

HELD = """
inputs:
  f: {type: file}
  other: {type: file, default: a.txt}
  wanted: {type: string, default: "2"}
steps:
  - {id: a, type: shell, command: "grep -q {{ inputs.wanted }} {{ inputs.f }}", on_failure: pause}
  - {id: hashes, type: set, values: {f: "{{ hash(inputs.f) }}", same: "{{ hash(inputs.other) }}"}}
  - {id: s, type: shell, command: "cat {{ inputs.f }}", cache: {inputs: []}}
"""


async def held(worker: RunningWorker, tmp_path: Path) -> WorkflowHandle:
    """Start a run whose first step waits for another file."""
    folder = tmp_path / "w"
    folder.mkdir(exist_ok=True)
    for name, text in (("a.txt", "1"), ("b.txt", "2")):
        (folder / name).write_text(text)
    inputs: dict[str, JsonValue] = {"f": "a.txt"}
    handle = await start(worker, HELD, inputs=inputs, workspace={"path": str(folder)})

    async def is_held() -> bool:
        steps = (await status(handle)).steps
        return "a" in steps and steps["a"].held

    await until(is_held, "the step to be held")
    return handle


@pytest.mark.parametrize("way", ["update", "signal"])
async def test_file_given_anew_is_what_it_holds(worker: RunningWorker, tmp_path: Path, way: str):
    handle = await held(worker, tmp_path)
    message = {"by": "ana", "inputs": {"f": "./b.txt"}}
    await (handle.execute_update("resume", message) if way == "update" else handle.signal("resume", message))
    ended = await finished(handle)
    assert ended.steps["s"].outputs == {"stdout": "2", "exit_code": 0}
    hashes = ended.steps["hashes"].outputs or {}
    assert hashes["f"] != hashes["same"]
    again = await run(worker, HELD, inputs={"f": "b.txt"}, workspace={"path": str(tmp_path / "w")})
    assert again.steps["hashes"].outputs == hashes
    assert again.inputs == ended.inputs


async def test_input_of_another_type_is_given_anew_when_others_are_files(worker: RunningWorker, tmp_path: Path):
    handle = await held(worker, tmp_path)
    await handle.execute_update("resume", {"by": "ana", "inputs": {"wanted": "1"}})
    assert (await finished(handle)).status == "completed"


async def test_null_gives_the_default(worker: RunningWorker, tmp_path: Path):
    handle = await held(worker, tmp_path)
    await handle.execute_update("resume", {"by": "ana", "inputs": {"f": "b.txt", "other": None, "wanted": None}})
    ended = await finished(handle)
    assert ended.inputs is not None
    assert (ended.status, ended.inputs["wanted"]) == ("completed", "2")


async def test_file_that_is_not_there_is_refused(worker: RunningWorker, tmp_path: Path):
    handle = await held(worker, tmp_path)
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await handle.execute_update("resume", {"by": "ana", "inputs": {"f": "no.txt"}})
    assert isinstance(caught.value.cause, ApplicationError)
    assert caught.value.cause.type == "inputs-invalid"
    assert "the workspace has no file `no.txt`" in caught.value.cause.message
    assert (await status(handle)).status == "paused"
    await handle.cancel()
    assert (await finished(handle)).status == "cancelled"


async def test_what_was_found_ahead_does_not_count_when_inputs_are_given_anew_meanwhile(
    worker: RunningWorker, monkeypatch: pytest.MonkeyPatch
):
    text = """
inputs: {first: {default: one}, later: {default: old}}
workspace: {from: empty}
steps:
  - {id: miss, type: shell, command: "echo {{ inputs.first }}", cache: {inputs: []}}
  - {id: hit, type: shell, command: "echo hit", cache: {inputs: []}}
  - {id: s, type: shell, command: "echo {{ inputs.later }}", cache: {inputs: []}}
"""
    await run(worker, text)
    found, go = asyncio.Event(), asyncio.Event()
    finding = LookAhead._found  # pyright: ignore[reportPrivateUsage]

    async def slowly(self: LookAhead, call: StepCall, result: StepResult) -> dict[str, StepRecord] | None:
        records = await finding(self, call, result)
        assert records is not None
        assert list(records) == ["s"]
        found.set()
        await go.wait()
        return records

    monkeypatch.setattr(LookAhead, "_found", slowly)
    handle = await start(worker, text, inputs={"first": "two"})
    async with asyncio.timeout(30):
        await found.wait()
    await handle.execute_update("pause", {"by": "ana"})
    await handle.execute_update("resume", {"by": "ana", "inputs": {"later": "new"}})
    go.set()
    ended = await finished(handle)
    assert ended.steps["hit"].cached
    assert ended.steps["s"].outputs == {"stdout": "new", "exit_code": 0}
