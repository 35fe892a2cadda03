"""Workflow commands, read back as the runner of GitHub Actions reads them."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from definitions.diagnostics import Diagnostic, Note, Severity, Span
from definitions.rendering import render_annotations

FOLDER = Path("/work/project")
COMMAND = re.compile(r"::(error|warning|notice) ([^\n]*?)::([^\n]*)\n")


def parsed(line: str) -> tuple[str, dict[str, str], str]:
    """Decode a command as `ActionCommand.cs` of the runner does."""
    found = COMMAND.fullmatch(line)
    assert found
    pairs = (pair.split("=", 1) for pair in found[2].split(","))
    decoded = {name: value.replace("%2C", ",").replace("%3A", ":") for name, value in pairs}
    undo = {name: _decoded(value) for name, value in decoded.items()}
    return found[1], undo, _decoded(found[3])


def _decoded(text: str) -> str:
    return text.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")


@pytest.mark.parametrize(("severity", "kind"), [("error", "error"), ("warning", "warning"), ("lint", "notice")])
def test_command_has_the_place_and_the_text_when_a_finding_has_both(severity: Severity, kind: str):
    notes = (Note("it begins here", Span(7, 1, 7, 2)), Note("by the way"))
    finding = Diagnostic("some-code", severity, "wrong", "/work/project/a,b:c.yaml", Span(1, 2, 3, 4), notes, "do so")
    assert parsed(render_annotations([finding], FOLDER)) == (
        kind,
        {"file": "a,b:c.yaml", "line": "1", "endLine": "3", "col": "2", "endColumn": "4", "title": "some-code"},
        "wrong\nnote: it begins here (line 7)\nnote: by the way\nhelp: do so\ndocs: perdure explain some-code",
    )


def test_command_has_no_place_when_a_finding_has_none():
    shown = render_annotations(
        [Diagnostic("some-code", "error", "wrong", "a.yaml"), Diagnostic("b", "lint", "w", "")], FOLDER
    )
    assert shown.splitlines()[0] == "::error file=a.yaml,title=some-code::wrong%0Adocs: perdure explain some-code"
    assert shown.splitlines()[1].startswith("::notice title=b::")


def test_nothing_is_printed_when_there_are_no_findings():
    assert render_annotations([], FOLDER) == ""


@given(message=st.text(), file=st.text(min_size=1).filter(lambda name: "\0" not in name and not name.startswith("/")))
def test_text_never_begins_a_command_when_it_is_hostile(message: str, file: str):
    shown = render_annotations([Diagnostic("some-code", "error", message, file, Span(1, 1, 1, 2))], FOLDER)
    assert shown.count("\n") == 1
    assert "\r" not in shown
    kind, properties, text = parsed(shown)
    assert (kind, properties["line"]) == ("error", "1")
    assert text == f"{message}\ndocs: perdure explain some-code"
