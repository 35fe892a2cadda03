"""A definition in the older spellings runs as it stands: with the scripted agent, and with the real Claude Code."""

import os
import sys
from pathlib import Path

import pytest
from pydantic import JsonValue
from temporalio.client import Client

from definitions.messages import WORKFLOW_TYPE
from definitions.statuses import Status
from tests.support.claude_code.installing import claude_code
from tests.support.live_runs import finished
from tests.support.model_server.server import ModelServer
from tests.support.workers import RunningWorker, running_worker

pytestmark = pytest.mark.server

DEFINITION = Path(__file__).parents[1] / "definitions" / "examples" / "older-spellings.yaml"
MODULE = """\
def total(prices, discount=0):
    if discount < 0:
        raise ValueError("a discount is not negative")
    if discount > 50:
        discount = 50
    return sum(prices) * (100 - discount) / 100
"""
FIRST_TEST = "from prices import total\n\ndef test_total():\n    assert total([1, 2]) == 3\n"
MORE_TESTS = """\
import pytest
from prices import total

def test_negative():
    with pytest.raises(ValueError):
        total([1], -1)

def test_most():
    assert total([100], 80) == 50
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a folder with a badly covered module."""
    folder = tmp_path / "repository"
    (folder / "tests").mkdir(parents=True)
    (folder / "prices.py").write_text(MODULE)
    (folder / "tests" / "test_prices.py").write_text(FIRST_TEST)
    (folder / "pyproject.toml").write_text('[tool.pytest.ini_options]\npythonpath = ["."]\n')
    (folder / ".coveragerc").write_text("[run]\nsource = .\n")
    return folder


def caller() -> dict[str, str]:
    return {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": os.environ.get("HOME", "/")}


async def run(worker: RunningWorker, repository: Path, identity: str, **more: JsonValue) -> Status:
    request: dict[str, JsonValue] = {
        "definition": {"text": DEFINITION.read_text(), "file": DEFINITION.name},
        "inputs": {"module": "prices.py"},
        "workspace": {"path": str(repository)},
        "caller_environment": dict(caller()),
        **more,
    }
    handle = await worker.client.start_workflow(WORKFLOW_TYPE, request, id=identity, task_queue=worker.task_queue)
    return await finished(handle)


async def test_it_runs_with_the_scripted_agent_and_again_from_the_cache(worker: RunningWorker, repository: Path):
    script: JsonValue = {"steps": {"write_tests": {"answer": "done", "files": {"tests/test_more.py": MORE_TESTS}}}}
    first = await run(worker, repository, f"first-{worker.task_queue}", provider="scripted", script=script)
    assert first.error is None
    assert (first.status, first.steps["propose"].status) == ("completed", "skipped")
    assert first.steps["write_tests"].notes == ["provider claude-code replaced by scripted"]
    second = await run(worker, repository, f"second-{worker.task_queue}", provider="scripted", script=script)
    assert [second.steps[step].cached for step in ("before", "write_tests")] == [True, True]
    assert second.status == "completed"


async def test_it_ends_early_when_there_is_nothing_to_do(worker: RunningWorker, repository: Path):
    (repository / "tests" / "test_more.py").write_text(MORE_TESTS)
    ended = await run(worker, repository, f"early-{worker.task_queue}", provider="scripted")
    assert (ended.status, ended.handled_failures) == ("completed", ["worth_it"])
    assert "write_tests" not in ended.steps
    assert ended.outputs == {"report": None}


async def test_it_fails_when_the_agent_does_not_reach_the_target(worker: RunningWorker, repository: Path):
    ended = await run(worker, repository, f"below-{worker.task_queue}", provider="scripted")
    assert ended.status == "failed"
    assert ended.error is not None
    assert (ended.error.type, ended.error.step) == ("assertion", "reached")


@pytest.mark.real_cli
async def test_it_runs_with_the_real_claude_code(
    client: Client, task_queue: str, tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
):
    turns: list[dict[str, JsonValue]] = [
        {"tool": "Read", "input": {"file_path": "$CWD/prices.py"}},
        {"tool": "Write", "input": {"file_path": "$CWD/tests/test_more.py", "content": MORE_TESTS}},
        {"text": "I added the tests."},
    ]
    async with ModelServer(turns) as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("PERDURE_CLAUDE_BIN", str(claude_code()))
        async with running_worker(client, task_queue, tmp_path / "perdure") as worker:
            ended = await run(worker, repository, f"real-{task_queue}")
    assert ended.error is None
    assert ended.status == "completed"
    step = ended.steps["write_tests"]
    assert step.usage is not None
    assert (step.usage.provider, step.usage.turns) == ("claude-code", 3)
    assert ended.steps["reached"].status == "completed"
