"""The store goes away in the middle of a run: nothing done is done again, nothing is lost, and it is said."""

import asyncio
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHandle

import activities.registry
from activities.store import patience
from activities.store.patience import PatientStore, Vigil
from client import watching
from client.connection import Connection
from client.endpoint import Endpoint
from client.held_up import waiting_for
from client.watching import watch
from definitions.statuses import Event
from tests.support import live_runs
from tests.support.workers import RunningWorker

pytestmark = [pytest.mark.chaos, pytest.mark.server, pytest.mark.timeout(120)]

DEFINITION = """
workspace: {from: empty}
inputs: {log: {type: string}}
env: {LOG: "{{ inputs.log }}"}
steps:
  - {id: first, type: shell, command: "echo first >> $LOG; echo 1 > one.txt"}
  - id: second
    type: shell
    command: |
      echo second >> $LOG
      while [ ! -e $LOG.go ]; do sleep 0.02; done
      echo done; cat one.txt > two.txt
  - {id: check, type: assert, condition: 'read_text("two.txt") == "1\\n"'}
  - {id: third, type: shell, command: "echo third >> $LOG; cat two.txt"}
"""


class Notes:
    """Who watches, and keeps what it is told."""

    def __init__(self) -> None:
        self.notices: list[str] = []

    def event(self, event: Event) -> None:
        """Take it."""

    def notice(self, text: str) -> None:
        """Keep it."""
        self.notices.append(text)

    def tick(self) -> None:
        """Do nothing."""


class ThreadKeeper(PatientStore):
    """A store that must not be asked in a thread that runs a loop: waiting there would stop the whole worker."""

    culprits: list[str] = []  # of all stores of a test

    def __init__(self, store: Any, vigil: Vigil) -> None:
        super().__init__(store, vigil)
        call = vigil.call

        def watched(work: Any) -> Any:
            try:
                asyncio.get_running_loop()
            except RuntimeError:
                return call(work)
            import traceback

            self.culprits.append("".join(traceback.format_stack(limit=8)))
            return call(work)

        vigil.call = watched  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a watcher look often, and note who asks the store where nobody may wait."""
    monkeypatch.setattr(watching, "HELD_UP_AFTER_SECONDS", 0.3)
    monkeypatch.setattr(watching, "TICK_SECONDS", 0.1)
    monkeypatch.setattr(patience, "LONGEST_PAUSE", timedelta(milliseconds=500))
    monkeypatch.setattr(activities.registry, "PatientStore", ThreadKeeper)
    ThreadKeeper.culprits.clear()
    yield
    assert ThreadKeeper.culprits == []


def attempts(log: Path) -> list[str]:
    return log.read_text().split() if log.exists() else []


def let_go(log: Path) -> None:
    Path(f"{log}.go").touch()


def move(place: Path, other: Path) -> None:
    place.rename(other)


async def until_logged(log: Path, expected: list[str]) -> None:
    async def is_so() -> bool:
        return attempts(log) == expected

    await live_runs.until(is_so, f"the steps {expected}")


def connection_to(worker: RunningWorker) -> Connection:
    endpoint = Endpoint("", "default", worker.task_queue, worker.store.location, ui_url=None, is_embedded=False)
    return Connection(worker.client, endpoint)


async def until_waiting(worker: RunningWorker, handle: WorkflowHandle) -> str:
    told: list[str] = []

    async def is_so() -> bool:
        found = await waiting_for(connection_to(worker), handle.id)
        told.extend([found] if found else [])
        return bool(told)

    await live_runs.until(is_so, "the heartbeat to say that the store is away")
    return told[-1]


async def test_run_waits_says_so_and_goes_on_when_its_folder_goes_away(worker: RunningWorker, tmp_path: Path) -> None:
    log, root, elsewhere = tmp_path / "log", Path(worker.store.location), tmp_path / "elsewhere"
    handle = await live_runs.start(worker, DEFINITION, inputs={"log": str(log)})
    await until_logged(log, ["first", "second"])
    notes = Notes()
    watcher = asyncio.create_task(watch(connection_to(worker), handle.id, notes))
    move(root, elsewhere)
    let_go(log)
    told = await until_waiting(worker, handle)
    assert f"the store `{root}`" in told
    begun = time.monotonic()
    while not any("wait for the store" in text for text in notes.notices) and time.monotonic() < begun + 20:
        await asyncio.sleep(0.05)
    assert (await live_runs.status(handle)).steps["second"].status == "running"
    move(elsewhere, root)
    status = await live_runs.finished(handle)
    await watcher
    assert status.status == "completed"
    assert attempts(log) == ["first", "second", "third"]
    assert status.steps["second"].attempt == 1
    assert status.steps["third"].outputs == {"stdout": "1", "exit_code": 0}
    assert any("steps wait for the store and go on by themselves" in text for text in notes.notices)


async def test_run_is_cancelled_at_once_when_its_step_waits_for_the_store(
    worker: RunningWorker, tmp_path: Path
) -> None:
    log, root = tmp_path / "log", Path(worker.store.location)
    handle = await live_runs.start(worker, DEFINITION, inputs={"log": str(log)})
    await until_logged(log, ["first", "second"])
    move(root, tmp_path / "elsewhere")
    let_go(log)
    await until_waiting(worker, handle)
    await handle.cancel()

    async def is_cancelled() -> bool:
        return (await live_runs.status(handle)).steps["second"].status == "cancelled"

    await live_runs.until(is_cancelled, "the step to be cancelled")
    move(tmp_path / "elsewhere", root)
    assert (await live_runs.finished(handle)).status == "cancelled"


async def test_step_fails_with_the_way_out_when_patience_is_used_up(
    worker: RunningWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Vigil, "_again", _impatient)
    log, root = tmp_path / "log", Path(worker.store.location)
    handle = await live_runs.start(worker, DEFINITION, inputs={"log": str(log)})
    await until_logged(log, ["first", "second"])
    move(root, tmp_path / "elsewhere")
    let_go(log)
    await live_runs.until_step(handle, "second", "failed")
    move(tmp_path / "elsewhere", root)
    status = await live_runs.finished(handle)
    assert status.status == "failed"
    assert status.error is not None
    assert status.error.type == "store"
    assert "see that it is there (a network folder: mounted" in status.error.message


def _impatient(self: Vigil, work: object, last: Exception) -> None:
    raise last
