"""Runs the suite of stores on each back end and writes the table of docs/store.md.

`python -m tests.support.write_conformance`; a test holds the table's rows to the suite.
"""

import re
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.support.s3_gateway import VERSION

PAGE = Path(__file__).parents[2] / "docs/store.md"
BEGIN, END = "<!-- conformance: begin -->\n", "<!-- conformance: end -->\n"
SUITES = {
    "a folder": "tests/activities/store/test_directory.py::TestDirectoryStore",
    f"versitygw {VERSION}": "tests/activities/store/s3/test_store.py::TestStoreOnVersitygw",
    f"moto {version('moto')}": "tests/activities/store/s3/test_store.py::TestStoreOnMoto",
}
_WORD = {"passed": "yes", "failed": "**no**", "skipped": "not run"}


class _Results:
    """What each test came to on each back end; one case that fails is enough."""

    def __init__(self) -> None:
        self.by_test: dict[str, dict[str, str]] = defaultdict(dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note it (pytest's own hook)."""
        if report.when != "call" and report.passed:
            return
        suite = next(name for name, node in SUITES.items() if report.nodeid.startswith(node))
        test = report.nodeid.rpartition("::")[2].partition("[")[0]
        if self.by_test[test].get(suite) != "failed":
            self.by_test[test][suite] = report.outcome


def sentence(test: str) -> str:
    """Return a test's name as a sentence."""
    return test.removeprefix("test_").replace("_", " ")


def rows(page: str) -> list[str]:
    """Return what the table of a page tells of, in its order."""
    table = page.partition(BEGIN)[2].partition(END)[0]
    return re.findall(r"^\| ([a-z][^|]*?) \|", table, re.MULTILINE)


def main() -> None:
    """Write the table anew."""
    results = _Results()
    pytest.main(["-q", *SUITES.values()], plugins=[results])
    lines = [f"| What every store must do | {' | '.join(SUITES)} |", "|---" * (len(SUITES) + 1) + "|"]
    for test, outcomes in results.by_test.items():
        words = [_WORD[outcomes.get(suite, "skipped")] for suite in SUITES]
        lines.append(f"| {sentence(test)} | {' | '.join(words)} |")
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(before + BEGIN + "\n".join(lines) + "\n" + END + after, encoding="utf-8")


if __name__ == "__main__":
    main()
