"""Reading on behind a text that is not YAML, so that one missing pair of quotes does not hide all other findings.

Where the parser stops at the value of a `key: value` that stands on one line, that value is taken out, and the rest is
read again; places stay as they were. Only what is sure is taken out: nothing that other findings lean on, such as an
`id`, and nothing that may go on over the line's end. Where it does not help, the first finding stands alone.
"""

import re

from definitions.diagnostics import Diagnostic
from definitions.yaml_guard import Document, read
from definitions.yaml_words import IN_A_BLOCK

_MOST_ROUNDS = 10
_MOST_CHARACTERS = 100_000
"""Each round parses the text again."""
_CODES = frozenset({"yaml-syntax", "unquoted-template"})
_LINE = re.compile(r"""(?P<before>\s*(?:-\s+)*(?:(?P<key>[A-Za-z_][\w-]*|"[\w-]+"|'[\w-]+')\s*:\s+)?)(?P<value>\S.*)""")
_LEANED_ON = frozenset({"id", "type", "steps", "inputs", "outputs", "values", "output_schema", "needs", "env"})


def read_on(text: str | bytes, file: str) -> tuple[Document, frozenset[tuple[int, int]]]:
    """Return what `yaml_guard.read` does, with all that can be read; and the places of values that were taken out."""
    document = read(text, file)
    first, found = document, list[Diagnostic]()
    taken_out: set[tuple[int, int]] = set()
    source = document.source
    while document.root is None and len(source) <= _MOST_CHARACTERS and len(found) < _MOST_ROUNDS:
        stop = document.diagnostics[-1] if document.diagnostics else None
        masked = _masked(source, stop) if stop and stop.code in _CODES else None
        if stop is None or stop.span is None or masked is None:
            break
        again = read(masked[0], file)
        if again.root is None and not _is_later(again, stop.span.line):
            break
        found.append(stop)
        taken_out.add((stop.span.line, masked[1]))
        source, document = masked[0], again
    if not found:
        return first, frozenset()
    return Document(first.source, document.root, [*found, *document.diagnostics]), frozenset(taken_out)


def _masked(source: str, stop: Diagnostic) -> tuple[str, int] | None:
    """Return the text without the value at which the parser stopped, and the value's column."""
    if stop.span is None or any(note.message not in IN_A_BLOCK for note in stop.notes):
        return None
    lines = source.split("\n")
    line = lines[stop.span.line - 1]
    parts = _LINE.fullmatch(line)
    if parts is None or not parts["before"].strip() or stop.span.column <= len(parts["before"]):
        return None
    key, value = (parts["key"] or "").strip("\"'"), parts["value"]
    is_collection = value[0] in "{[|>&*!#" and not value.startswith("{{")
    if key in _LEANED_ON or is_collection or _goes_on(lines, stop.span.line, len(line) - len(line.lstrip())):
        return None
    lines[stop.span.line - 1] = parts["before"] + "~"
    return "\n".join(lines), len(parts["before"]) + 1


def _goes_on(lines: list[str], following: int, indent: int) -> bool:
    """Whether the text of a line may go on below it."""
    after = next((line for line in lines[following:] if line.strip()), "")
    first = len(lines[following - 1]) - len(lines[following - 1].lstrip("- "))
    return len(after) - len(after.lstrip()) > max(indent, first)


def _is_later(document: Document, line: int) -> bool:
    last = document.diagnostics[-1] if document.diagnostics else None
    return last is not None and last.span is not None and last.span.line > line
