"""Findings as people read them: text with excerpt and caret.

    error[unknown-step]: no step is called `biuld`
      --> release.yaml:14:26
       |
    14 |     command: cp {{ steps.biuld.outputs.path }} dist/
       |                          ^^^^^
       = help: did you mean `build` (line 7)?
       = docs: perdure explain unknown-step

Text of a definition is shown as it stands, except that characters which would move the terminal's cursor
are replaced. Carets count columns as a terminal does: wide characters two, combining ones none, tabs four.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from definitions.diagnostics import Diagnostic, Note, Severity, Span

_TAB = 4
_WIDEST = 200
_RED, _YELLOW, _BLUE, _CYAN = "\x1b[31m", "\x1b[33m", "\x1b[34m", "\x1b[36m"
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"
_COLORS: dict[Severity, str] = {"error": _RED, "warning": _YELLOW, "lint": _CYAN}


def render_text(diagnostics: Sequence[Diagnostic], sources: Mapping[str, str], color: bool) -> str:
    """Return all findings as text, an empty line between them; excerpts come from `sources` by file."""
    painter = _Painter(color)
    blocks: list[str] = []
    lines_by_file: dict[str, list[str]] = {}
    for finding in diagnostics:
        if finding.file in sources and finding.file not in lines_by_file:
            lines_by_file[finding.file] = sources[finding.file].replace("\r\n", "\n").replace("\r", "\n").split("\n")
        blocks.append("\n".join(_block(finding, lines_by_file.get(finding.file, []), painter)))
    return "\n\n".join(blocks) + "\n" if blocks else ""


def width_of(text: str) -> int:
    """Return how many columns of a terminal `text` takes."""
    return sum(_width(character) for character in text)


class _Painter:
    """Adds colours, or leaves them out."""

    def __init__(self, is_on: bool) -> None:
        self.is_on = is_on

    def __call__(self, text: str, *styles: str) -> str:
        return f"{''.join(styles)}{text}{_PLAIN}" if self.is_on and text else text


def _block(finding: Diagnostic, lines: list[str], painter: _Painter) -> Iterator[str]:
    paint = _COLORS[finding.severity]
    title = painter(f"{finding.severity}[{finding.code}]", _BOLD, paint)
    yield f"{title}{painter(f': {_safe(finding.message)}', _BOLD)}"
    placed = [note for note in finding.notes if note.span]
    gutter = max((len(str(span.line)) for span in [finding.span, *(note.span for note in placed)] if span), default=1)
    margin = " " * gutter
    if finding.span:
        yield f"{margin}{painter('-->', _BLUE)} {_safe(finding.file)}:{finding.span.line}:{finding.span.column}"
        yield from _excerpt(finding.span, lines, gutter, painter, paint)
    elif finding.file:
        yield f"{margin}{painter('-->', _BLUE)} {_safe(finding.file)}"
    for note in finding.notes:
        yield f"{margin} {painter('=', _BLUE)} note: {_safe(note.message)}"
        yield from _note_place(note, finding.file, lines, gutter, painter)
    if finding.help:
        yield f"{margin} {painter('=', _BLUE)} help: {_safe(finding.help)}"
    yield f"{margin} {painter('=', _BLUE)} docs: perdure explain {finding.code}"


def _note_place(note: Note, file: str, lines: list[str], gutter: int, painter: _Painter) -> Iterator[str]:
    if note.span is None:
        return
    margin = " " * gutter
    yield f"{margin}{painter('-->', _BLUE)} {_safe(file)}:{note.span.line}:{note.span.column}"
    yield from _excerpt(note.span, lines, gutter, painter, _BLUE)


def _excerpt(span: Span, lines: list[str], gutter: int, painter: _Painter, paint: str) -> Iterator[str]:
    """Yield the line and the caret under it; a very long line is shown around the caret."""
    if not 0 < span.line <= len(lines):
        return
    line = lines[span.line - 1]
    start = span.column - 1
    end = min(span.end_column - 1, len(line)) if span.end_line == span.line else len(line)
    cut = max(0, start - _WIDEST // 2) if len(line) > _WIDEST else 0
    shown = line[cut : cut + _WIDEST]
    bar, margin = painter("|", _BLUE), " " * gutter
    yield f"{margin} {bar}"
    opening, closing = "…" if cut else "", "…" if len(line) > cut + _WIDEST else ""
    text = opening + "".join(_visible(character) for character in shown).rstrip() + closing
    yield f"{painter(str(span.line).rjust(gutter), _BLUE)} {bar} {text}".rstrip()
    before = width_of(opening) + width_of(line[cut:start])
    carets = max(width_of(line[start : min(end, cut + _WIDEST)]), 1)
    yield f"{margin} {bar} {' ' * before}{painter('^' * carets, _BOLD, paint)}"


def _width(character: str) -> int:
    if character == "\t":
        return _TAB
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0 if _visible(character) == character else 1
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def _visible(character: str) -> str:
    """Return what is printed for a character: never one that moves the cursor or turns the text around."""
    if character == "\t":
        return " " * _TAB
    category = unicodedata.category(character)
    is_joiner = character in "\u200c\u200d"
    if category in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp") or (category == "Cf" and not is_joiner):
        return "\ufffd"
    return character


def _safe(text: str) -> str:
    return "".join(_visible(character) for character in text.replace("\n", " "))
