import json
import re
from pathlib import Path

import pytest

from definitions import catalog
from definitions.codes import CODES

GOOD = "name: good\ndescription: d\nsteps: [{id: a, type: group, steps: [{id: b, type: shell, command: 'true'}]}]\n"
BAD = "name: bad\nsteps: [{id: a, type: shell, command: 'echo {{ steps.b.outputs.x }}'}]\n"


def test_validate_prints_findings_as_data_and_the_verdict_as_message(cli, write):
    good, bad = write(GOOD), write(BAD)
    ran = cli("validate", good, bad)
    assert ran.code == 7
    assert "error[unknown-step]: no step is called `b`" in ran.out
    assert f"{bad}:2:" in ran.out
    assert f"{good}: valid (2 steps)" in ran.err
    assert f"1 error in `{bad}`" in ran.err


def test_validate_of_a_good_file_is_zero_and_prints_no_data(cli, write):
    ran = cli("validate", write(GOOD))
    assert (ran.code, ran.out) == (0, "")


@pytest.mark.parametrize("option", [["--format", "json"], ["--json"]])
def test_validate_json_is_one_list(cli, write, option):
    ran = cli("validate", write(GOOD), write(BAD), *option)
    assert ran.code == 7
    assert [finding["code"] for finding in json.loads(ran.out)] == ["unknown-step"]


IMPLICIT = "id: w\nstages: [a]\nstageConfigs: {a: {role: critic, prompt: '${vars.topic}'}}\n"


def test_validate_lists_inputs_that_are_used_and_not_declared_when_a_dialect_has_them(cli, write):
    ran = cli("validate", "--no-lint", write(IMPLICIT))
    assert ran.code == 0
    assert "inputs that it uses and does not declare: `topic`" in ran.err
    assert "warning[unknown-agent]: no agent is called `critic`" in ran.out


def test_run_is_refused_before_anything_starts_when_an_agent_is_found_nowhere(cli, write):
    ran = cli("run", write(IMPLICIT), "-i", "topic=rain")
    assert ran.code == 7
    assert "error[unknown-agent]: no agent is called `critic`" in ran.err
    assert "server" not in ran.err


WARNED = "name: warned\noutputs: {x: {type: string}}\nsteps: [{id: a, type: wait, duration: 1s}]\n"
UNDESCRIBED = "name: undescribed\nsteps: [{id: a, type: wait, duration: 1s}]\n"


def test_validate_counts_every_kind_of_finding_when_it_takes_a_file(cli, write):
    file = write(WARNED)
    ran = cli("validate", file)
    assert (ran.code, ran.err.strip()) == (0, f"{file}: valid (1 step, 1 warning, 1 lint finding)")
    assert "warning[output-without-value]" in ran.out
    assert "lint[missing-description]: `warned` has no description" in ran.out


def test_validate_refuses_warnings_and_lint_when_strict(cli, write):
    file, clean = write(WARNED), write(GOOD)
    assert cli("validate", clean, "--strict").code == 0
    ran = cli("validate", clean, file, "--strict")
    assert ran.code == 7
    assert ran.err.strip().splitlines()[-1] == f"1 warning, 1 lint finding in `{file}`"
    assert f"{file}: valid" not in ran.err
    assert f"{clean}: valid" in ran.err
    assert cli("validate", write(UNDESCRIBED), "--strict").code == 7
    assert cli("validate", write(UNDESCRIBED), "--strict", "--no-lint").code == 0


def test_validate_gives_no_advice_when_told_not_to(cli, write):
    ran = cli("validate", write(WARNED), "--no-lint")
    assert (ran.code, "lint[" in ran.out, "warning[" in ran.out) == (0, False, True)


def test_validate_counts_errors_of_all_files_when_several_are_refused(cli, write):
    ran = cli("validate", write(BAD), write(BAD))
    assert ran.err.strip() == "2 errors in 2 files"


def test_validate_prints_one_sarif_log_when_asked(cli, write):
    ran = cli("validate", write(UNDESCRIBED), write(BAD), "--format", "sarif")
    log = json.loads(ran.out)
    assert ran.code == 7
    results = log["runs"][0]["results"]
    assert [(result["ruleId"], result["level"]) for result in results] == [
        ("missing-description", "note"),
        ("unknown-step", "error"),
    ]
    assert log["version"] == "2.1.0"
    assert json.loads(cli("validate", write(GOOD), "--format", "sarif").out)["runs"][0]["results"] == []


def test_validate_prints_workflow_commands_when_asked(cli, write, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    ran = cli("validate", write(BAD), "--format", "github")
    assert ran.code == 7
    assert re.match(r"::error file=[^/,]+,line=2,endLine=2,col=\d+,endColumn=\d+,title=unknown-step::no step", ran.out)
    assert cli("validate", write(GOOD), "--format", "github").out == ""


@pytest.mark.parametrize("form", ["text", "json", "sarif", "github"])
def test_validate_of_a_file_that_is_not_there_is_a_usage_error_in_every_format(cli, form):
    assert cli("validate", "./none.yaml", "--format", form).code == 2


CASES = "cases:\n  - {name: one, expect: {status: completed}}\n"


def test_validate_holds_test_files_to_their_own_rules(cli, write):
    definition = Path(write(GOOD))
    good = definition.with_suffix(".test.yaml")
    good.write_text(CASES)
    bad = definition.with_name("other.test.yaml")
    bad.write_text(f"definition: {definition.name}\n{CASES.replace('completed', 'completd')}")
    ran = cli("validate", str(definition), str(good), str(bad), "--strict")
    assert ran.code == 7
    assert f"{good}: valid (1 case)" in ran.err
    assert f"1 error in `{bad}`" in ran.err
    assert f"{bad}:3:" in ran.out


def test_validate_says_errors_of_a_definition_once_when_its_test_file_is_named_too(cli, write):
    definition = Path(write(BAD))
    tests = definition.with_suffix(".test.yaml")
    tests.write_text(CASES)
    ran = cli("validate", str(definition), str(tests))
    assert (ran.code, ran.out.count("error[unknown-step]")) == (7, 1)


def test_validate_of_a_test_file_that_is_not_there_is_a_usage_error(cli):
    assert cli("validate", "./none.test.yaml").code == 2


def test_validate_reads_catalog_names_too(cli):
    assert cli("validate", *catalog.names()).code == 0


def test_name_that_is_a_file_without_separator_gets_the_hint(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "thing").write_text(GOOD)
    assert "for the file write `./thing`" in cli("validate", "thing").err
    assert cli("validate", "./thing").code == 0


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"a: [", b"- 1", b"\x00", b"&a [*a]"])
def test_validate_never_fails_on_content(cli, tmp_path, content):
    (tmp_path / "x.yaml").write_bytes(content)
    ran = cli("validate", str(tmp_path / "x.yaml"))
    assert (ran.code, "internal" in ran.err) == (7, False)


def test_unreadable_file_is_a_usage_error(cli, tmp_path):
    ran = cli("validate", str(tmp_path) + "/")
    assert (ran.code, "cannot be read" in ran.err) == (2, True)
    ran = cli("run", "raise-coverage", "--inputs", str(tmp_path))
    assert (ran.code, "cannot be read" in ran.err) == (2, True)


def test_explain_prints_the_page_of_a_code(cli):
    assert cli("explain", "unknown-step").out.startswith("## unknown-step\n")
    assert json.loads(cli("explain", "unknown-step", "--json").out)["code"] == "unknown-step"
    assert json.loads(cli("explain", "--json").out)[0]["code"] in CODES
    assert len(cli("explain").out.splitlines()) == len(CODES)


def test_explain_suggests_when_the_code_is_unknown(cli):
    ran = cli("explain", "unknwon-step")
    assert (ran.code, "did you mean `unknown-step`?" in ran.err) == (2, True)
    assert "lists the codes" in cli("explain", "zzzz").err


def test_graph_is_mermaid(cli, write):
    file = write(GOOD)
    assert cli("graph", file).out.startswith("flowchart")
    assert json.loads(cli("graph", file, "--json").out)["mermaid"].startswith("flowchart")
    assert cli("graph", write(BAD)).code == 7


def test_catalog_lists_and_shows(cli):
    listed = json.loads(cli("catalog", "--json").out)
    assert [entry["name"] for entry in listed] == catalog.names()
    assert cli("catalog").out == cli("catalog", "list").out
    assert cli("catalog", "show", "raise-coverage").out == catalog.read("raise-coverage")[0]
    assert json.loads(cli("catalog", "show", "raise-coverage", "--json").out)["inputs"]
    ran = cli("catalog", "show", "raise-coverag")
    assert (ran.code, "did you mean `raise-coverage`?" in ran.err) == (2, True)
    assert "lists the names" in cli("catalog", "show", "zzz").err
