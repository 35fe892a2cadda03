"""From an author's text to a text that `ast` may read, of the same length, so that every position stays right.

Python's own tokeniser is not asked about anything whose meaning changes between versions or that warns: string
literals are read here and blanked, comments and odd characters are refused here. Names that Python would not take
are made fit: keywords after a dot (`inputs.from`), and step ids with dashes after `steps.` (`steps.run-tests`: what
follows `steps.` is an id, never a subtraction). The compiler reads the true names back from the author's text.
"""

import keyword
import re
from dataclasses import dataclass

from definitions.errors import ExpressionError

TEXT_LIMIT = 4096

_WORD = re.compile(r"[^\W\d]\w*")
_STEP_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_NUMBER = re.compile(r"(0[xX][0-9a-fA-F]+|([0-9][0-9_]*([.][0-9]+)?|[.][0-9]+)([eE][+-]?[0-9]+)?)")
_OPERATOR = re.compile(r"==|!=|<=|>=|//|\*\*|:=|&&|\|\||[-+*/%<>,.:=!&|^~?;@$`#\\]")
_CLOSERS = {"(": ")", "[": "]", "{": "}", "{{": "}}"}
_ADVICE = {
    "&&": "write `and`",
    "||": "write `or`",
    "!": "write `not`",
    "=": "write `==` to compare; arguments have no names",
    "?": "write `a if condition else b`, or `default(a, b)`",
    "$": "names stand without `$`",
    "#": "there are no comments in an expression",
    "\\": "a backslash has a meaning in strings only",
    ";": "an expression is one value",
    "`": "strings stand in single or double quotes",
}
_SIMPLE_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"'}
_HEX_ESCAPES = {"x": 2, "u": 4, "U": 8}


@dataclass(frozen=True, slots=True)
class Source:
    """An expression's text, as written and as `ast` reads it."""

    text: str
    plain: str
    strings: tuple[tuple[int, str], ...]
    """Where each string literal begins, and what it says."""

    def string_between(self, start: int, end: int) -> str:
        """Return what the literals in a range say, one after the other."""
        return "".join(value for at, value in self.strings if start <= at < end)


def syntax_error(message: str, start: int, end: int | None = None) -> ExpressionError:
    """Return the error of a text that is no expression."""
    return ExpressionError("expression-syntax", message, start, end)


def read_source(text: str, *, is_condition: bool = False) -> Source:
    """Return `text` made fit for `ast`; in a condition `{{ e }}` is `e` in brackets.

    Raises:
        ExpressionError: it cannot be an expression.
    """
    if len(text) > TEXT_LIMIT:
        raise ExpressionError(
            "expression-too-long",
            f"the expression is longer than {TEXT_LIMIT} characters; compute parts in a `set` step",
            0,
        )
    return _Reader(text, is_condition).read()


def end_of_string(text: str, start: int) -> int:
    """Return the position after the string literal whose opening quote is at `start`.

    Raises:
        ExpressionError: it is not closed on its line.
    """
    quote = text[start]
    at = start + 1
    while at < len(text) and text[at] != "\n":
        if text[at] == quote:
            return at + 1
        at += 2 if text[at] == "\\" else 1
    raise syntax_error(f"the string that begins here has no closing `{quote}`", start, start + 1)


def end_of_placeholder(text: str, start: int) -> int | None:
    """Return where the `}}` stands that closes a `{{` whose inside begins at `start`; None where there is none."""
    depth = 0
    at = start
    while at < len(text):
        character = text[at]
        if character in "'\"":
            at = end_of_string(text, at)
            continue
        if character == "{":
            depth += 1
        elif character == "}":
            if depth == 0 and text.startswith("}}", at):
                return at
            depth = max(0, depth - 1)
        at += 1
    return None


class _Reader:
    """Walks a text once, token by token."""

    def __init__(self, text: str, is_condition: bool) -> None:
        self.text = text
        self.is_condition = is_condition
        self.at = 0
        self.plain: list[str] = []
        self.strings: list[tuple[int, str]] = []
        self.brackets: list[tuple[str, int]] = []

    def read(self) -> Source:
        while self.at < len(self.text):
            self.token()
        if self.brackets:
            opening, at = self.brackets[-1]
            raise syntax_error(f"`{opening}` is not closed", at, at + len(opening))
        plain = "".join(self.plain)
        if not plain.strip():
            raise syntax_error("there is no expression here", 0, len(self.text))
        return Source(self.text, plain, tuple(self.strings))

    def token(self) -> None:
        character = self.text[self.at]
        if character in " \t\r\n":
            self.take(1, " ")
        elif character in "'\"":
            self.string(is_raw=False)
        elif match := _WORD.match(self.text, self.at):
            self.word(match.group())
        elif match := _NUMBER.match(self.text, self.at):
            self.number(match)
        elif character in "([{":
            self.open()
        elif character in ")]}":
            self.close()
        elif match := _OPERATOR.match(self.text, self.at):
            self.operator(match.group())
        else:
            raise syntax_error(f"`{character!a}` has no place in an expression".replace("'", ""), self.at, self.at + 1)

    def take(self, length: int, plain: str | None = None) -> None:
        self.plain.append(self.text[self.at : self.at + length] if plain is None else plain)
        self.at += length

    def word(self, word: str) -> None:
        following = self.text[self.at + len(word) : self.at + len(word) + 1]
        if following in ("'", '"') and following:
            self.prefixed_string(word)
        elif "".join(self.plain[-1:]) == "." and keyword.iskeyword(word):
            self.take(len(word), "_" * len(word))
        elif self.follows_steps() and (match := _STEP_ID.match(self.text, self.at)):
            identifier = match.group()
            self.take(len(identifier), identifier.replace("-", "_") if "-" in identifier else None)
        else:
            self.take(len(word))

    def follows_steps(self) -> bool:
        return self.plain[-2:] == ["steps", "."] and self.plain[-3:-2] != ["."]

    def prefixed_string(self, prefix: str) -> None:
        if prefix in ("r", "R"):
            self.take(1, " ")
            self.string(is_raw=True)
            return
        kind = "f-strings are" if prefix in ("f", "F") else f"the prefix `{prefix}` is"
        raise ExpressionError(
            "expression-not-allowed",
            f"{kind} not part of the language; write the string without it, and join with `+`",
            self.at,
            self.at + len(prefix),
        )

    def string(self, *, is_raw: bool) -> None:
        start = self.at
        if self.text[start : start + 3] in ("'''", '"""'):
            raise syntax_error("a string has one quote at each end", start, start + 3)
        end = end_of_string(self.text, start)
        inside = self.text[start + 1 : end - 1]
        if self.is_condition and "{{" in inside:
            raise syntax_error(
                "`{{ }}` inside quotes is only text here; write the expression without quotes", start, end
            )
        self.strings.append((start, inside if is_raw else _unescape(inside, start + 1)))
        quote = self.text[start]
        self.take(end - start, quote + "_" * len(inside) + quote)

    def number(self, match: re.Match[str]) -> None:
        end = match.end()
        if end < len(self.text) and (self.text[end].isalnum() or self.text[end] == "_"):
            raise syntax_error("a number ends in digits, and a name begins with a letter", self.at, end + 1)
        self.take(end - self.at)

    def open(self) -> None:
        opening = self.text[self.at]
        if self.is_condition and self.text.startswith("{{", self.at):
            opening = "{{"
        self.brackets.append((opening, self.at))
        self.take(len(opening), "( " if opening == "{{" else None)

    def close(self) -> None:
        opening = self.brackets.pop()[0] if self.brackets else ""
        closing = _CLOSERS.get(opening, "")
        if not closing or not self.text.startswith(closing, self.at):
            found = self.text[self.at]
            message = (
                f"`{found}` where `{opening}` still waits for `{closing}`" if opening else f"`{found}` closes nothing"
            )
            raise syntax_error(message, self.at, self.at + 1)
        self.take(len(closing), " )" if opening == "{{" else None)

    def operator(self, sign: str) -> None:
        if sign in _ADVICE:
            raise syntax_error(f"`{sign}` is not an operator here; {_ADVICE[sign]}", self.at, self.at + len(sign))
        self.take(len(sign))


def _unescape(inside: str, offset: int) -> str:
    r"""Return what a literal's inside says; a backslash before an unknown character stays (`\d` in patterns)."""
    if "\\" not in inside:
        return inside
    parts: list[str] = []
    at = 0
    while at < len(inside):
        if inside[at] != "\\":
            parts.append(inside[at])
            at += 1
            continue
        kind = inside[at + 1]
        length = _HEX_ESCAPES.get(kind)
        if length is not None:
            parts.append(_hex_character(inside[at + 2 : at + 2 + length], length, offset + at))
            at += 2 + length
            continue
        parts.append(_SIMPLE_ESCAPES.get(kind, "\\" + kind))
        at += 2
    return "".join(parts)


def _hex_character(digits: str, length: int, at: int) -> str:
    if re.fullmatch(r"[0-9a-fA-F]+", digits) and len(digits) == length:
        number = int(digits, 16)
        if number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF:
            return chr(number)
    raise syntax_error(f"a character's number has {length} hexadecimal digits here", at, at + 2 + len(digits))
