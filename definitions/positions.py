"""Where a character of a scalar's value stands in the file.

YAML unfolds lines, takes indentation away and resolves escapes, so an offset into a value is not an offset
into the text. `span_in` walks the value and the written text side by side: a character that is not white
space is the next one written, after white space, `''` or an escape. White space itself is only near its
place, which does no harm, because findings begin at tokens.
"""

import re
from array import array
from collections.abc import Sequence
from functools import lru_cache

from definitions.diagnostics import Span
from definitions.nodes import Scalar, Style, head

_PAIR = r"u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
"""One character in JSON's two escapes."""
_ESCAPE = re.compile(rf"\\(?:{_PAIR}|x[0-9a-fA-F]{{2}}|u[0-9a-fA-F]{{4}}|U[0-9a-fA-F]{{8}}|.)", re.DOTALL)
_WHITE = " \t\n"


def span_in(node: Scalar, lines: Sequence[str], start: int, width: int) -> Span:
    """Return the span of `width` characters from offset `start` of a scalar's value, cut to one line."""
    while node.origin is not None:
        start, width = node.origin.stretch(start, width)
        node = node.origin.node
    written = _written(node, lines)
    first = _place_of(node, written, start)
    if first is None:
        return head(node)
    last = _place_of(node, written, start + max(width, 1) - 1) or first
    line, column = _position(node, written, first.start)
    end_line, end_column = _position(node, written, last.stop - 1)
    if end_line != line:
        end_column = len(lines[line - 1])
    return Span(line, column, line, max(end_column, column) + 1)


def _written(node: Scalar, lines: Sequence[str]) -> str:
    """Return the file's text from the scalar's first character on."""
    span = node.span
    inside = list(lines[span.line - 1 : span.end_line])
    if len(inside) == span.end_line - span.line + 1 and inside:
        inside[-1] = inside[-1][: span.end_column - 1]
    if inside:
        inside[0] = inside[0][span.column - 1 :]
    return "\n".join(inside)


def _position(node: Scalar, written: str, index: int) -> tuple[int, int]:
    line = written.count("\n", 0, index)
    column = index - (written.rfind("\n", 0, index) + 1)
    return node.span.line + line, column + (node.span.column if line == 0 else 1)


def _place_of(node: Scalar, written: str, offset: int) -> range | None:
    """Return where in `written` the value's character at `offset` stands; None where they part ways."""
    places = _places(node.style, written, str(node.value))
    return range(places[2 * offset], places[2 * offset + 1]) if 0 <= 2 * offset < len(places) else None


@lru_cache(maxsize=8)
def _places(style: Style, written: str, value: str) -> Sequence[int]:
    """Return where each character of `value` begins and ends, in turn; a text with many findings is walked once."""
    places = array("l")
    index = _beginning(style, written)
    for character in value:
        place = _next(style, written, index, character)
        if place is None:
            break
        places.extend(place)
        index = place[1]
    return places


def _beginning(style: Style, written: str) -> int:
    if style in ("literal", "folded"):
        return written.find("\n") + 1
    return 0 if style == "plain" else 1


def _next(style: Style, written: str, index: int, character: str) -> tuple[int, int] | None:
    """Return where `character` stands from `index` on, and where what follows it begins."""
    if character in _WHITE:
        if style == "double" and written[index : index + 1] == "\\":
            return index, index + len(_escape(written, index))
        return index, index + (1 if written[index : index + 1] in _WHITE else 0)
    index = _skip_white(style, written, index)
    if index >= len(written):
        return None
    if style == "double" and written[index] == "\\":
        return index, index + len(_escape(written, index))
    if written[index] != character:
        return None
    doubled = style == "single" and character == "'"
    return index, index + (2 if doubled else 1)


def _skip_white(style: Style, written: str, index: int) -> int:
    while index < len(written) and (written[index] in _WHITE or _is_line_continuation(style, written, index)):
        index += 1
    return index


def _is_line_continuation(style: Style, written: str, index: int) -> bool:
    return style == "double" and written.startswith("\\\n", index)


def _escape(written: str, index: int) -> str:
    found = _ESCAPE.match(written, index)
    return found.group() if found else "\\"
