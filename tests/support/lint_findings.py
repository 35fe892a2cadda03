"""What lint says about a few lines of YAML: for the tests of single rules."""

from textwrap import dedent

from definitions.diagnostics import Diagnostic
from definitions.loader import load

HEAD = 'name: release\nversion: "1.0"\ndescription: Build a release, and publish it\n'


def linted(text: str, *, head: str = HEAD) -> tuple[Diagnostic, ...]:
    """Return the findings about a definition, which has a good head and must have no errors."""
    loaded = load(head + dedent(text).lstrip("\n"), "release.yaml", with_lint=True)
    assert loaded.definition, loaded.diagnostics
    return loaded.diagnostics


def said(text: str, code: str, *, head: str = HEAD) -> list[tuple[int, str]]:
    """Return line, counted without the head, and the marked text of each finding of `code`."""
    lines = (head + dedent(text).lstrip("\n")).split("\n")
    found: list[tuple[int, str]] = []
    for finding in linted(text, head=head):
        if finding.code == code:
            assert finding.span
            assert finding.severity == "lint"
            line, start, _, end = finding.span
            found.append((line - head.count("\n"), lines[line - 1][start - 1 : end - 1]))
    return found


def places(finding: Diagnostic) -> list[int]:
    """Return the lines of a finding and of its notes, without the head."""
    return [span[0] - HEAD.count("\n") for span in (finding.span, *(note.span for note in finding.notes)) if span]
