"""JavaScript for Node: which part is code, string, template literal, pattern or comment.

A `/` begins a pattern or divides, which only a whole parser could always tell. After a value it divides; after `)`
and `}` both are possible, and where the two readings would differ in where strings begin, the script is refused.
"""

import re

from definitions.shell_values import refusals
from definitions.shell_values.program import ProgramText
from definitions.templates import OPENING

_BLANK = re.compile(r"\s+")
_WORD = re.compile(r"[\w$]+")
_PATTERN = re.compile(r"/((?:[^/\\\[\n]|\\[^\n]|\[(?:[^\]\\\n]|\\[^\n])*\])+)/")
_BEFORE_PATTERN = frozenset(
    "return typeof instanceof in of new delete void throw case do else await yield".split()  # noqa: SIM905
)
_OPERATOR_ENDS = re.compile(r"[+*?|^&=<>,(\[{:!~%-]\s*$")
_CONFUSING = re.compile(r"['\"`{]|//|/\*")


class NodeCode(ProgramText):
    """Reads a script for Node."""

    program = "node"

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._before = ""
        """The token before: a word, the kind `value`, or a sign."""

    def script(self) -> None:
        """Read the script."""
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
                self._before = "value"
            elif self.sees("}") and not depth:
                return
            elif match := _BLANK.match(self.text, self.at):
                self.take(len(match.group()))
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
        self._before = sign
        return None

    def _block_comment(self) -> None:
        self.take(2)
        self.comment("*/")
        if not self.next:
            raise self.unreadable("a comment is not closed")
        self.take(2)

    def _refuse_old_comments(self) -> None:
        line = self.text[self.text.rfind("\n", 0, self.at) + 1 : self.at]
        if self.sees("<!--") or (self.sees("-->") and not line.strip()):
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
        if _OPERATOR_ENDS.search(match[1]) and not _CONFUSING.search(match[1]):
            return True
        if _CONFUSING.search(match[1]):
            raise self.unreadable("this may be a division or a pattern")
        return False
