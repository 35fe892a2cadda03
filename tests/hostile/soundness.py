"""What must hold of every text that is loaded, whatever it is: the one judge of corpus, properties and fuzzers.

examine(content)   loads it and raises `Unsound` where a promise of the loader is broken:

- nothing is raised, and there is a definition exactly where no finding is an error;
- findings are few, short, of known codes, each with a place inside the text;
- text for terminals has no character that moves the cursor; JSON says the same as the findings;
- loading twice gives the same, and a definition survives its frozen form with its digest.
"""

import json
import unicodedata
from collections.abc import Iterator

from definitions.codes import CODES
from definitions.diagnostics import Diagnostic, Span
from definitions.loader import Loaded, definition_digest, frozen, load
from definitions.models import Definition
from definitions.rendering import render_json, render_text
from definitions.text_guard import written

FILE = "hostile.yaml"
MOST_FINDINGS = 300
LONGEST_MESSAGE = 1000
LONGEST_BLOCK = 4000
SMALL = 20_000
"""Characters: longer texts are loaded once, since they are there for what they cost."""
PLACELESS = frozenset({"text-too-large"})
"""Codes about a text as a whole, which was not even read."""


class Unsound(AssertionError):
    """A promise of the loader is broken."""


def examine(content: str | bytes) -> Loaded:
    """Return what loading gives. Raises `Unsound`, or whatever the loader let escape."""
    loaded = load(content, FILE)
    faults = list(_faults(loaded))
    again = load(content, FILE) if len(content) <= SMALL else loaded
    if (again.diagnostics, again.source) != (loaded.diagnostics, loaded.source):
        faults.append("loading twice gives two answers")
    if faults:
        raise Unsound("; ".join(faults[:5]))
    return loaded


def _faults(loaded: Loaded) -> Iterator[str]:
    has_errors = any(finding.severity == "error" for finding in loaded.diagnostics)
    if (loaded.definition is None) != has_errors:
        yield "a definition and errors, or neither"
    if len(loaded.diagnostics) > MOST_FINDINGS:
        yield f"{len(loaded.diagnostics)} findings"
    lines = loaded.source.split("\n")
    for finding in loaded.diagnostics:
        yield from _finding_faults(finding, lines)
    yield from _rendering_faults(loaded)
    if loaded.definition is not None:
        yield from _definition_faults(loaded.definition)


def _finding_faults(finding: Diagnostic, lines: list[str]) -> Iterator[str]:
    if finding.code not in CODES:
        yield f"the code `{finding.code}` is unknown"
    if finding.file != FILE:
        yield f"`{finding.code}` is about the file `{finding.file}`"
    for text in (finding.message, finding.help or "", *(note.message for note in finding.notes)):
        if len(text) > LONGEST_MESSAGE:
            yield f"`{finding.code}` says {len(text)} characters"
    if finding.span is None and finding.code not in PLACELESS:
        yield f"`{finding.code}` has no place"
    for span in (finding.span, *(note.span for note in finding.notes)):
        if span is not None and not is_inside(span, lines):
            yield f"`{finding.code}` is at {tuple(span)}, outside the text"


def is_inside(span: Span, lines: list[str]) -> bool:
    """Whether a span begins at a character or a line's end, and ends at most one column past a line's end."""
    if not 1 <= span.line <= span.end_line <= len(lines):
        return False
    starts_inside = 1 <= span.column <= len(lines[span.line - 1]) + 1
    ends_inside = 1 <= span.end_column <= len(lines[span.end_line - 1]) + 2
    return starts_inside and ends_inside and (span.line, span.column) < (span.end_line, span.end_column)


def _rendering_faults(loaded: Loaded) -> Iterator[str]:
    sources = {FILE: loaded.source}
    text = render_text(loaded.diagnostics, sources, color=False)
    bad = next((one for one in text if one != "\n" and not is_printed_safely(one)), None)
    if bad:
        yield f"the text for terminals holds U+{ord(bad):04X}"
    for finding in loaded.diagnostics[:20]:
        block = render_text([finding], sources, color=True)
        if len(block) > LONGEST_BLOCK * (1 + len(finding.notes)):
            yield f"the text of `{finding.code}` has {len(block)} characters"
    printed = json.dumps(render_json(loaded.diagnostics), allow_nan=False)
    if [item["code"] for item in json.loads(printed)] != [finding.code for finding in loaded.diagnostics]:
        yield "JSON says something else than the findings"
    printed.encode()


def is_printed_safely(character: str) -> bool:
    """Whether a terminal shows a character where it stands, and nothing else happens."""
    category = unicodedata.category(character)
    return category not in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp") and (category != "Cf" or character in "\u200c\u200d")


def _definition_faults(definition: Definition) -> Iterator[str]:
    form = frozen(definition)
    if Definition.model_validate_json(json.dumps(form, allow_nan=False)) != definition:
        yield "the frozen form is another definition"
    again = load(written(form), FILE)
    if again.definition is None:
        yield f"the frozen form does not load: {[finding.message for finding in again.diagnostics][:2]}"
    elif definition_digest(again.definition) != definition_digest(definition):
        yield "the frozen form has another digest"
