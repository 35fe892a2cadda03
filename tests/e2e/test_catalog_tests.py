"""The catalog's own tests, as a user plays them: at all levels, with every step and branch covered."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from definitions import catalog

ROOT = Path(__file__).parents[2]
PATH = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"


def perdure(*arguments: str) -> subprocess.CompletedProcess[str]:
    script = "import sys; from client.cli import main; sys.argv[0] = 'perdure'; main()"
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        env={**os.environ, "PATH": PATH},
        capture_output=True,
        text=True,
        timeout=150,
    )


@pytest.mark.server
def test_every_case_of_the_catalog_passes_when_all_levels_are_played() -> None:
    played = perdure("test", *catalog.names())
    assert played.returncode == 0, played.stdout + played.stderr
    assert not played.stderr.count("Traceback")


@pytest.mark.parametrize("name", catalog.names())
def test_each_step_and_branch_is_taken_when_the_level_plan_is_played(name: str) -> None:
    played = perdure("test", name, "--level", "plan", "--minimum", "100", "--json")
    assert played.returncode == 0, played.stdout + played.stderr
    (file,) = json.loads(played.stdout)["files"]
    assert file["coverage"]["missed"] == []


@pytest.mark.parametrize("name", catalog.names())
def test_each_definition_has_a_case_of_every_level(name: str) -> None:
    from client.testing.collecting import collect, find_files

    (path,) = find_files([name])
    cases = collect(path).cases
    assert cases is not None
    assert {case.level for case in cases.cases} == {"plan", "simulated", "real"}
