"""What a plain YAML scalar is: the YAML 1.2 core types, less what people misread.

`true`, `false`, `null`, whole and decimal numbers; everything else is text. So `yes`, `12:30` and `2026-01-01`
are texts. Spellings that parsers disagree about (`010`, `0x1F`, `.inf`, numbers that lose digits) are neither:
they are `Ambiguous`, and the author says which is meant.
"""

import re
from dataclasses import dataclass

_KEYWORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_MISREAD = re.compile(r"[-+]?0[0-9][0-9.]*|[-+]?0o[0-7]+|[-+]?0x[0-9a-fA-F]+|[-+]?0b[01]+")
_NOT_JSON = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_NOT_JSON_WORDS = frozenset({"NaN", "Infinity", "-Infinity"})
_INTEGER_LIMIT = 2**63
_NUMBER_WIDTH = 40


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """A scalar with no single meaning, and why."""

    reason: str


def resolve(text: str) -> str | int | float | bool | Ambiguous | None:
    """Return what the plain scalar `text` is."""
    if text in _KEYWORDS:
        return _KEYWORDS[text]
    if text in _NOT_JSON_WORDS:  # what Python and JavaScript write into JSON
        return Ambiguous(f"`{text}` is not a number that JSON can carry")
    if text[0] not in "0123456789+-.":
        return text
    if _NOT_JSON.fullmatch(text):
        return Ambiguous(f"`{text}` is not a number that JSON can carry")
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _MISREAD.fullmatch(text):
        return Ambiguous(f"`{_short(text)}` is a different number, or a text, depending on who reads it")
    if _FLOAT.fullmatch(text):
        return _float(text)
    return text


def _integer(text: str) -> int | Ambiguous:
    number = int(text) if len(text) <= _NUMBER_WIDTH else _INTEGER_LIMIT
    if not -_INTEGER_LIMIT <= number < _INTEGER_LIMIT:
        return Ambiguous(f"`{_short(text)}` is too big for a 64-bit number")
    return number


def _float(text: str) -> float | Ambiguous:
    if len(text) > _NUMBER_WIDTH:
        return Ambiguous(f"`{_short(text)}` has more digits than a 64-bit number keeps")
    number = float(text)
    if number in (float("inf"), float("-inf")):
        return Ambiguous(f"`{_short(text)}` is too big for a 64-bit number")
    return number


def _short(text: str) -> str:
    return text if len(text) <= _NUMBER_WIDTH else f"{text[:_NUMBER_WIDTH]}…"
