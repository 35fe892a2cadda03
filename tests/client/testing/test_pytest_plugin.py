"""The plugin, in a pytest of its own."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from client.testing import pytest_perdure
from tests.support.servers import server_binary

ROOT = Path(__file__).parents[3]
DEFINITION = "name: x\nsteps: [{id: a, type: shell, command: 'true'}, {id: ok, type: approval, timeout: 1d}]\n"
CASES = """\
cases:
  - name: goes well
    decisions: {ok: approve}
    expect: {path: [a, ok]}
  - name: does not
    expect: {status: completed}
"""


def pytest_run(folder: Path, *arguments: str, code: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    named = ("-p", "no:perdure", "-p", "client.testing.pytest_perdure")  # from here, not as it may be installed
    plugin = (*named, "-p", "no:cacheprovider", "--strict-markers", "--rootdir", ".")
    start = f"import sys, pytest; sys.path.append({str(ROOT)!r}); sys.exit(pytest.main(sys.argv[1:]))"
    return subprocess.run(
        [sys.executable, "-c", start, *plugin, *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "release.yaml").write_text(DEFINITION)
    (tmp_path / "release.test.yaml").write_text(CASES)
    (tmp_path / "test_own.py").write_text("def test_own(): pass\n")
    return tmp_path


def test_cases_are_tests_when_there_is_a_test_file(project: Path) -> None:
    run = pytest_run(project, "-v")
    assert run.returncode == 1, run.stdout + run.stderr
    assert "release.test.yaml::goes well PASSED" in run.stdout
    assert "release.test.yaml::does not FAILED" in run.stdout
    assert "--> " in run.stdout
    assert "release.test.yaml:6:" in run.stdout
    assert "release.yaml: 80% covered (4 of 5), not taken: ok rejected" in run.stdout
    assert "Traceback" not in run.stdout + run.stderr


def test_cases_are_chosen_by_name_and_level_when_pytest_is_asked(project: Path) -> None:
    run = pytest_run(project, "-m", "perdure_plan", "-k", "goes")
    assert run.returncode == 0, run.stdout
    assert "1 passed, 2 deselected" in run.stdout


@pytest.mark.server
def test_one_server_plays_all_cases_when_they_need_one(project: Path) -> None:
    text = "cases:\n" + "".join(
        f"  - {{name: number {number}, level: {level}, decisions: {{ok: approve}}}}\n"
        for number, level in enumerate(["simulated", "real", "simulated"])
    )
    (project / "release.test.yaml").write_text(text)
    run = pytest_run(project, PERDURE_TEMPORAL_BIN=str(server_binary().path))
    assert run.returncode == 0, run.stdout + run.stderr
    assert "4 passed" in run.stdout


def test_the_way_out_is_told_when_there_is_no_server(project: Path) -> None:
    (project / "release.test.yaml").write_text("cases: [{name: one, level: simulated}]")
    run = pytest_run(project, PERDURE_TEMPORAL_BIN="/nonexistent/temporal")
    assert run.returncode == 1
    assert "PERDURE_TEMPORAL_BIN" in run.stdout
    assert "Traceback" not in run.stdout


def test_findings_are_shown_when_a_test_file_is_not_valid(project: Path) -> None:
    (project / "release.test.yaml").write_text("cases: [{name: one, stubs: {b: {}}}]")
    run = pytest_run(project)
    assert run.returncode == 2
    assert "error[" in run.stdout
    assert "release.test.yaml:1:" in run.stdout


def test_pytest_is_left_alone_when_there_is_no_test_file_of_ours(tmp_path: Path) -> None:
    (tmp_path / "api.test.yaml").write_text("stages: []\n")
    (tmp_path / "test_own.py").write_text(
        "import sys\n\ndef test_own():\n"
        "    ours = [name for name in sys.modules if name.split('.')[0] in ('definitions', 'temporalio', 'yaml')]\n"
        "    assert not ours\n"
    )
    run = pytest_run(tmp_path)
    assert "1 passed" in run.stdout, run.stdout


def test_the_way_out_is_told_when_a_project_s_own_package_has_our_name(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "client.testing.pytest_items", None)
    with pytest.raises(pytest.UsageError, match="play it by `perdure test`"):
        pytest_perdure.pytest_collect_file(project / "release.test.yaml", None)  # pyright: ignore[reportArgumentType]


def test_the_plugin_is_installed_under_the_name_that_pytest_looks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    module = project["project"]["entry-points"]["pytest11"]["perdure"]
    placed = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert placed == {"client/testing/pytest_perdure.py": f"{module}.py"}
