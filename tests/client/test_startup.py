"""How much a command does before it does its work: what it imports, builds and looks through."""

import asyncio
import gc
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import MagicMock

import pytest
from temporalio.api.history.v1 import HistoryEvent

from activities import memory
from client import watching

ROOT = Path(__file__).parents[2]


def told_by(program: str) -> list[str]:
    """Return what a fresh Python prints."""
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.split()


@pytest.fixture
def thresholds() -> Iterator[tuple[int, int, int]]:
    before = gc.get_threshold()
    yield before
    gc.set_threshold(*before)


def test_nothing_is_looked_through_while_a_command_reads_a_definition():
    program = (
        "import gc; from activities import memory; memory.look_seldom()\n"
        "before = [generation['collections'] for generation in gc.get_stats()]\n"
        "from client.request_files import load_definition\n"
        "load_definition('raise-coverage', with_lint=True)\n"
        "print(*[now['collections'] - old for now, old in zip(gc.get_stats(), before, strict=True)])"
    )
    looks = [int(count) for count in told_by(program)]
    assert looks[1:] == [0, 0]


def test_worker_looks_as_usual_when_a_command_became_one(thresholds):
    memory.look_seldom()
    assert gc.get_threshold()[0] == memory.OBJECTS_BEFORE_A_LOOK
    memory.look_as_usual()
    assert gc.get_threshold() == thresholds


def test_only_the_models_that_are_used_are_built_when_a_definition_is_read():
    program = (
        "from client.request_files import load_definition\n"
        "from definitions.records import Record\n"
        "from definitions.messages import Message\n"
        "load_definition('raise-coverage')\n"
        "print(*[one.__name__ for base in (Record, Message) for one in base.__subclasses__()"
        " if one.__pydantic_complete__])"
    )
    assert set(told_by(program)) <= {"WorkspaceInput"}


def test_validate_imports_no_shape_on_the_wire():
    program = (
        "import sys; from client.checked_files import check_file; check_file('raise-coverage', with_lint=True)\n"
        "shapes = {f'definitions.{name}' for name in ('records', 'statuses', 'messages', 'locks')}\n"
        "print(*sorted(shapes & set(sys.modules)))"
    )
    assert told_by(program) == []


def asked_after(*kinds: str, continued: str = "") -> list[bool]:
    """Return after which events of a run's history the run is asked what happened."""
    pulse, asked = watching._Pulse(), list[bool]()
    for kind in kinds:
        event = HistoryEvent()
        getattr(event, f"{kind}_event_attributes").SetInParent()
        if kind == "workflow_execution_started":
            event.workflow_execution_started_event_attributes.continued_execution_run_id = continued
        watching._note(event, pulse)
        asked.append(pulse.stirred.is_set())
        pulse.stirred.clear()
    return asked


def test_new_run_is_not_asked_before_it_can_have_done_anything():
    task = ("workflow_task_scheduled", "workflow_task_started", "workflow_task_completed")
    kinds = ("workflow_execution_started", *task, *task)
    assert asked_after(*kinds) == [False] * 6 + [True]
    assert asked_after(*kinds, continued="an earlier one") == [False] * 3 + [True] + [False] * 2 + [True]
    assert asked_after("workflow_execution_started", "workflow_execution_failed") == [False, True]


@pytest.mark.parametrize(("activity", "is_left"), [("finish", True), ("items", False)])
async def test_run_that_finishes_is_left_to_end_before_it_is_asked(monkeypatch, activity: str, is_left: bool):
    monkeypatch.setattr(watching, "SETTLE_SECONDS", 0)
    monkeypatch.setattr(watching, "LAST_SECONDS", 30)
    pulse = watching._Pulse()
    done, asked_for, end = HistoryEvent(), HistoryEvent(), HistoryEvent()
    done.workflow_task_completed_event_attributes.SetInParent()
    asked_for.activity_task_scheduled_event_attributes.activity_type.name = activity
    end.workflow_execution_completed_event_attributes.SetInParent()
    watching._note(done, pulse)
    watching._note(asked_for, pulse)
    waiting = asyncio.create_task(watching._Watch(MagicMock(), "run", MagicMock(), pulse, 0)._wait())
    for _ in range(20):
        await asyncio.sleep(0)
    assert waiting.done() is not is_left
    watching._note(end, pulse)
    await waiting


def test_dialects_are_imported_only_for_what_is_written_in_one():
    program = (
        "import sys; from definitions.loader import load\n"
        "dialects = {'definitions.dialects.stages', 'definitions.dialects.agent_steps'}\n"
        "load('name: plain\\nsteps: [{id: a, type: shell, command: echo}]', 'plain.yaml')\n"
        "print(len(dialects & set(sys.modules)))\n"
        "load('id: staged\\nstages: [a]\\nstageConfigs: {a: {}}', 'staged.yaml')\n"
        "print(len(dialects & set(sys.modules)))"
    )
    assert told_by(program) == ["0", "2"]
