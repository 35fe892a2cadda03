import subprocess
from pathlib import Path

import pytest
import yaml

from activities.agents.scripts import script_entries
from definitions import catalog
from definitions.inputs import check_inputs
from definitions.loader import require
from definitions.steps import GroupStep, Step
from tools.samples import SAMPLES


def head(repository: Path) -> str:
    shown = subprocess.run(["git", "rev-parse", "HEAD"], cwd=repository, check=True, capture_output=True, text=True)
    return shown.stdout.strip()


def flat(steps: list[Step]) -> list[Step]:
    return [step for outer in steps for step in [outer, *(flat(outer.steps) if isinstance(outer, GroupStep) else [])]]


def test_every_definition_of_the_catalog_has_a_sample() -> None:
    assert sorted(SAMPLES) == catalog.names()


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_sample_has_the_same_commits_when_made_twice(name: str, tmp_path: Path) -> None:
    first, second = (SAMPLES[name].make(tmp_path / folder) for folder in ("first", "second"))
    assert head(first) == head(second)


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_sample_is_clean_when_made(name: str, tmp_path: Path) -> None:
    repository = SAMPLES[name].make(tmp_path / "sample")
    status = subprocess.run(["git", "status", "--porcelain"], cwd=repository, check=True, capture_output=True)
    assert status.stdout == b""


def test_a_sample_is_refused_when_the_folder_is_not_empty(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    with pytest.raises(FileExistsError, match="is not empty"):
        SAMPLES["raise-coverage"].make(tmp_path)


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_sample_gives_inputs_that_its_definition_takes(name: str) -> None:
    _, findings = check_inputs(require(*catalog.read(name)), SAMPLES[name].inputs)
    assert findings == []


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_script_answers_exactly_the_agent_steps(name: str) -> None:
    script = yaml.safe_load(SAMPLES[name].script.read_text())
    agents = {step.id for step in flat(require(*catalog.read(name)).steps) if step.type == "agent"}
    assert set(script["steps"]) == agents
    assert all(script_entries(script, step) for step in agents)
