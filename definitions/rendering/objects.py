"""Findings as programs read them: JSON objects with every field, absent ones null."""

from collections.abc import Sequence

from pydantic import JsonValue

from definitions.diagnostics import Diagnostic, Span


def render_json(diagnostics: Sequence[Diagnostic]) -> list[dict[str, JsonValue]]:
    """Return the findings as JSON objects; absent places are null."""
    return [
        {
            "code": finding.code,
            "severity": finding.severity,
            "message": finding.message,
            "file": finding.file,
            "span": _place(finding.span),
            "notes": [{"message": note.message, "span": _place(note.span)} for note in finding.notes],
            "help": finding.help,
        }
        for finding in diagnostics
    ]


def _place(span: Span | None) -> JsonValue:
    if span is None:
        return None
    return {"line": span.line, "column": span.column, "end_line": span.end_line, "end_column": span.end_column}
