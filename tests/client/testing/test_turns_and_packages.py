"""Cases of definitions that have a concurrency group, or steps of a package's type, at every level."""

from pathlib import Path

import pytest

from client.testing import plan, real, simulated
from client.testing.verdicts import Outcome, Play, Subject
from definitions.cases.models import Case
from definitions.loader import require
from tests.support.plugin_packages import greeting

TEXT = """
name: x
workspace: {from: empty}
concurrency: {policy: refuse}
steps:
  - {id: a, type: greet, who: ana}
  - {id: b, type: shell, command: "echo {{ steps.a.outputs.said }}"}
"""


async def played(play: Play, level: str, folder: Path, **written: object) -> Outcome:
    case = Case.model_validate({"name": "a case", "level": level, **written})
    with greeting(folder / "kind-words"):
        return await play(case, Subject(require(TEXT, "x.yaml"), TEXT, "x.yaml", folder))


async def test_step_of_a_package_is_stubbed_when_a_case_is_planned(tmp_path: Path):
    stubs = {"a": {"outputs": {"said": "hi"}}, "b": {"outputs": {"stdout": "hi"}}}
    outcome = await played(plan.play, "plan", tmp_path, stubs=stubs)
    assert outcome.status.status == "completed", outcome.status.error
    assert outcome.status.steps["a"].outputs == {"said": "hi"}


@pytest.mark.server
async def test_cases_take_no_turns_when_they_are_simulated(tmp_path: Path):
    stubs = {"a": {"outputs": {"said": "hi"}}, "b": {"outputs": {"stdout": "hi"}}}
    async with simulated.opened() as play:
        for _ in range(2):
            outcome = await played(play, "simulated", tmp_path, stubs=stubs)
            assert outcome.status.status == "completed", outcome.status.error


@pytest.mark.server
async def test_steps_of_packages_run_and_cases_take_no_turns_when_they_are_real(tmp_path: Path):
    async with real.opened() as play:
        for _ in range(2):
            outcome = await played(play, "real", tmp_path)
            assert outcome.status.status == "completed", outcome.status.error
            assert outcome.status.steps["b"].outputs == {"stdout": "hello ana", "exit_code": 0}
