from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from client.testing import real
from client.testing.verdicts import NotPlayable, Outcome, Play, Subject
from definitions.cases.models import Case
from definitions.loader import require

pytestmark = pytest.mark.server

WHOLE = """
name: whole
steps:
  - {id: made, type: shell, command: "git log --format=%s && git status --porcelain && cat a.txt"}
  - {id: write, type: agent, provider: claude-code, prompt: "write {{ steps.made.outputs.stdout }}",
     retry: {max_attempts: 3, initial_interval: 10ms}}
  - {id: publish, type: shell, command: "exit 9"}
  - {id: ok, type: approval, when: inputs.ask}
  - {id: seen, type: assert, condition: "read_text('b.txt') == 'B'"}
inputs: {ask: {type: boolean, default: true}}
"""


@pytest.fixture(scope="module")
async def play() -> AsyncIterator[Play]:
    async with real.opened() as found:
        yield found


def case(**written: object) -> Case:
    return Case.model_validate({"name": "a case", "level": "real", **written})


async def played(play: Play, text: str, folder: Path, **written: object) -> Outcome:
    return await play(case(**written), Subject(require(text, "played.yaml"), text, "played.yaml", folder))


async def test_steps_run_for_real_when_agents_are_scripted(play: Play, tmp_path: Path) -> None:
    outcome = await played(
        play,
        WHOLE,
        tmp_path,
        files={"a.txt": "A"},
        stubs={
            "write": [{"fail": {"type": "crash"}}, {"fail": {"type": "crash", "times": 1}, "files": {"b.txt": "B"}}],
            "publish": {"outputs": {"stdout": "published"}},
        },
        decisions={"ok": [{"verdict": "approve", "by": "ada", "after": "100ms"}]},
    )
    assert outcome.status.status == "completed", outcome.status.error
    assert outcome.path == ("made", "write", "publish", "ok", "seen")
    assert outcome.status.steps["write"].attempt == 3
    assert outcome.status.steps["publish"].outputs == {"stdout": "published", "exit_code": 0}
    assert outcome.prompts == {"write": "write The files of the case\nA"}
    assert [decision.by for decision in outcome.status.approvals] == ["ada"]
    assert outcome.files is not None


async def test_a_step_that_has_no_stub_runs_when_a_case_stubs_others(play: Play, tmp_path: Path) -> None:
    outcome = await played(play, WHOLE, tmp_path, files={"a.txt": "A"}, inputs={"ask": False})
    assert outcome.status.error is not None
    assert (outcome.status.error.step, outcome.status.error.type) == ("publish", "exit")


async def test_a_run_is_left_where_it_is_when_nobody_decides(play: Play, tmp_path: Path) -> None:
    text = "name: gate\nsteps: [{id: g, type: group, steps: [{id: ok, type: approval}]}]"
    outcome = await played(play, text, tmp_path)
    assert outcome.status.status == "waiting_approval"


async def test_a_gate_runs_out_of_time_when_its_time_is_short(play: Play, tmp_path: Path) -> None:
    outcome = await played(play, "name: gate\nsteps: [{id: ok, type: approval, timeout: 300ms}]", tmp_path)
    assert outcome.status.status == "rejected"
    assert outcome.duration >= timedelta(milliseconds=300)


@pytest.mark.parametrize(
    ("written", "message", "place"),
    [
        ({"clock": {"start": "2026-01-01T00:00:00Z"}}, "is the world's", ("clock", "start")),
        ({"decisions": {"ok": {"verdict": "approve", "after": "2h"}}}, "`after: 2h` is longer", ("decisions", "ok")),
        ({"stubs": {"write": {"delay": "11s"}}}, "`delay: 11s` is longer", ("stubs", "write")),
        ({"stubs": {"made": {"cached": True}}}, "leave `cached` out", ("stubs", "made")),
    ],
)
async def test_a_case_is_not_played_when_it_asks_for_another_clock(
    written: dict[str, object], message: str, place: tuple[str, ...], play: Play, tmp_path: Path
) -> None:
    with pytest.raises(NotPlayable, match=message) as refused:
        await played(play, WHOLE, tmp_path, **written)
    assert refused.value.place == place


async def test_a_case_is_not_played_when_it_takes_too_long(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(real, "PATIENCE", timedelta(seconds=2))
    with pytest.raises(NotPlayable, match="did not come to its end within 2s: not ended is `w`"):
        await played(play, "name: long\nsteps: [{id: w, type: wait, duration: 1h}]", tmp_path)


async def test_a_case_is_not_played_when_git_refuses_its_files(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", "/nonexistent")  # a caller's own is not used
    outcome = await played(play, "name: x\nsteps: [{id: a, type: shell, command: git log}]", tmp_path)
    assert outcome.status.status == "completed"
    with pytest.raises(NotPlayable, match="cannot be put under git"):
        await played(play, "name: x\nsteps: [{id: a, type: shell, command: ls}]", tmp_path, files={".git": "gitdir: x"})


async def test_the_workspace_stays_a_folder_when_there_is_no_git(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(real, "which", lambda name: None)
    outcome = await played(play, "name: x\nsteps: [{id: a, type: shell, command: ls -A}]", tmp_path, files={"f": ""})
    assert (outcome.status.steps["a"].outputs or {})["stdout"] == "f"
