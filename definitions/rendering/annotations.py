"""Findings as workflow commands of GitHub Actions, which shows them at their lines in a pull request.

    ::error file=release.yaml,line=14,endLine=14,col=26,endColumn=31,title=unknown-step::no step is called …

GitHub shows at most ten of a kind for a step of a job; the log has all of them. A finding of severity `lint` is
a notice. The message is escaped as the runner decodes it, so nothing in a definition can begin a command.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from definitions.diagnostics import Diagnostic, Severity
from definitions.rendering.paths import in_repository

_COMMANDS: dict[Severity, str] = {"error": "error", "warning": "warning", "lint": "notice"}


def render_annotations(diagnostics: Sequence[Diagnostic], folder: Path) -> str:
    """Return a workflow command a line; files are named relative to `folder`."""
    return "".join(f"{_command(finding, folder)}\n" for finding in diagnostics)


def _command(finding: Diagnostic, folder: Path) -> str:
    properties = ",".join(f"{name}={_property(value)}" for name, value in _properties(finding, folder))
    message = _message("\n".join(_lines(finding)))
    return f"::{_COMMANDS[finding.severity]} {properties}::{message}"


def _properties(finding: Diagnostic, folder: Path) -> Iterator[tuple[str, str]]:
    if finding.file:
        yield "file", in_repository(finding.file, folder)
    if finding.file and finding.span:
        yield "line", str(finding.span.line)
        yield "endLine", str(finding.span.end_line)
        yield "col", str(finding.span.column)
        yield "endColumn", str(finding.span.end_column)
    yield "title", finding.code


def _lines(finding: Diagnostic) -> Iterator[str]:
    yield finding.message
    for note in finding.notes:
        place = f" (line {note.span.line})" if note.span else ""
        yield f"note: {note.message}{place}"
    if finding.help:
        yield f"help: {finding.help}"
    yield f"docs: perdure explain {finding.code}"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
