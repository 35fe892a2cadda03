"""What is said about played test files: to a person, to a program (JSON), to a CI server (JUnit XML).

case_lines     one line a case, and what was not met, with its place in the test file
coverage_line  how much of a definition the cases take, and what they leave out
as_json        all of it
junit          all of it as JUnit XML, which CI servers show
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from xml.etree import ElementTree

from pydantic import JsonValue

from client.testing.collecting import Collected
from client.testing.coverage import Coverage
from client.testing.results import CaseResult, FileResult
from definitions.rendering import render_json, render_text

WORDS = {"passed": "ok", "failed": "FAILED", "not-played": "NOT PLAYED"}
_MOST_MISSED = 12
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def case_lines(file: Collected, result: CaseResult, *, color: bool) -> Iterator[str]:
    """Yield the lines about a case, as a person reads them."""
    yield f"{WORDS[result.verdict]:6} {file.path}: {result.case.name} ({_time(result)})"
    if result.diagnostics:
        text = render_text(result.diagnostics, file.sources, color).rstrip("\n")
        yield from (f"  {line}" if line else "" for line in text.split("\n"))
        yield ""


def coverage_line(file: Collected, found: Coverage) -> str:
    """Return what the cases of a file take of their definition."""
    name = file.subject.file if file.subject else str(file.path)
    line = f"{name}: {found.percent:.0f}% covered ({len(found.reached)} of {len(found.points)})"
    if not found.missed:
        return line
    shown = "; ".join(found.missed[:_MOST_MISSED])
    more = len(found.missed) - _MOST_MISSED
    return f"{line}, not taken: {shown}" + (f"; and {more} more" if more > 0 else "")


def as_json(results: Sequence[FileResult]) -> dict[str, JsonValue]:
    """Return all verdicts as JSON."""
    cases = [case for result in results for case in result.cases]
    return {
        "passed": sum(1 for case in cases if case.verdict == "passed"),
        "failed": sum(1 for case in cases if case.verdict != "passed"),
        "files": [_file(result) for result in results],
    }


def _file(result: FileResult) -> dict[str, JsonValue]:
    subject = result.collected.subject
    return {
        "file": str(result.collected.path),
        "definition": None if subject is None else subject.file,
        "coverage": result.coverage.as_json(),
        "cases": [_case(case) for case in result.cases],
    }


def _case(result: CaseResult) -> dict[str, JsonValue]:
    findings: list[JsonValue] = [
        {**diagnostic, "place": [*finding.place], "expected": finding.expected, "actual": finding.actual}
        for diagnostic, finding in zip(render_json(result.diagnostics), result.findings, strict=True)
    ]
    outcome = result.outcome
    return {
        "name": result.case.name,
        "level": result.case.level,
        "verdict": result.verdict,
        "seconds": round(result.seconds, 4),
        "status": None if outcome is None else outcome.status.status,
        "path": None if outcome is None else [*outcome.path],
        "findings": findings,
    }


def junit(results: Sequence[FileResult]) -> str:
    """Return all verdicts as JUnit XML: a suite a file, a test case a case."""
    root = ElementTree.Element("testsuites", name="perdure test")
    for result in results:
        failures = sum(1 for case in result.cases if case.verdict == "failed")
        errors = sum(1 for case in result.cases if case.verdict == "not-played")
        counts = {"tests": len(result.cases), "failures": failures, "errors": errors, "skipped": 0}
        time = sum(case.seconds for case in result.cases)
        suite = _element(root, "testsuite", {"name": str(result.collected.path), **counts, "time": f"{time:.4f}"})
        for case in result.cases:
            _junit_case(suite, result.collected, case)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _junit_case(suite: ElementTree.Element, file: Collected, result: CaseResult) -> None:
    subject = file.subject
    name = subject.definition.id if subject else str(file.path)
    attributes = {"classname": f"{name}.{result.case.level}", "name": result.case.name}
    element = _element(suite, "testcase", {**attributes, "time": f"{result.seconds:.4f}", "file": str(file.path)})
    if result.verdict == "passed":
        return
    kind = "failure" if result.verdict == "failed" else "error"
    messages = "; ".join(finding.message for finding in result.findings)
    said = _element(element, kind, {"message": messages[:500], "type": result.diagnostics[0].code})
    said.text = _xml(render_text(result.diagnostics, file.sources, color=False))


def _element(parent: ElementTree.Element, name: str, attributes: Mapping[str, str | int]) -> ElementTree.Element:
    return ElementTree.SubElement(parent, name, {key: _xml(str(value)) for key, value in attributes.items()})


def _xml(text: str) -> str:
    """Return text without characters that XML cannot hold."""
    return _NOT_XML.sub("\ufffd", text)


def _time(result: CaseResult) -> str:
    seconds = result.seconds
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"
