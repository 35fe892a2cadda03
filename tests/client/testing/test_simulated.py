import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.service import RPCError, RPCStatusCode

from client.output import Problem
from client.testing import simulated, stage
from client.testing.stage import Stage
from client.testing.verdicts import NotPlayable, Play, Subject
from definitions.cases.models import Case
from definitions.loader import require
from workflows.simulated_run import SimulatedRun

pytestmark = pytest.mark.server

GATE = "name: gate\nsteps: [{id: ok, type: approval, timeout: 3d}, {id: b, type: wait, duration: 300d}]"


def subject(text: str, folder: Path) -> Subject:
    return Subject(require(text, "played.yaml"), text, "played.yaml", folder)


def case(**written: object) -> Case:
    return Case.model_validate({"name": "a case", **written})


@pytest.fixture(scope="module")
async def standing() -> AsyncIterator[Stage]:
    async with stage.opened() as found:
        yield found


@pytest.fixture(scope="module")
async def play(standing: Stage) -> AsyncIterator[Play]:
    async with simulated.opened() as found:
        yield found


async def test_nobody_waits_when_a_run_takes_most_of_a_year(play: Play, tmp_path: Path) -> None:
    begun = time.monotonic()
    outcome = await play(case(decisions={"ok": {"verdict": "approve", "after": "2d"}}), subject(GATE, tmp_path))
    assert outcome.duration == timedelta(days=302)
    assert time.monotonic() - begun < 30


async def test_a_case_is_played_the_same_again_when_it_is_played_twice(play: Play, tmp_path: Path) -> None:
    tested = subject("name: twice\nsteps: [{id: a, type: shell, command: 'true', cache: true}]", tmp_path)
    first, second = await play(case(), tested), await play(case(), tested)
    assert (first.status.steps["a"].cached, second.status.steps["a"].cached) == (False, False)
    assert first.duration == second.duration == timedelta()


async def test_a_case_is_not_played_when_its_inputs_are_refused(play: Play, tmp_path: Path) -> None:
    tested = subject("name: x\ninputs: {n: {type: integer}}\nsteps: [{id: a, type: set, values: {b: 1}}]", tmp_path)
    with pytest.raises(NotPlayable, match="must be a whole number"):
        await play(case(inputs={"n": "many"}), tested)


async def test_a_case_is_not_played_when_its_files_lead_out_of_the_workspace(play: Play, tmp_path: Path) -> None:
    with pytest.raises(NotPlayable, match=r"`\.\./x` is not a path inside the workspace") as refused:
        await play(case(files={"../x": "gone"}), subject(GATE, tmp_path))
    assert refused.value.place == ("files", "../x")


async def test_a_case_is_not_played_when_a_file_stands_where_a_folder_must_be(play: Play, tmp_path: Path) -> None:
    with pytest.raises(NotPlayable, match="cannot be written"):
        await play(case(files={"a": "file", "a/b": "below it"}), subject(GATE, tmp_path))


async def test_a_step_fails_when_its_stub_writes_outside_the_workspace(play: Play, tmp_path: Path) -> None:
    tested = subject("name: x\nsteps: [{id: a, type: shell, command: 'true'}]", tmp_path)
    outcome = await play(case(stubs={"a": {"files": {"../../x": "gone"}}}), tested)
    assert outcome.status.error is not None
    assert "is not a path inside the workspace" in outcome.status.error.message


async def test_a_stub_deletes_a_file_when_its_content_is_null(play: Play, tmp_path: Path) -> None:
    text = (
        "name: x\nsteps: [{id: a, type: shell, command: pwd}, {id: b, type: assert, condition: read_text('f') == ''}]"
    )
    outcome = await play(case(files={"f": ""}, stubs={"a": {"files": {"f": None}}}), subject(text, tmp_path))
    assert outcome.status.error is not None
    assert outcome.status.error.type == "expression"


async def test_an_output_is_null_when_no_stub_says_what_it_is_made_of(play: Play, tmp_path: Path) -> None:
    text = "name: x\nsteps: [{id: a, type: shell, command: 'true', outputs: {n: \"{{ int(result.stdout) }}\"}}]"
    outcome = await play(case(), subject(text, tmp_path))
    assert outcome.status.steps["a"].outputs == {"stdout": "", "exit_code": 0, "n": None}


async def test_a_run_goes_on_by_its_clock_when_it_continues_as_new(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflows.temporal_host.HISTORY_LIMIT", 0)
    monkeypatch.setattr(
        workflow.Info, "is_continue_as_new_suggested", lambda info: info.get_current_history_length() > 25
    )
    steps = ", ".join(f"{{id: s{number}, type: wait, duration: 1d}}" for number in range(6))
    shells = ", ".join(f"{{id: t{number}, type: shell, command: 'true'}}" for number in range(6))
    tested = subject(f"name: long\nsteps: [{shells}, {steps}]", tmp_path)
    outcome = await play(case(stubs={"t3": {"delay": "1h"}}), tested)
    assert outcome.status.status == "completed"
    assert outcome.duration == timedelta(days=6, hours=1)
    assert len(outcome.path) == 12


async def test_a_case_is_not_played_when_the_workflow_cannot_go_on(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(run: SimulatedRun) -> bool:
        raise RuntimeError("a defect of ours")

    monkeypatch.setattr(SimulatedRun, "_is_quiet", broken)
    monkeypatch.setattr(simulated, "PATIENCE", timedelta(seconds=2))
    with pytest.raises(NotPlayable, match=r"did not come to its end within 2 s: .*a defect of ours"):
        await play(case(), subject(GATE, tmp_path))


async def test_one_stage_serves_all_levels_when_they_are_open_at_once(standing: Stage) -> None:
    async with stage.opened() as again:
        assert again is standing


async def test_the_way_out_is_said_when_there_is_no_server_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERDURE_TEMPORAL_BIN", "/nonexistent/temporal")
    monkeypatch.setattr(stage, "_open", {})
    with pytest.raises(Problem) as refused:
        async with stage.opened():
            raise AssertionError("it opened")
    assert refused.value.code == 6
    assert refused.value.remedy


async def test_the_server_s_trouble_is_told_when_time_cannot_pass(
    standing: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    performance = simulated._Performance.__new__(simulated._Performance)

    class Handle:
        async def execute_update(self, *arguments: object, **more: object) -> object:
            raise RPCError("no", self.status, b"")

        status = RPCStatusCode.NOT_FOUND

    handle = Handle()
    object.__setattr__(performance, "handle", handle)
    assert await performance._play_on(simulated.PlayOn()) is None
    handle.status = RPCStatusCode.INTERNAL
    with pytest.raises(RPCError):
        await performance._play_on(simulated.PlayOn())


async def test_a_case_is_not_played_when_the_server_is_gone(
    standing: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*arguments: object) -> object:
        raise RPCError("connection refused", RPCStatusCode.UNAVAILABLE, b"")

    monkeypatch.setattr(stage.Scene, "start", gone)
    with pytest.raises(NotPlayable, match="the server for tests does not answer: connection refused"):
        await simulated.play(standing, case(), subject(GATE, tmp_path))
