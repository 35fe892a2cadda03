"""From bytes to a text that looks like what it means: the first guard, before any parser.

decode    bytes -> text with plain line ends: UTF-8, at most 1 MiB, no byte order mark, no control or
          bidirectional characters
written   a definition that came as an object -> its text; JSON can escape what no text may hold
Pairs     JSON writes characters beyond U+FFFF as two escapes, which YAML does not know. The parser is given
          one escape instead, and `Pairs.column` leads its places back to the text as it was written.
"""

import json
import re
from bisect import bisect_left
from dataclasses import dataclass, field

from pydantic import JsonValue

from definitions.diagnostics import Diagnostic, Span

MAXIMUM_BYTES = 1 << 20

_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff\ufffe\uffff]"
)
_PAIR = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_ESCAPES_SAVED = len(r"\ud83d\ude00") - len(r"\U0001F600")
_OTHER_ENCODINGS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_SAVE_AS = "save the file as UTF-8"


@dataclass(frozen=True, slots=True)
class Pairs:
    """The text for the parser, and where in it two escapes became one."""

    text: str
    columns: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    """By line of `text`, counted from 0: the columns at which a joined escape ends."""

    def column(self, line: int, column: int) -> int:
        """Return the column as it was written; all counted from 0."""
        joined = self.columns.get(line)
        return column + _ESCAPES_SAVED * bisect_left(joined, column + 1) if joined else column


def written(value: JsonValue) -> str:
    """Return the text of a JSON value; characters that must not stand in a text are written as escapes."""
    text = json.dumps(value, ensure_ascii=False)
    return _FORBIDDEN.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def decode(text: str | bytes, file: str) -> tuple[str, Diagnostic | None]:
    """Return the text with plain line ends, and why it cannot be read, if so."""
    size = len(text) if isinstance(text, bytes) else len(text.encode(errors="surrogatepass"))
    if size > MAXIMUM_BYTES:
        # files are read one byte past the limit, so how much more there is is not known
        message = f"the text has more than {MAXIMUM_BYTES} bytes"
        help_ = "move long prompts and scripts into files of the workspace"
        return "", Diagnostic("text-too-large", "error", message, file, help=help_)
    if isinstance(text, bytes):
        try:
            text = text.decode()
        except UnicodeDecodeError as error:
            return _not_text(text, error, file)
    source = text.replace("\r\n", "\n").replace("\r", "\n")
    found = _FORBIDDEN.search(source)
    return source, _forbidden_character(source, found, file) if found else None


def join_pairs(source: str) -> Pairs:
    """Return a JSON text with its surrogate pairs joined; any other text as it is."""
    if not source.lstrip().startswith("{") or not _PAIR.search(source) or not _is_json(source):
        return Pairs(source)
    lines: list[str] = []
    columns: dict[int, list[int]] = {}
    for number, line in enumerate(source.split("\n")):
        joined = _PAIR.sub(_join, line)
        lines.append(joined)
        if joined != line:
            columns[number] = _ends_of_joined(line)
    return Pairs("\n".join(lines), columns)


def _is_json(source: str) -> bool:
    """Only in JSON is every quoted text one in which escapes count."""
    try:
        json.loads(source, parse_int=str, parse_float=str)  # numbers of any length
    except (ValueError, RecursionError):
        return False
    return True


def _join(pair: re.Match[str]) -> str:
    high, low = int(pair[2], 16), int(pair[3], 16)
    return f"{pair[1]}\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08X}"


def _ends_of_joined(line: str) -> list[int]:
    return [pair.end() - _ESCAPES_SAVED * count for count, pair in enumerate(_PAIR.finditer(line), 1)]


def _not_text(content: bytes, error: UnicodeDecodeError, file: str) -> tuple[str, Diagnostic]:
    before = content[: error.start].decode().replace("\r\n", "\n").replace("\r", "\n")
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    other = next((name for mark, name in _OTHER_ENCODINGS if content.startswith(mark)), None)
    message = f"the file is {other}, not UTF-8" if other else f"the byte `0x{content[error.start]:02x}` is not UTF-8"
    source = content.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    span = Span(line, column, line, column + 1)
    return source, Diagnostic("not-utf8", "error", message, file, span, help=_SAVE_AS)


def _forbidden_character(source: str, found: re.Match[str], file: str) -> Diagnostic:
    line = source.count("\n", 0, found.start()) + 1
    column = found.start() - (source.rfind("\n", 0, found.start()) + 1) + 1
    message = f"the character `U+{ord(found.group()):04X}` must not stand in a definition"
    help_ = "remove it; inside double quotes it can be written as an escape"
    if found.group() == "\ufeff" and found.start() == 0:
        message = "the file begins with a byte order mark (`U+FEFF`), which must not stand in a definition"
        help_ = f"{_SAVE_AS} without a byte order mark"
    elif found.group() == "\0" and source.count("\0") * 3 > len(source):
        help_ = f"{_SAVE_AS}; this looks like UTF-16 or UTF-32"
    return Diagnostic("forbidden-character", "error", message, file, Span(line, column, line, column + 1), help=help_)
