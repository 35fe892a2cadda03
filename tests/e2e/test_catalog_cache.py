"""Every catalog definition, repeated on unchanged files and after one file was changed: what runs again."""

import contextlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from temporalio.client import WorkflowFailureError, WorkflowHandle

from activities.cache.explanations import explain_step
from activities.workspace.deltas import diff
from activities.workspace.manifest import load_manifest
from definitions.messages import WORKFLOW_TYPE, Decide
from definitions.statuses import ENDED, Status
from tests.support.waiting import eventually
from tests.support.workers import RunningWorker
from tools.samples import SAMPLES

pytestmark = [pytest.mark.server, pytest.mark.timeout(240)]

CALLER = {
    "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
    "HOME": "/nonexistent",
    "LANG": "C.UTF-8",
}

DEPENDENT = {"raise-coverage": {"write_tests"}, "fix-typing-errors": {"repair", "checks/tests"}}
"""The steps that depend on a file of notes: those that take everything in. In the other definitions all steps do."""


async def played(worker: RunningWorker, name: str, repository: Path, number: int) -> Status:
    """Run a catalog definition on a repository to its end; whatever is asked is approved."""
    sample = SAMPLES[name]
    request = {
        "definition": name,
        "inputs": sample.inputs,
        "workspace": {"path": str(repository)},
        "provider": "scripted",
        "script": yaml.safe_load(sample.script.read_text()),
        "caller_environment": CALLER,
    }
    queue = worker.task_queue
    handle = await worker.client.start_workflow(WORKFLOW_TYPE, request, id=f"{queue}-{number}", task_queue=queue)
    await eventually(lambda: is_over(handle), seconds=100)
    return await handle.query("status", result_type=Status)


async def is_over(handle: WorkflowHandle[Any, Any]) -> bool:
    """Say whether a run has ended; where it asks, approve."""
    status = await handle.query("status", result_type=Status)
    for gate in status.pending_approvals:
        decision = Decide.model_validate({"gate": gate.gate, "verdict": "approve", "by": "ada"})
        await handle.execute_update("decide", decision)
    if status.status not in ENDED:
        return False
    with contextlib.suppress(WorkflowFailureError):
        await handle.result()
    return True


def cacheable(status: Status) -> set[str]:
    """Return the steps that were looked up in the cache."""
    return {path for path, step in status.steps.items() if step.cache_key is not None}


def cached(status: Status) -> set[str]:
    return {path for path, step in status.steps.items() if step.cached}


def why(worker: RunningWorker, status: Status) -> list[str]:
    """Return which steps ran that were looked up in the cache, and the fields of their keys that were others."""
    said: list[str] = []
    for path in sorted(cacheable(status) - cached(status)):
        key = status.steps[path].cache_key or ""
        found = explain_step(worker.store, status.definition_id, path, key, status.execution_id)
        fields = [f"{one.field}: {one.before} -> {one.after}" for one in found.differences]
        said.append(f"{path}: {found.verdict} {found.reason} {'; '.join(fields)}")
    return said


@pytest.mark.parametrize("name", sorted(SAMPLES))
async def test_all_comes_from_the_cache_until_a_file_changes(worker: RunningWorker, tmp_path: Path, name: str) -> None:
    repository = SAMPLES[name].make(tmp_path / "sample")
    first = await played(worker, name, repository, 1)
    assert first.status == "completed", first.error
    assert cacheable(first)
    second = await played(worker, name, repository, 2)
    assert second.status == "completed", second.error
    assert why(worker, second) == []
    assert cacheable(second) == cacheable(first)
    assert first.tree
    assert second.tree
    assert diff(load_manifest(worker.store, first.tree), load_manifest(worker.store, second.tree)) == ()
    (repository / "NOTES.md").write_text("changed\n")
    git(repository, "add", "--all")
    git(repository, "-c", "user.name=a", "-c", "user.email=a@example.invalid", "commit", "--quiet", "--message=notes")
    third = await played(worker, name, repository, 3)
    assert third.status == "completed", third.error
    assert cacheable(third) - cached(third) == DEPENDENT.get(name, cacheable(third))


def git(repository: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=repository, check=True)
