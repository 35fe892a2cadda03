import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from client.testing.collecting import collect
from client.testing.plan import play_now
from client.testing.verdicts import Subject, judge
from definitions.cases.loading import load_cases
from definitions.loader import require
from tests.support.cases import case, subject

ROOT = Path(__file__).parents[2]
DEFINITION = "name: a\nsteps: [{id: s, type: shell, command: m}, {id: g, type: approval, timeout: 1d}]\n"
CASES = """cases:
  - name: goes well
    decisions: {g: approve}
    expect: {path: [s, g]}
  - name: is rejected
    decisions: {g: reject}
    expect: {status: rejected}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text(DEFINITION)
    (tmp_path / "a.test.yaml").write_text(CASES)
    return tmp_path


@pytest.mark.parametrize("argument", [[], ["a.test.yaml"], ["a.yaml"], ["."]])
def test_cases_are_played_when_a_file_is_meant(cli, folder, argument):
    ran = cli("test", *argument)
    assert ran.code == 0
    assert re.search(r"^ok     a\.test\.yaml: goes well \([\d.]+ ms\)$", ran.out, re.MULTILINE)
    assert "a.yaml: 80% covered (4 of 5), not taken: g timeout" in ran.out
    assert ran.err == "2 cases, all passed\n"


def test_code_is_one_when_a_case_fails(cli, folder):
    (folder / "a.test.yaml").write_text(CASES.replace("[s, g]", "[s]"))
    ran = cli("test")
    assert ran.code == 1
    assert "error[unmet-expectation]: `g` ended too" in ran.out
    assert "a.test.yaml:4:20" in ran.out
    assert ran.err == "2 cases, 1 failed\n"


def test_code_is_seven_when_a_file_is_not_valid(cli, folder):
    (folder / "a.test.yaml").write_text(CASES.replace("decisions", "decision"))
    ran = cli("test")
    assert (ran.code, ran.out) == (7, "")
    assert "did you mean `decisions`?" in ran.err
    assert "2 errors in `a.test.yaml`" in ran.err


def test_definition_is_named_when_it_is_what_is_not_valid(cli, folder):
    (folder / "a.yaml").write_text(DEFINITION.replace("shell", "shel"))
    ran = cli("test", "--json")
    assert ran.code == 7
    assert [finding["code"] for finding in json.loads(ran.out)["invalid"]] == ["unknown-step-type"]
    assert "1 error in `a.yaml`" in ran.err


@pytest.mark.parametrize("arguments", [["nothing.test.yaml"], ["b.yaml"], ["empty"], ["--init"]])
def test_code_is_two_when_there_is_nothing_to_test(cli, folder, arguments):
    (folder / "b.yaml").write_text(DEFINITION)
    (folder / "empty").mkdir()
    assert cli("test", *arguments).code == 2


def test_code_is_two_when_a_file_cannot_be_read(cli, folder, monkeypatch):
    def refused(_path):
        raise PermissionError(13, "Permission denied", "a.test.yaml")

    monkeypatch.setattr("client.testing.collecting.load_case_file", refused)
    ran = cli("test")
    assert ran.code == 2
    assert "Permission denied" in ran.err


def test_cases_are_chosen_when_a_name_or_level_is_given(cli, folder):
    assert cli("test", "-k", "reject").err == "1 case, all passed\n"
    assert cli("test", "--level", "plan").err == "2 cases, all passed\n"
    ran = cli("test", "--level", "real")
    assert (ran.code, ran.err) == (1, "no case was played: none is wanted by `-k` and `--level`\n")


def test_code_is_one_when_coverage_is_too_low(cli, folder):
    assert cli("test", "--minimum", "75").code == 0
    ran = cli("test", "--minimum", "90")
    assert ran.code == 1
    assert "`a.test.yaml` covers 80.0%, less than the minimum of 90%" in ran.err


def test_json_is_one_object_when_asked(cli, folder):
    ran = cli("test", "--json")
    found = json.loads(ran.out)
    assert (found["passed"], found["failed"], ran.code) == (2, 0, 0)
    assert found["files"][0]["coverage"]["missed"] == ["g timeout"]


def test_junit_is_written_when_a_path_is_given(cli, folder):
    assert cli("test", "--junit", "out.xml").code == 0
    assert 'tests="2" failures="0"' in (folder / "out.xml").read_text()
    ran = cli("test", "--junit", "nowhere/out.xml")
    assert ran.code == 1
    assert "cannot be written" in ran.err


def test_expectations_are_written_when_updating(cli, folder):
    flow, block = "expect: {path: [s, g]}", "expect:\n      path: [s] # order"
    (folder / "a.test.yaml").write_text(CASES.replace(flow, block))
    ran = cli("test", "--update")
    assert ran.code == 0
    assert "`a.test.yaml`: 1 expectation written anew" in ran.err
    assert (folder / "a.test.yaml").read_text() == CASES.replace(flow, block.replace("[s]", "[s, g]"))


def test_json_is_one_object_when_updating(cli, folder):
    (folder / "a.test.yaml").write_text(CASES.replace("[s, g]", "[s]"))
    found = json.loads(cli("test", "--update", "--json").out)
    assert (found["passed"], found["failed"]) == (2, 0)
    assert json.loads(cli("test", "--update", "--json").out)["passed"] == 2


def test_updating_writes_nothing_when_all_is_well(cli, folder):
    before = (folder / "a.test.yaml").stat().st_mtime_ns
    ran = cli("test", "--update")
    assert (ran.code, ran.out.count("ok     ")) == (0, 2)
    assert (folder / "a.test.yaml").stat().st_mtime_ns == before


def test_updating_leaves_a_file_when_somebody_else_changed_it(cli, folder, monkeypatch):
    (folder / "a.test.yaml").write_text(CASES.replace("[s, g]", "[s]"))
    monkeypatch.setattr("client.testing.writing.replace_text", lambda *arguments: False)
    ran = cli("test", "--update")
    assert ran.code == 1
    assert "was changed while its cases were played" in ran.err


def test_updating_says_so_when_the_disk_is_full(cli, folder, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    (folder / "a.test.yaml").write_text(CASES.replace("[s, g]", "[s]"))
    monkeypatch.setattr("client.testing.writing.write_whole", full)
    ran = cli("test", "--update")
    assert ran.code == 1
    assert "No space left on device" in ran.err
    assert "path: [s]" in (folder / "a.test.yaml").read_text()


def test_first_file_is_written_and_left_alone_when_it_is_there(cli, folder):
    (folder / "a.test.yaml").unlink()
    ran = cli("test", "--init", "a.yaml")
    assert (ran.code, ran.out) == (0, "a.test.yaml\n")
    written = (folder / "a.test.yaml").read_text()
    assert cli("test").err == "2 cases, all passed\n"
    ran = cli("test", "--init", "a.yaml")
    assert (ran.code, ran.out) == (0, "")
    assert "is there already" in ran.err
    assert (folder / "a.test.yaml").read_text() == written


def test_first_file_is_refused_when_it_cannot_be_written(cli, folder, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("client.testing.writing.write_new", full)
    assert cli("test", "--init", "./a.yaml").code == 1


def test_catalog_name_is_a_file_when_it_is_nothing_here(cli, folder):
    ran = cli("test", "raise-coverage", "--level", "plan")
    assert "raise-coverage.test.yaml" in ran.out + ran.err


# --- the page, and what is promised -----------------------------------------------------------------


def test_examples_of_the_page_pass_when_they_are_played():
    page = (ROOT / "docs/testing.md").read_text()
    (definition,) = re.findall(r"```yaml definition=release.yaml\n(.*?)```", page, re.DOTALL)
    (text,) = re.findall(r"```yaml cases=release.test.yaml\n(.*?)```", page, re.DOTALL)
    cases = load_cases(text, "release.test.yaml")
    assert cases.diagnostics == ()
    what = Subject(require(definition, "release.yaml"), definition, "release.yaml", ROOT)
    assert {one.name: judge(one, play_now(one, what)) for one in cases.cases.cases} == {
        one.name: () for one in cases.cases.cases
    }


def test_page_has_every_key_when_models_have_it():
    from definitions.cases.models import Case, CaseDecision, Expectation, Stub

    page = (ROOT / "docs/testing.md").read_text()
    names = [name for model in (Case, Stub, CaseDecision, Expectation) for name in model.model_fields]
    assert [name for name in names if f"`{name}" not in page and f" {name}:" not in page] == []


def test_case_takes_milliseconds_when_it_is_played_at_level_plan():
    steps = "\n".join(f"- {{id: s{n}, type: shell, command: 'echo {{{{ inputs.n }}}}'}}" for n in range(5))
    what = subject(
        f"inputs: {{n: {{type: integer, default: 1}}}}\nsteps:\n{steps}\n- {{id: g, type: approval, timeout: 3d}}"
    )
    one = case("stubs: {s1: {fail: {times: 1}}}\nexpect: {status: failed}")
    play_now(one, what)
    times = []
    for _ in range(15):
        began = time.perf_counter()
        judge(one, play_now(one, what))
        times.append(time.perf_counter() - began)
    assert min(times) < 0.005


def test_temporal_stays_away_when_cases_are_of_level_plan(folder):
    script = (
        "import sys; from client.cli import run; code = run(['test']); "
        "print(sorted({'temporalio', 'boto3', 'ruamel'} & set(sys.modules)), code)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )
    assert ran.stdout.splitlines()[-1] == "[] 0"


def test_file_is_played_alone_when_it_is_collected(folder):
    found = collect(folder / "a.test.yaml")
    assert [judge(one, play_now(one, found.subject)) for one in found.cases.cases] == [(), ()]
