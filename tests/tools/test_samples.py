import subprocess
from pathlib import Path

import pytest
import yaml

from activities.agents.scripts import script_entries
from definitions import catalog
from definitions.cases.checks import declared_steps
from definitions.cases.paths import declared_path
from definitions.inputs import check_inputs
from definitions.loader import require
from tools.samples import SAMPLES


def head(repository: Path) -> str:
    shown = subprocess.run(["git", "rev-parse", "HEAD"], cwd=repository, check=True, capture_output=True, text=True)
    return shown.stdout.strip()


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
    steps = declared_steps(require(*catalog.read(name)).steps)
    agents = {path for path, step in steps.items() if step.type == "agent"}
    assert {declared_path(path) for path in script["steps"]} == agents
    assert all(script_entries(script, step) for step in agents)
