import asyncio
import json
from xml.etree import ElementTree

import pytest

from client.testing.collecting import collect
from client.testing.report import as_json, case_lines, coverage_line, junit
from client.testing.results import play_files

DEFINITION = """name: a
steps:
- {id: s, type: agent, prompt: p, output_schema: {type: object, required: [k], properties: {k: {type: string}}}}
- {id: t, type: shell, command: m}
- {id: u, type: set, values: {n: "{{ from_json(steps.t.outputs.stdout).n }}"}}
"""
CASES = """cases:
- name: passes
  stubs: {t: {outputs: {stdout: '{"n": 1}'}}}
- name: fails & "so"
- name: is not played
  files_from: nowhere
- name: another
  level: simulated
"""


@pytest.fixture
def played(tmp_path):
    (tmp_path / "a.yaml").write_text(DEFINITION)
    (tmp_path / "a.test.yaml").write_text(CASES)
    file = collect(tmp_path / "a.test.yaml")
    told = []
    results = asyncio.run(
        play_files([file], lambda case: case.level == "plan", lambda _, result: told.append(result.case.name))
    )
    assert told == ["passes", 'fails & "so"', "is not played"]
    return results


def test_verdicts_are_told_when_cases_end(played):
    result = played[0]
    assert [case.verdict for case in result.cases] == ["passed", "failed", "not-played"]
    assert result.failed == 2


def test_lines_show_the_place_when_an_expectation_is_not_met(played):
    file, (passed, failed, not_played) = played[0].collected, played[0].cases
    assert len(list(case_lines(file, passed, color=False))) == 1
    text = "\n".join(case_lines(file, failed, color=False))
    assert text.startswith("FAILED ")
    assert "error[unmet-expectation]: the run is `failed`, not `completed`: `u` expression" in text
    assert "a.test.yaml:4:9" in text
    assert "no stub says what these steps give: `s`, `t`" in text
    text = "\n".join(case_lines(file, not_played, color=False))
    assert "error[case-not-played]: there is no folder `nowhere`" in text
    assert "a.test.yaml:6:15" in text


def test_coverage_line_names_what_is_left_out_when_something_is(played):
    result = played[0]
    assert coverage_line(result.collected, result.coverage).endswith("a.yaml: 100% covered (3 of 3)")


def test_json_has_all_verdicts_when_asked(played):
    found = json.loads(json.dumps(as_json(played)))
    assert (found["passed"], found["failed"]) == (1, 2)
    file = found["files"][0]
    assert file["coverage"]["percent"] == 100
    assert [case["verdict"] for case in file["cases"]] == ["passed", "failed", "not-played"]
    finding = file["cases"][1]["findings"][0]
    assert (finding["place"], finding["expected"], finding["actual"]) == (["expect", "status"], "completed", "failed")
    assert finding["span"]["line"] == 4
    assert file["cases"][2]["status"] is None


def test_junit_counts_and_shows_when_cases_fail(played):
    root = ElementTree.fromstring(junit(played))
    suite = root[0]
    assert {key: suite.get(key) for key in ("tests", "failures", "errors")} == {
        "tests": "3",
        "failures": "1",
        "errors": "1",
    }
    assert [case.get("name") for case in suite] == ["passes", 'fails & "so"', "is not played"]
    assert [[child.tag for child in case] for case in suite] == [[], ["failure"], ["error"]]
    assert "unmet-expectation" in (suite[1][0].text or "")


def test_junit_is_xml_when_texts_are_hostile(tmp_path):
    (tmp_path / "a.yaml").write_text("name: a\nsteps: [{id: t, type: shell, command: m}]\n")
    (tmp_path / "a.test.yaml").write_text(
        'cases: [{name: "\\0\\U0001f600 ]]> <x>", stubs: {t: {fail: {message: "\\x1b[31m\\ufffe"}}}}]\n'
    )
    file = collect(tmp_path / "a.test.yaml")
    assert file.cases is not None, file.diagnostics
    results = asyncio.run(play_files([file], lambda case: True, lambda file, result: None))
    assert ElementTree.fromstring(junit(results))[0][0].get("name").endswith("]]> <x>")


def test_missed_points_are_cut_when_there_are_many(tmp_path):
    steps = ", ".join(f"{{id: s{n}, type: shell, command: m, when: 'false'}}" for n in range(20))
    (tmp_path / "a.yaml").write_text(f"name: a\nsteps: [{steps}]\n")
    (tmp_path / "a.test.yaml").write_text("cases: [{name: a}]")
    results = asyncio.run(play_files([collect(tmp_path / "a.test.yaml")], lambda case: True, lambda file, one: None))
    assert coverage_line(results[0].collected, results[0].coverage).endswith("; and 28 more")
