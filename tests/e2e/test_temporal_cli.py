"""Temporal's own command alone starts, pauses, resumes, approves and cancels."""

import asyncio
import json
import subprocess

import pytest

from tests.support.live_runs import finished, status, until, until_open, until_step
from tests.support.servers import server_binary
from tests.support.workers import RunningWorker

pytestmark = pytest.mark.server

DEFINITION = """
name: by-hand
workspace: {from: none}
steps:
  - {id: slow, type: shell, command: sleep 0.5}
  - {id: ok, type: approval}
  - {id: after, type: shell, command: "echo {{ inputs.who }}"}
inputs: {who: {type: string}}
"""


async def temporal(worker: RunningWorker, *arguments: str) -> str:
    address = worker.client.service_client.config.target_host
    argv = [str(server_binary().path), *arguments, "--address", address]
    ended = await asyncio.to_thread(subprocess.run, argv, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


async def test_run_is_started_and_controlled_by_temporals_own_command(worker: RunningWorker):
    request = json.dumps({"definition": {"text": DEFINITION}, "inputs": {"who": "ana"}})
    identity = f"by-hand-{worker.task_queue}"
    start = ("workflow", "start", "--task-queue", worker.task_queue, "--type", "perdure.run")
    await temporal(worker, *start, "--workflow-id", identity, "--input", request)
    handle = worker.client.get_workflow_handle(identity)
    await until_step(handle, "slow", "running")
    signal = ("workflow", "signal", "-w", identity, "--name")
    await temporal(worker, *signal, "pause", "--input", '{"by": "ana"}')

    async def is_paused() -> bool:
        return (await status(handle)).status == "paused"

    await until(is_paused, "the pause")
    await temporal(worker, *signal, "resume")
    await until_open(handle, "ok")
    shown = await temporal(worker, "workflow", "query", "-w", identity, "--name", "gates")
    assert "ok" in shown
    await temporal(worker, *signal, "decide", "--input", '{"gate": "ok", "verdict": "approve", "by": "ana"}')
    ended = await finished(handle)
    assert ended.status == "completed"
    assert ended.steps["after"].outputs == {"stdout": "ana", "exit_code": 0}


async def test_update_answers_by_temporals_own_command(worker: RunningWorker):
    identity = f"by-update-{worker.task_queue}"
    start = ("workflow", "start", "--task-queue", worker.task_queue, "--type", "perdure.run")
    request = json.dumps({"definition": {"text": DEFINITION}, "inputs": {"who": "ana"}})
    await temporal(worker, *start, "--workflow-id", identity, "--input", request)
    handle = worker.client.get_workflow_handle(identity)
    await until_open(handle, "ok")
    update = ("workflow", "update", "execute", "-w", identity, "--name", "decide")
    said = await temporal(worker, *update, "--input", '{"verdict": "reject", "by": "bob", "comment": "no"}')
    assert "reject" in said
    assert (await finished(handle)).status == "rejected"
