"""`perdure history`: from the server alone, with no worker alive."""

import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from temporalio.client import WorkflowUpdateFailedError

from client.commands.history import lines_of
from client.histories import Entry, read_history
from client.output import Problem
from tests.support.live_runs import finished, start, until_open, until_step
from tests.support.servers import connected, running_server
from tests.support.workers import RunningWorker, running_worker

pytestmark = pytest.mark.server

EVERYTHING = """
inputs: {who: {type: string, default: world}}
workspace: {from: none}
steps:
  - {id: a, type: shell, command: "exit 3", retry: {max_attempts: 2, initial_interval: 10ms}, on_failure: continue}
  - {id: v, type: set, values: {x: 1}}
  - {id: each, type: shell, command: "echo {{ item }}", for_each: {items: [x, y]}, loop: {max_iterations: 2}}
  - {id: slow, type: shell, command: sleep 0.4}
  - {id: ok, type: approval}
  - {id: s, type: shell, command: "true", phase: last}
"""


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    folder = tmp_path_factory.mktemp("histories")
    with running_server(folder / "server.log", limit_historyCount_suggestContinueAsNew="45") as address:
        yield address


async def told(address: str, tmp_path: Path, play: Callable[[RunningWorker], Awaitable[str]]) -> list[Entry]:
    """Play a run with a worker that is gone afterwards, and read its history."""
    client = await connected(address, identity="the-test")
    async with running_worker(client, f"history-{uuid.uuid4().hex[:6]}", tmp_path / "home") as worker:
        execution_id = await play(worker)
    return await read_history(client, execution_id)


async def test_all_is_told_with_who_what_and_when_over_several_histories(server: str, tmp_path: Path):
    async def play(worker: RunningWorker) -> str:
        handle = await start(worker, EVERYTHING, starter="ana", inputs={"who": "moon"})
        await until_step(handle, "slow", "running")
        latest = worker.client.get_workflow_handle(handle.id)
        await latest.execute_update("pause", {"by": "bob", "reason": "lunch"})
        await until_step(latest, "slow", "completed")
        await latest.signal("deployed", {"v": 1})
        await latest.execute_update("resume", {"by": "bob"})
        await until_open(latest, "ok")
        with pytest.raises(WorkflowUpdateFailedError):
            await latest.execute_update("decide", {"gate": "no", "verdict": "approve"})
        await latest.execute_update("decide", {"gate": "ok", "verdict": "approve", "by": "eve", "comment": "fine"})
        await finished(latest)
        return handle.id

    entries = await told(server, tmp_path, play)
    assert [entry.kind for entry in entries if entry.kind not in ("attempt", "run_continued")] == [
        "run_started",
        "prepare",
        "pause",
        "signal",
        "resume",
        "decide",
        "run_completed",
    ]
    assert "run_continued" in [entry.kind for entry in entries]
    assert [(entry.step, entry.attempt, entry.status) for entry in entries if entry.kind == "attempt"] == [
        ("a", 1, "failed"),
        ("a", 2, "failed"),
        ("each[0]#1", 1, "completed"),
        ("each[0]#2", 1, "completed"),
        ("each[1]#1", 1, "completed"),
        ("each[1]#2", 1, "completed"),
        ("slow", 1, "completed"),
        ("s", 1, "completed"),
    ]
    by = {entry.kind: entry for entry in entries}
    assert (by["run_started"].by, by["run_started"].details["inputs"]) == ("ana", {"who": "moon"})
    assert (by["pause"].by, by["pause"].details["reason"]) == ("bob", "lunch")
    assert (by["decide"].by, by["decide"].step, by["decide"].details["comment"]) == ("eve", "ok", "fine")
    assert (by["signal"].by, by["signal"].details["payload"]) == ("the-test", {"v": 1})
    assert [entry.timestamp for entry in entries] == sorted(entry.timestamp for entry in entries)
    text = "\n".join(lines_of(entries))
    for part in (
        "run started by ana  definition live.yaml, inputs",
        "a  attempt 2 failed  (",
        "exit: the script ended with exit code 3",
        "pause by bob  reason lunch",
        "signal deployed by the-test  payload",
        "ok  approved by eve  comment fine",
        "went on in a new history",
        "run completed",
    ):
        assert part in text


async def test_nonsense_cancel_and_running_attempts_are_told(server: str, tmp_path: Path):
    async def play(worker: RunningWorker) -> str:
        handle = await start(worker, "workspace: {from: none}\nsteps: [{id: a, type: shell, command: sleep 600}]")
        await until_step(handle, "a", "running")
        await handle.signal("pause", [1, 2])
        await handle.signal("nothing")
        await handle.cancel()
        await finished(handle)
        return handle.id

    entries = await told(server, tmp_path, play)
    kinds = [(entry.kind, entry.status) for entry in entries]
    assert ("pause", None) in kinds
    assert ("cancel_requested", None) in kinds
    assert ("attempt", "cancelled") in kinds
    assert kinds[-1] == ("run_cancelled", None)


async def test_attempt_that_still_runs_and_a_terminated_run_are_told(server: str, tmp_path: Path):
    async def play(worker: RunningWorker) -> str:
        handle = await start(worker, "workspace: {from: none}\nsteps: [{id: a, type: shell, command: sleep 600}]")
        await until_step(handle, "a", "running")
        await handle.terminate(reason="enough")
        return handle.id

    entries = await told(server, tmp_path, play)
    assert ("attempt", "running", "a") in [(entry.kind, entry.status, entry.step) for entry in entries]
    assert (entries[-1].kind, entries[-1].details["reason"]) == ("run_terminated", "enough")


async def test_unknown_run_is_said(server: str, tmp_path: Path):
    async def play(worker: RunningWorker) -> str:
        return "no-such-run"

    with pytest.raises(Problem) as caught:
        await told(server, tmp_path, play)
    assert caught.value.slug == "unknown-run"


def test_command_prints_lines_or_json(settled, cli, write):
    run_id = f"history-{uuid.uuid4().hex[:6]}"
    cli(
        "run",
        write("name: told\nworkspace: {from: none}\nsteps: [{id: a, type: shell, command: exit 2}]\n"),
        "--id",
        run_id,
    )
    told_ = cli("history", run_id)
    assert told_.code == 0
    assert "a  failed  (" in told_.out
    assert "run failed" in told_.out
    entries = json.loads(cli("history", run_id, "--json").out)
    assert [entry["kind"] for entry in entries] == ["run_started", "prepare", "attempt", "run_failed"]
    assert entries[2]["step"] == "a"
    assert cli("history", "no-such-run").code == 2
