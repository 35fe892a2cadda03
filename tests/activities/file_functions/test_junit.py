import subprocess
import sys
from pathlib import Path

import pytest

from activities.file_functions.junit import parse_junit
from definitions.errors import ExpressionError

REPORT = b"""<testsuites tests="99" failures="99">
 <testsuite name="a">
  <testcase classname="tests.test_a" name="test_one" time="0.5"/>
  <testcase classname="tests.test_a" name="test_two" time="1,000.25"><failure message="1 != 2">long</failure></testcase>
  <testcase name="bare" time="soon"><error>  only text  </error></testcase>
  <testcase name="left" time="inf"><skipped/></testcase>
 </testsuite>
</testsuites>"""


def test_cases_are_counted_whatever_the_sums_at_the_top_say() -> None:
    assert parse_junit(REPORT) == {
        "tests": 4,
        "passed": 1,
        "failed": 1,
        "errors": 1,
        "skipped": 1,
        "time": 1000.75,
        "failures": [
            {"name": "tests.test_a.test_two", "message": "1 != 2"},
            {"name": "bare", "message": "only text"},
        ],
    }


def test_the_report_of_pytest_is_read(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text(
        "import pytest\ndef test_a(): pass\ndef test_b(): assert 1 == 2\n@pytest.mark.skip\ndef test_c(): pass\n"
    )
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=report.xml", "test_x.py"]
    subprocess.run(argv, cwd=tmp_path, env={"PATH": "/usr/bin:/bin"}, capture_output=True)
    report = parse_junit((tmp_path / "report.xml").read_bytes())
    assert [report[key] for key in ("tests", "passed", "failed", "errors", "skipped")] == [3, 1, 1, 0, 1]
    assert report["failures"] == [{"name": "test_x.test_b", "message": "assert 1 == 2"}]


def test_the_list_of_failures_is_bounded() -> None:
    case = b'<testcase name="' + b"n" * 5000 + b'"><failure>' + b"m" * 50_000 + b"</failure></testcase>"
    report = parse_junit(b"<testsuite>" + case * 300 + b"</testsuite>")
    failures = report["failures"]
    assert isinstance(failures, list)
    assert (report["failed"], len(failures)) == (300, 100)
    assert all(len(str(failure)) < 1100 for failure in failures)


@pytest.mark.parametrize(
    ("content", "message"), [(b"<coverage/>", "not a JUnit report"), (b"", "not XML"), (b"x", "not XML")]
)
def test_what_is_no_report_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        parse_junit(content)


def test_an_empty_suite_has_no_tests() -> None:
    assert parse_junit(b"<testsuite/>")["tests"] == 0
