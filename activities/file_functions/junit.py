"""JUnit XML reports, counted from the test cases themselves: writers disagree about the sums at the top."""

import math
from dataclasses import dataclass, field

from pydantic import JsonValue

from activities.file_functions import xml_events
from definitions.errors import ExpressionError

_MOST_FAILURES = 100
_MESSAGE_LIMIT = 500
_VERDICTS = {"failure": "failed", "error": "errors", "skipped": "skipped"}


@dataclass(slots=True)
class _Counting:
    """The sums so far, and the test case that is open."""

    counts: dict[str, int] = field(
        default_factory=lambda: {"tests": 0, "passed": 0, "failed": 0, "errors": 0, "skipped": 0}
    )
    seconds: float = 0.0
    failures: list[JsonValue] = field(default_factory=list[JsonValue])
    root: str = ""
    case: str = ""
    verdict: str = "passed"
    message: str = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.root = self.root or name
        if self.root not in ("testsuites", "testsuite"):
            raise ExpressionError("unfit-file", f"its root is `{self.root[:80]}`: not a JUnit report")
        if name == "testcase":
            owner, title = attributes.get("classname", ""), attributes.get("name", "")
            self.case = f"{owner}.{title}" if owner else title
            self.verdict, self.message = "passed", ""
            self.seconds += _seconds(attributes.get("time", ""))
        elif name in _VERDICTS:
            self.verdict = _VERDICTS[name]
            self.message = attributes.get("message", "")

    def end(self, name: str, text: str) -> None:
        if name in _VERDICTS and not self.message:
            self.message = text.strip()
        if name != "testcase":
            return
        self.counts["tests"] += 1
        self.counts[self.verdict] += 1
        if self.verdict in ("failed", "errors") and len(self.failures) < _MOST_FAILURES:
            self.failures.append({"name": self.case[:_MESSAGE_LIMIT], "message": self.message[:_MESSAGE_LIMIT]})


def parse_junit(content: bytes) -> dict[str, JsonValue]:
    """Return what a JUnit report says.

    Raises:
        ExpressionError: it is none.
    """
    counting = _Counting()
    xml_events.read(content, counting.start, counting.end)
    return {**counting.counts, "time": round(counting.seconds, 3), "failures": counting.failures}


def _seconds(text: str) -> float:
    try:
        seconds = float(text.replace(",", "") or 0)
    except ValueError:
        return 0.0
    return seconds if math.isfinite(seconds) else 0.0
