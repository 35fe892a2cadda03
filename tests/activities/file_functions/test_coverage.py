"""Reports of three kinds, as real tools write them and as nobody should."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.file_functions.coverage import parse_coverage
from definitions.errors import ExpressionError

COBERTURA = b"""<?xml version="1.0" ?>
<!DOCTYPE coverage SYSTEM 'http://cobertura.sourceforge.net/xml/coverage-04.dtd'>
<coverage line-rate="0.5" branch-rate="0.25" version="7.0">
  <packages><package name="src"><classes>
    <class name="prices.py" filename="./src/prices.py" line-rate="0.6">
      <methods><method name="f"><lines><line number="1" hits="3"/></lines></method></methods>
      <lines>
        <line number="1" hits="1"/>
        <line number="2" hits="0" branch="true" condition-coverage="50% (1/2)"/>
        <line number="3" hits="2"/>
      </lines>
    </class>
    <class name="Inner" filename="src/prices.py"><lines><line number="4" hits="0"/></lines></class>
    <class name="empty" filename="src/__init__.py"><lines/></class>
  </classes></package></packages>
</coverage>"""

LCOV = b"""TN:
SF:./src/a.ts
FN:1,f
DA:1,2
DA:2,0
BRDA:1,0,0,1
BRDA:1,0,1,-
LF:2
LH:1
end_of_record
SF:src/a.ts
DA:2,1,checksum
DA:3,0
end_of_record
DA:9,9
SF:src\\b.ts
LF:10
LH:5
end_of_record
"""


def test_cobertura_is_counted_by_line_when_a_file_is_reported_in_parts() -> None:
    report = parse_coverage(COBERTURA)
    assert report == {
        "line_coverage": 50.0,
        "branch_coverage": 50.0,
        "lines_covered": 2,
        "lines_total": 4,
        "files": {
            "src/prices.py": {
                "line_coverage": 50.0,
                "branch_coverage": 50.0,
                "lines_covered": 2,
                "lines_total": 4,
            },
            "src/__init__.py": {
                "line_coverage": 100.0,
                "branch_coverage": None,
                "lines_covered": 0,
                "lines_total": 0,
            },
        },
    }


def test_lcov_is_counted_by_line_when_a_file_is_reported_twice() -> None:
    report = parse_coverage(LCOV)
    files = report["files"]
    assert isinstance(files, dict)
    assert files["src/a.ts"] == {
        "line_coverage": 66.6666,
        "branch_coverage": 50.0,
        "lines_covered": 2,
        "lines_total": 3,
    }
    assert files["src/b.ts"] == {
        "line_coverage": 50.0,
        "branch_coverage": None,
        "lines_covered": 5,
        "lines_total": 10,
    }
    assert (report["lines_covered"], report["lines_total"], report["branch_coverage"]) == (7, 13, 50.0)


@pytest.mark.parametrize("branch", [False, True])
def test_the_three_reports_of_coverage_py_say_the_same(tmp_path: Path, branch: bool) -> None:
    (tmp_path / "prices.py").write_text("def f(x):\n    if x:\n        return 1\n    return 2\n\n\nf(1)\n")
    tool = [sys.executable, "-m", "coverage"]
    options = ["--branch"] if branch else []
    environment = {"PATH": "/usr/bin:/bin"}  # without what measures this test itself
    commands = [["run", *options, "prices.py"], ["xml"], ["json"], ["lcov"]]
    for command in commands:
        subprocess.run([*tool, *command], cwd=tmp_path, env=environment, check=True, capture_output=True)
    reports = [parse_coverage((tmp_path / f"coverage.{kind}").read_bytes()) for kind in ("xml", "json", "lcov")]
    assert reports[0] == reports[1] == reports[2]
    assert reports[0]["line_coverage"] == 80.0
    assert reports[0]["branch_coverage"] == (50.0 if branch else None)


def test_a_percent_is_cut_and_not_rounded_up_to_the_target() -> None:
    report = parse_coverage(b"SF:a\nLF:2000000\nLH:1999999\nend_of_record")
    assert report["line_coverage"] == 99.9999


def test_a_report_without_any_line_is_not_covered() -> None:
    report = parse_coverage(b"<coverage line-rate='1'/>")
    assert (report["line_coverage"], report["branch_coverage"], report["files"]) == (0.0, None, {})


def test_a_byte_order_mark_is_passed_over() -> None:
    assert parse_coverage(b"\xef\xbb\xbf" + COBERTURA) == parse_coverage(COBERTURA)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "neither Cobertura XML, nor coverage.py JSON, nor LCOV"),
        (b"hello", "neither Cobertura XML"),
        (b"<html/>", "its root is `html`, not `coverage`"),
        (b"<coverage>", "not XML: no element found (line 1)"),
        (b"<coverage><class filename='a'><line number='x' hits='1'/></class></coverage>", "`number` is `x`"),
        (b"<coverage><class filename='a'><line number='1'/></class></coverage>", "`hits` is ``"),
        (b"<coverage><class><line number='1' hits='" + b"9" * 5000 + b"'/></class></coverage>", "`hits` is `9999"),
        (
            b"<coverage><class><line number='1' hits='1' branch='true' condition-coverage='(a/b)'/></class></coverage>",
            "`condition-coverage` is `a`",
        ),
        (b"SF:a\nLF:1\nLH:2\n", "it says that 2 of 1 lines or branches are covered"),
        (b"{", "not JSON"),
        (b"{}", "not a report of coverage.py"),
        (b'{"files": []}', "not a report of coverage.py"),
        (b'{"files": {"a": {"summary": {}}}}', "not a report of coverage.py"),
        (b'{"files": {"a": {"summary": {"covered_lines": "x", "num_statements": 1}}}}', "not JSON"),
        (b"SF:a\nDA:1,x\n", "`DA` is `x`"),
        (b"SF:a\nLF:\n", "`LF` is ``"),
        (b'{"files":' + b"[" * 200_000, "not JSON"),
    ],
)
def test_what_is_no_report_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_coverage(content)
    assert message in caught.value.message


ENTITIES = b'<!DOCTYPE coverage [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><coverage>&b;</coverage>'
EXTERNAL = b'<!DOCTYPE coverage [<!ENTITY x SYSTEM "file:///etc/passwd">]><coverage>&x;</coverage>'


@pytest.mark.parametrize("content", [ENTITIES, EXTERNAL, b"<!DOCTYPE coverage [ ]><coverage/>"])
def test_declarations_in_xml_are_refused(content: bytes) -> None:
    with pytest.raises(ExpressionError, match="declarations of its own"):
        parse_coverage(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<coverage>" + b"<a>" * 300, "nested more than 200 deep"),
        (b"<?xml version='1.0' encoding='nonsense'?><coverage/>", "not XML"),
        (b"<coverage>&undefined;</coverage>", "undefined entity"),
    ],
)
def test_hostile_xml_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_coverage(content)
    assert message in caught.value.message


def test_namespaces_are_passed_over() -> None:
    content = COBERTURA.replace(b"<coverage ", b'<c:coverage xmlns:c="urn:x" ').replace(b"</coverage", b"</c:coverage")
    assert parse_coverage(content) == parse_coverage(COBERTURA)


@given(st.binary(max_size=300), st.sampled_from([COBERTURA, LCOV, json.dumps({"files": {}}).encode()]), st.data())
def test_no_content_gives_anything_but_a_report_or_a_refusal(noise: bytes, base: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(base)))
    try:
        report = parse_coverage(base[:place] + noise + base[place + len(noise) :])
    except ExpressionError:
        return
    assert 0 <= float(str(report["line_coverage"])) <= 100
