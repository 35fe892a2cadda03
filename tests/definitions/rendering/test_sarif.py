"""SARIF logs against the official schema (OASIS, errata 01), vendored beside this file."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator, FormatChecker

from definitions.codes import CODES
from definitions.diagnostics import Diagnostic, Note, Span
from definitions.rendering import render_sarif
from tests.support.diagnostic_fixtures import LOADED, findings_of

SCHEMA = json.loads((Path(__file__).parent / "sarif-schema-2.1.0.json").read_text(encoding="utf-8"))
FOLDER = Path("/work/project")
VALIDATOR = Draft4Validator(SCHEMA, format_checker=FormatChecker())


def log(*findings: Diagnostic) -> dict[str, Any]:
    made = json.loads(json.dumps(render_sarif(findings, FOLDER, "1.2.3")))
    VALIDATOR.validate(made)
    return made


def finding(**changes: Any) -> Diagnostic:
    facts = {
        "code": "unknown-step",
        "severity": "error",
        "message": "wrong",
        "file": "a b.yaml",
        "span": Span(1, 2, 3, 4),
    }
    return Diagnostic(**{**facts, **changes})


def test_log_is_refused_by_the_schema_when_it_is_not_sarif():
    made = log(finding())
    made["runs"][0]["results"][0]["level"] = "lint"
    assert not VALIDATOR.is_valid(made)


@pytest.mark.parametrize("slug", LOADED)
def test_log_is_valid_when_it_holds_what_a_fixture_gives(slug: str):
    findings, _ = findings_of(slug)
    run = log(*findings)["runs"][0]
    assert [result["ruleId"] for result in run["results"]] == [one.code for one in findings]
    for result in run["results"]:  # the page of a code says what its findings are: comments can allow by it
        assert result["level"] == run["tool"]["driver"]["rules"][result["ruleIndex"]]["defaultConfiguration"]["level"]


def test_log_is_valid_when_there_are_no_findings():
    made = log()
    assert made["runs"][0]["results"] == []
    assert made["runs"][0]["tool"]["driver"]["version"] == "1.2.3"
    assert made["$schema"] == SCHEMA["id"]


def test_result_has_place_and_help_when_the_finding_has():
    (result,) = log(finding(help="do so"))["runs"][0]["results"]
    (location,) = result["locations"]
    assert result["message"]["text"] == "wrong\nhelp: do so"
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "a%20b.yaml"},
        "region": {"startLine": 1, "startColumn": 2, "endLine": 3, "endColumn": 4},
    }


def test_result_has_no_place_when_the_finding_has_none():
    results = log(finding(span=None), finding(file="", span=None))["runs"][0]["results"]
    assert results[0]["locations"] == [{"physicalLocation": {"artifactLocation": {"uri": "a%20b.yaml"}}}]
    assert "locations" not in results[1]


def test_notes_are_related_places_when_they_have_one_else_part_of_the_message():
    notes = (Note("first", Span(5, 1, 5, 2)), Note("by the way"), Note("second", Span(6, 1, 6, 2)))
    (result,) = log(finding(notes=notes))["runs"][0]["results"]
    assert result["message"]["text"] == "wrong\nby the way"
    related = result["relatedLocations"]
    assert [(one["id"], one["message"]["text"]) for one in related] == [(1, "first"), (2, "second")]
    assert related[1]["physicalLocation"]["region"]["startLine"] == 6


def test_rule_is_listed_once_when_a_code_is_found_twice():
    run = log(finding(), finding(code="unused-input", severity="lint"), finding())["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["unknown-step", "unused-input"]
    assert [result["ruleIndex"] for result in run["results"]] == [0, 1, 0]
    assert [result["level"] for result in run["results"]] == ["error", "note", "error"]
    assert rules[1]["defaultConfiguration"] == {"level": "note"}
    assert rules[0]["shortDescription"]["text"] == CODES["unknown-step"].title


def test_rule_has_no_page_when_the_code_is_of_somebody_else():
    assert log(finding(code="theirs"))["runs"][0]["tool"]["driver"]["rules"] == [{"id": "theirs"}]
