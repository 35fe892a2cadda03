"""Coverage reports of three kinds as one: percent of lines and branches, of everything and by file.

    {"line_coverage": 91.5, "branch_coverage": 80.0, "lines_covered": 183, "lines_total": 200,
     "files": {"src/prices.py": {the same five without files}}}

Counted from the lines themselves where the report has them, so that a file that is reported in parts counts once.
Percents are cut, not rounded, after four digits: 89.99999 is not 90. A file without lines is covered; a report
without lines is not.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, cast

from pydantic import JsonValue

from activities.file_functions import xml_events
from definitions.errors import ExpressionError


@dataclass(slots=True)
class _File:
    """What is counted of one file. `lines` where single lines are known, else sums."""

    lines: dict[int, int] = field(default_factory=dict[int, int])
    branches: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    covered: int = 0
    total: int = 0
    has_branches: bool = False

    def hit(self, line: int, count: int) -> None:
        self.lines[line] = max(count, self.lines.get(line, 0))

    def branch(self, place: str, covered: int, total: int) -> None:
        known = self.branches.get(place, (0, 0))
        self.branches[place] = (max(covered, known[0]), max(total, known[1]))
        self.has_branches = True

    def line_counts(self) -> tuple[int, int]:
        if not self.lines:
            return self.covered, self.total
        return sum(1 for count in self.lines.values() if count > 0), len(self.lines)

    def branch_counts(self) -> tuple[int, int]:
        return sum(c for c, _ in self.branches.values()), sum(t for _, t in self.branches.values())


def parse_coverage(content: bytes) -> dict[str, JsonValue]:
    """Return the report that `content` holds, whichever of the three kinds it is.

    Raises:
        ExpressionError: it is none of them.
    """
    start = content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if start == b"<":
        return _report(_cobertura(content))
    if start == b"{":
        return _report(_coverage_json(content))
    return _report(_lcov(content))


def _report(files: dict[str, _File]) -> dict[str, JsonValue]:
    counts = {name: (file.line_counts(), file.branch_counts()) for name, file in files.items()}
    has_branches = any(file.has_branches for file in files.values())
    by_name: dict[str, JsonValue] = {
        name: _figures(lines, branches if files[name].has_branches else None, of_nothing=100.0)
        for name, (lines, branches) in counts.items()
    }
    lines = _sum(lines for lines, _ in counts.values())
    branches = _sum(branches for _, branches in counts.values()) if has_branches else None
    return {**_figures(lines, branches, of_nothing=0.0), "files": by_name}


def _sum(counts: Iterable[tuple[int, int]]) -> tuple[int, int]:
    covered = total = 0
    for part, whole in counts:
        covered += part
        total += whole
    return covered, total


def _figures(lines: tuple[int, int], branches: tuple[int, int] | None, *, of_nothing: float) -> dict[str, JsonValue]:
    return {
        "line_coverage": _percent(*lines, of_nothing),
        "branch_coverage": None if branches is None else _percent(*branches, of_nothing),
        "lines_covered": lines[0],
        "lines_total": lines[1],
    }


def _percent(covered: int, total: int, of_nothing: float) -> float:
    if not 0 <= covered <= total:
        raise _unfit(f"it says that {covered} of {total} lines or branches are covered")
    return covered * 1_000_000 // total / 10_000 if total else of_nothing


def _cobertura(content: bytes) -> dict[str, _File]:
    files: dict[str, _File] = {}
    current: list[_File] = []
    roots: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        roots.append(name)
        if roots[0] != "coverage":
            raise _unfit(f"its root is `{roots[0][:80]}`, not `coverage`: not a Cobertura report")
        if name == "class":
            current[:] = [files.setdefault(_path(attributes.get("filename", "")), _File())]
        elif name == "line" and current:
            _cobertura_line(current[0], attributes)

    def end(name: str, _: str) -> None:
        if name == "class":
            current.clear()

    xml_events.read(content, start, end)
    return files


def _cobertura_line(file: _File, attributes: dict[str, str]) -> None:
    number = _number(attributes.get("number"), "a line's `number`")
    file.hit(number, _number(attributes.get("hits"), "a line's `hits`"))
    condition = attributes.get("condition-coverage", "")  # such as `50% (1/2)`
    if attributes.get("branch") == "true" and "(" in condition:
        covered, _, total = condition.partition("(")[2].rstrip(")").partition("/")
        file.branch(str(number), _number(covered, "`condition-coverage`"), _number(total, "`condition-coverage`"))


def _coverage_json(content: bytes) -> dict[str, _File]:
    try:
        document: Any = json.loads(content)
        files = cast("dict[str, dict[str, Any]]", document["files"])
        return {_path(name): _json_file(entry["summary"]) for name, entry in files.items()}
    except (ValueError, RecursionError) as error:
        raise _unfit(f"not JSON: {error}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise _unfit("not a report of coverage.py (`coverage json` writes one)") from error


def _json_file(summary: dict[str, Any]) -> _File:
    file = _File(covered=int(summary["covered_lines"]), total=int(summary["num_statements"]))
    if "num_branches" in summary:
        file.branch("", int(summary["covered_branches"]), int(summary["num_branches"]))
    return file


def _lcov(content: bytes) -> dict[str, _File]:
    files: dict[str, _File] = {}
    current: _File | None = None
    for row in content.decode(errors="replace").splitlines():
        key, _, value = row.strip().partition(":")
        if key == "SF":
            current = files.setdefault(_path(value), _File())
        elif key == "end_of_record":
            current = None
        elif current is not None:
            _lcov_row(current, key, value)
    if not files:
        raise _unfit("neither Cobertura XML, nor coverage.py JSON, nor LCOV")
    return files


def _lcov_row(file: _File, key: str, value: str) -> None:
    fields = value.split(",")
    if key == "DA" and len(fields) >= 2:
        file.hit(_number(fields[0], "`DA`"), _number(fields[1], "`DA`"))
    elif key == "BRDA" and len(fields) >= 4:
        file.branch(",".join(fields[:3]), int(fields[3] not in ("-", "0")), 1)
    elif key == "LF":
        file.total = _number(value, "`LF`")
    elif key == "LH":
        file.covered = _number(value, "`LH`")


def _number(text: str | None, what: str) -> int:
    if text is None or len(text) > 18 or not text.strip().lstrip("-").isdecimal():
        raise _unfit(f"{what} is `{(text or '')[:40]}`, not a whole number")
    return int(text)


def _path(text: str) -> str:
    return text.strip().replace("\\", "/").removeprefix("./")


def _unfit(message: str) -> ExpressionError:
    return ExpressionError("unfit-file", message)
