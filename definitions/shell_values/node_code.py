"""JavaScript for Node: which part is code, string, template literal, pattern or comment.

A `/` begins a pattern or divides, which only a whole parser could always tell. After a value it divides; after `)`
and `}` both are possible, and where the two readings would differ in what is code after it, the script is refused.
"""

import re

from definitions.shell_values import refusals
from definitions.shell_values.program import ProgramText
from definitions.shell_values.refusals import unreadable
from definitions.templates import OPENING

_BLANK = re.compile(r"\s+")
_WORD = re.compile(r"[\w$]+")
_PATTERN = re.compile(r"/((?:[^/\\\[\n]|\\[^\n]|\[(?:[^\]\\\n]|\\[^\n])*\])+)/")
_BEFORE_PATTERN = frozenset(
    "return typeof instanceof in of new delete void throw case do else await yield".split()  # noqa: SIM905
)
_ENDS_OPEN = re.compile(rf"(?:[+*?|^&=<>,(\[{{:;!~%-]|\b(?:{'|'.join(sorted(_BEFORE_PATTERN))}))\s*$")
"""What a pattern would follow, so that the next `/` would begin one if this one divides."""
_CONFUSING = re.compile(r"['\"`{]|//|/\*")


class NodeCode(ProgramText):
    """Reads a script for Node."""

    program = "node"

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._before = ""
        """The token before: a word, the kind `value`, or a sign."""
        self._line_begins = True
        """Whether nothing but blanks and comments stands before on the line."""

    def script(self) -> None:
        """Read the script."""
        self.refuse_lone_line_ends()
        if self.sees("#!"):
            self.comment()
        self._code()
        if self.next:
            raise self.unreadable("`}` closes nothing")

    def _code(self) -> None:
        """Read code up to a `}` that closes nothing in it, or to the end."""
        depth = 0
        while self.next:
            if self.sees(OPENING):
                self.value()
                self._before, self._line_begins = "value", False
            elif self.sees("}") and not depth:
                return
            elif match := _BLANK.match(self.text, self.at):
                self.take(len(match.group()))
                self._line_begins = self._line_begins or "\n" in match.group()
            else:
                depth += {"{": 1, "}": -1}.get(self.next, 0)
                self._token()

    def _token(self) -> None:
        sign = self.next
        if match := _WORD.match(self.text, self.at):
            sign = match.group()
            self.take(len(sign))
        elif self.sees("//"):
            return self.comment()
        elif self.sees("/*"):
            return self._block_comment()
        elif sign in ("'", '"'):
            self.take()
            self.string(sign, refusals.STRING)
            sign = "value"
        elif sign == "`":
            self._template_literal()
            sign = "value"
        elif sign == "/":
            sign = self._slash()
        else:
            self._refuse_old_comments()
            self.take()
        self._before, self._line_begins = sign, False
        return None

    def _block_comment(self) -> None:
        start = self.at
        self.take(2)
        self.comment("*/")
        if not self.next:
            raise unreadable("a comment is not closed", start, start + 2)
        self.take(2)
        self._line_begins = self._line_begins or "\n" in self.text[start : self.at]

    def _refuse_old_comments(self) -> None:
        if self.sees("<!--") or (self.sees("-->") and self._line_begins):
            raise self.unreadable("this begins a comment, as it did in old web pages", 3)

    def _template_literal(self) -> None:
        opened = self.at
        self.take()
        while not self.sees("`"):
            if self.sees("${") and not self.sees("$" + OPENING):
                with self.nested():
                    self.take(2)
                    self._before = "{"
                    self._code()
                    if not self.next:
                        raise self.unreadable("`${` is not closed")
                    self.take()
            else:
                with self.refusing(refusals.TEMPLATE_LITERAL):
                    self.inside_string("`", opened)
        self.take()

    def _slash(self) -> str:
        """Read a pattern or a division; return the kind of token that it was."""
        match = _PATTERN.match(self.text, self.at)
        if match is None or not self._begins_pattern(match):
            return self.take()
        for _ in range(len(match.group())):
            if self.sees(OPENING):
                raise self.unreadable("a value cannot stand in a pattern, and this may be one", 2)
            self.take()
        return "value"

    def _begins_pattern(self, match: re.Match[str]) -> bool:
        before = self._before
        if before not in (")", "}"):
            is_value = before == "value" or before == "]" or (_WORD.fullmatch(before) and before not in _BEFORE_PATTERN)
            return not is_value
        if _CONFUSING.search(match[1]) or _ENDS_OPEN.search(match[1]):
            raise self.unreadable("this may be a division or a pattern")
        return False
