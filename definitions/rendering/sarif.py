"""Findings as SARIF 2.1.0, which code scanning and editors read.

One run of one tool; a rule for each code that is found, with its page as help; notes that have a place are related
locations. Columns count characters, as ours do (SARIF's default is UTF-16 units). A finding that a comment allows
is not in the log: services show suppressed results as open ones.
"""

from collections.abc import Sequence
from pathlib import Path

from pydantic import JsonValue

from definitions.codes import CODES, markdown
from definitions.diagnostics import Diagnostic, Severity, Span
from definitions.rendering.paths import as_uri

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: dict[Severity, str] = {"error": "error", "warning": "warning", "lint": "note"}


def render_sarif(diagnostics: Sequence[Diagnostic], folder: Path, version: str) -> dict[str, JsonValue]:
    """Return a SARIF log of the findings; `version` is Perdure's, files are named relative to `folder`."""
    slugs = list(dict.fromkeys(finding.code for finding in diagnostics))
    rules: list[JsonValue] = [_rule(slug) for slug in slugs]
    results: list[JsonValue] = [_result(finding, slugs.index(finding.code), folder) for finding in diagnostics]
    driver: JsonValue = {"name": "perdure", "version": version, "rules": rules}
    run: JsonValue = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(slug: str) -> JsonValue:
    code = CODES.get(slug)
    if code is None:
        return {"id": slug}
    return {
        "id": slug,
        "shortDescription": {"text": code.title},
        "fullDescription": {"text": code.explanation},
        "help": {"text": f"perdure explain {slug}", "markdown": markdown(code)},
        "defaultConfiguration": {"level": _LEVELS[code.severity]},
    }


def _result(finding: Diagnostic, rule: int, folder: Path) -> JsonValue:
    facts = [note.message for note in finding.notes if note.span is None]
    text = "\n".join([finding.message, *facts, *([f"help: {finding.help}"] if finding.help else [])])
    result: dict[str, JsonValue] = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": text},
    }
    if finding.file:
        result["locations"] = [_location(finding.file, finding.span, folder)]
    related: list[JsonValue] = [
        {"id": number, "message": {"text": note.message}, **_location(finding.file, note.span, folder)}
        for number, note in enumerate((note for note in finding.notes if note.span), start=1)
    ]
    if related and finding.file:
        result["relatedLocations"] = related
    return result


def _location(file: str, span: Span | None, folder: Path) -> dict[str, JsonValue]:
    place: dict[str, JsonValue] = {"artifactLocation": {"uri": as_uri(file, folder)}}
    if span:
        place["region"] = {
            "startLine": span.line,
            "startColumn": span.column,
            "endLine": span.end_line,
            "endColumn": span.end_column,
        }
    return {"physicalLocation": place}
