"""The catalog's definitions, run on their sample repositories with the scripted agent and real tools."""

import contextlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from temporalio.client import WorkflowFailureError, WorkflowHandle

from activities.workspace.changes import diff
from activities.workspace.manifest import load_manifest
from definitions.messages import WORKFLOW_TYPE, Decide
from definitions.statuses import ENDED, Status
from definitions.stored_values import is_file_reference
from tests.support.waiting import eventually
from tests.support.workers import RunningWorker
from tools.samples import SAMPLES

pytestmark = pytest.mark.server

CALLER = {
    "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
    "HOME": "/nonexistent",
    "LANG": "C.UTF-8",
}


class Play:
    """A catalog definition on its sample repository."""

    def __init__(self, worker: RunningWorker, name: str, folder: Path) -> None:
        self.worker = worker
        self.sample = SAMPLES[name]
        self.script: dict[str, Any] = yaml.safe_load(self.sample.script.read_text())
        self.repository = self.sample.make(folder)

    async def start(self, execution_id: str, **inputs: object) -> WorkflowHandle[Any, Any]:
        request = {
            "definition": self.sample.definition,
            "inputs": {**self.sample.inputs, **inputs},
            "workspace": {"path": str(self.repository)},
            "provider": "scripted",
            "script": self.script,
            "caller_environment": CALLER,
        }
        queue = self.worker.task_queue
        return await self.worker.client.start_workflow(
            WORKFLOW_TYPE, request, id=f"{queue}-{execution_id}", task_queue=queue
        )

    async def status(self, handle: WorkflowHandle[Any, Any]) -> Status:
        return await handle.query("status", result_type=Status)

    async def decide(self, handle: WorkflowHandle[Any, Any], verdict: str, comment: str | None = None) -> None:
        async def is_waiting_or_over() -> bool:
            status = await self.status(handle)
            return bool(status.pending_approvals) or status.status in ENDED

        await eventually(is_waiting_or_over, seconds=90)
        message = Decide.model_validate({"verdict": verdict, "by": "ada", "comment": comment})
        await handle.execute_update("decide", message)

    async def ended(self, handle: WorkflowHandle[Any, Any]) -> Status:
        with contextlib.suppress(WorkflowFailureError):
            await handle.result()
        return await self.status(handle)

    def changed(self, status: Status) -> list[str]:
        assert status.tree_before
        assert status.tree
        before, after = (load_manifest(self.worker.store, digest) for digest in (status.tree_before, status.tree))
        return sorted(change.path for change in diff(before, after))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "sample"


@pytest.fixture
def coverage(worker: RunningWorker, folder: Path) -> Play:
    return Play(worker, "raise-coverage", folder)


@pytest.fixture
def typing(worker: RunningWorker, folder: Path) -> Play:
    return Play(worker, "fix-typing-errors", folder)


@pytest.fixture
def change(worker: RunningWorker, folder: Path) -> Play:
    return Play(worker, "reviewed-change", folder)


def states(status: Status) -> dict[str, str]:
    return {path: step.status for path, step in status.steps.items()}


def message(status: Status) -> tuple[str, str]:
    assert status.error is not None
    return status.error.step, status.error.message


# --- raise-coverage ---------------------------------------------------------------------------------------


async def test_coverage_rises_when_the_agent_writes_tests_and_a_person_approves(coverage: Play) -> None:
    handle = await coverage.start("approved")
    await coverage.decide(handle, "approve")
    status = await coverage.ended(handle)
    assert status.status == "completed"
    assert status.outputs["before"] == pytest.approx(39.13, abs=0.01)
    assert status.outputs["after"] == 100
    assert coverage.changed(status) == ["tests/test_discounts.py"]


async def test_the_users_folder_stays_as_it_is_when_a_run_changes_files(coverage: Play) -> None:
    handle = await coverage.start("untouched", ask=False)
    assert (await coverage.ended(handle)).status == "completed"
    assert git_status(coverage.repository) == b""
    assert not (coverage.repository / "coverage.xml").exists()


async def test_no_step_runs_again_when_a_run_is_repeated(coverage: Play) -> None:
    await coverage.ended(await coverage.start("first", ask=False))
    status = await coverage.ended(await coverage.start("second", ask=False))
    assert status.status == "completed"
    assert {path for path, step in status.steps.items() if step.cached} == {"baseline", "write_tests", "verify"}
    assert coverage.changed(status) == ["tests/test_discounts.py"]


async def test_the_agent_runs_again_when_the_target_rises(coverage: Play) -> None:
    await coverage.ended(await coverage.start("ninety", ask=False))
    status = await coverage.ended(await coverage.start("hundred", ask=False, target=100))
    assert status.status == "completed"
    assert {path for path, step in status.steps.items() if step.cached} == {"baseline", "verify"}


async def test_a_run_is_rejected_when_a_person_says_no(coverage: Play) -> None:
    handle = await coverage.start("rejected")
    await coverage.decide(handle, "reject", "the tests prove nothing")
    status = await coverage.ended(handle)
    assert status.status == "rejected"
    assert message(status)[0] == "accept"
    assert "the tests prove nothing" in message(status)[1]


async def test_a_run_ends_well_when_the_target_is_reached_already(coverage: Play) -> None:
    status = await coverage.ended(await coverage.start("early", target=30))
    assert status.status == "completed"
    assert status.outputs["after"] == status.outputs["before"]
    assert "write_tests" not in states(status)


async def test_a_run_fails_when_the_agent_writes_too_few_tests(coverage: Play) -> None:
    coverage.script["steps"]["write_tests"]["files"] = {}
    status = await coverage.ended(await coverage.start("lazy"))
    assert status.status == "failed"
    assert message(status)[0] == "reached"
    assert "not to 90%" in message(status)[1]


async def test_a_run_fails_when_the_agent_changes_the_module_itself(coverage: Play) -> None:
    coverage.script["steps"]["write_tests"]["files"]["shop/discounts.py"] = "def by_quantity(*_): return 0\n"
    coverage.script["steps"]["write_tests"]["files"]["tests/test_discounts.py"] = (
        "from shop.discounts import by_quantity\n\n\ndef test_it():\n    assert by_quantity() == 0\n"
    )
    status = await coverage.ended(await coverage.start("cheat"))
    assert message(status) == ("untouched", "shop/discounts.py itself was changed")


async def test_a_run_fails_when_the_new_tests_fail(coverage: Play) -> None:
    coverage.script["steps"]["write_tests"]["files"]["tests/test_more.py"] = "def test_it():\n    assert False\n"
    status = await coverage.ended(await coverage.start("red"))
    assert status.status == "failed"
    assert message(status)[0] == "verify"


# --- fix-typing-errors ------------------------------------------------------------------------------------


async def test_typing_errors_are_gone_when_the_agent_repairs_them(typing: Play) -> None:
    handle = await typing.start("approved")
    await typing.decide(handle, "approve")
    status = await typing.ended(handle)
    assert status.status == "completed"
    assert status.outputs["errors_before"] == 4
    assert status.outputs["errors_after"] == 0
    assert typing.changed(status) == ["contacts/book.py"]


async def test_a_run_fails_when_the_agent_silences_the_errors(typing: Play) -> None:
    book = (typing.repository / "contacts/book.py").read_text()
    typing.script["steps"]["repair"]["files"] = {"contacts/book.py": f"# mypy: ignore-errors\n{book}# type: ignore\n"}
    status = await typing.ended(await typing.start("silenced"))
    assert message(status)[0] == "not_silenced"


async def test_a_run_fails_when_errors_are_left(typing: Play) -> None:
    typing.script["steps"]["repair"]["files"] = {}
    status = await typing.ended(await typing.start("left"))
    assert message(status) == ("repaired", "mypy still finds 4 errors (it found 4)")


async def test_a_run_fails_when_a_repair_breaks_a_test(typing: Play) -> None:
    files = typing.script["steps"]["repair"]["files"]
    files["contacts/book.py"] = files["contacts/book.py"].replace('split("@")[1]', 'split("@")[0]')
    status = await typing.ended(await typing.start("broken"))
    assert message(status)[0] == "checks/tests"


# --- reviewed-change --------------------------------------------------------------------------------------


async def test_a_change_is_made_when_its_plan_is_approved(change: Play) -> None:
    handle = await change.start("approved")
    await change.decide(handle, "approve")
    status = await change.ended(handle)
    assert status.status == "completed"
    assert change.changed(status) == ["pages/slugs.py", "tests/test_slugs.py"]
    assert "LONGEST = 40" in patch_of(change, status)


async def test_nothing_is_changed_when_the_plan_is_rejected(change: Play) -> None:
    handle = await change.start("shown")
    await change.decide(handle, "reject", "too risky")
    status = await change.ended(handle)
    assert status.status == "rejected"
    assert status.steps["agree"].status == "failed"
    assert "change" not in states(status)


async def test_a_run_fails_when_the_agent_does_more_than_was_agreed(change: Play) -> None:
    change.script["steps"]["change"]["files"]["pages/extra.py"] = ""
    handle = await change.start("more")
    await change.decide(handle, "approve")
    status = await change.ended(handle)
    assert message(status)[0] == "as_planned"
    assert "pages/extra.py" in message(status)[1]


async def test_a_run_fails_when_the_checks_fail_after_the_change(change: Play) -> None:
    change.script["steps"]["change"]["files"]["pages/slugs.py"] = "def slug(title: str) -> str:\n    return title\n"
    handle = await change.start("broken")
    await change.decide(handle, "approve")
    assert message(await change.ended(handle))[0] == "verify/after"


async def test_a_hostile_request_stays_a_text_when_it_reaches_the_shell(change: Play, tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    handle = await change.start("hostile", request=f"'; touch {trap}; echo '$(touch {trap})`touch {trap}`")
    await change.decide(handle, "approve")
    assert (await change.ended(handle)).status == "completed"
    assert not trap.exists()


def patch_of(play: Play, status: Status) -> str:
    artifact = status.steps["verify/record"].artifacts["patch"]
    assert is_file_reference(artifact)
    return play.worker.store.read_blob(str(artifact["digest"])).decode()


def git_status(folder: Path) -> bytes:
    return subprocess.run(["git", "status", "--porcelain"], cwd=folder, check=True, capture_output=True).stdout
