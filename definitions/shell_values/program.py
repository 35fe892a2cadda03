"""Scripts for Python and Node: a value stands where an expression can stand, and nowhere else.

The value itself is never part of the text, so whatever is read wrongly here cannot make it run. What these readers
are for is that a placeholder in a string, a comment or a pattern is found at load: it would be text there.
"""

import re
from abc import ABC, abstractmethod

from definitions.shell_values import refusals
from definitions.shell_values.cursor import Cursor
from definitions.shell_values.refusals import Refusal, unreadable
from definitions.shell_values.sources import Program
from definitions.templates import OPENING

_JOINS_BEFORE = re.compile(r"[\w$'\"`.\\#@)\]]")
_LONE_LINE_END = re.compile(r"\r(?!\n)|[\u2028\u2029]")
_JOINS_AFTER = re.compile(r"[\w$'\"`]")


class ProgramText(Cursor, ABC):
    """Reads a script of a programming language."""

    program: Program

    def __init__(self, text: str) -> None:
        super().__init__(text, "sh")

    @abstractmethod
    def script(self) -> None:
        """Read the script.

        Raises:
            ShellValueError: it cannot be followed with certainty.
            ExpressionError: a placeholder holds no expression.
        """

    def refuse_lone_line_ends(self) -> None:
        """Refuse characters that end a line, and with it a comment, to some languages only."""
        if match := _LONE_LINE_END.search(self.text):
            raise unreadable("this character ends a line to some languages only", match.start(), match.end())

    def value(self) -> None:
        """Read a placeholder where code stands."""
        start = self.at
        before = "" if self.text.endswith("...", 0, start) else self.text[start - 1 : start]
        self.placeholder(self.program)
        if touched := _JOINS_BEFORE.match(before) or _JOINS_AFTER.match(self.next):
            self.refuse_last(refusals.joined(touched.group()), start)

    def refuse_last(self, refusal: Refusal, start: int) -> None:
        """Refuse the placeholder that was read last, if it holds a value and began at `start`."""
        if self.values and self.values[-1].start == start:
            self.refuse(refusal, self.values[-1])

    def comment(self, end: str = "\n") -> None:
        """Read a comment up to its end, which is left; no value gets into it."""
        while self.next and not self.sees(end):
            if self.sees(OPENING):
                self.placeholder("comment")
            else:
                self.take()

    def string(self, quote: str, refusal: Refusal) -> None:
        """Read a string from after its opening quotes to its end."""
        opened = self.at - len(quote)
        with self.refusing(refusal):
            while not self.sees(quote):
                self.inside_string(quote, opened)
        self.take(len(quote))

    def inside_string(self, quote: str, opened: int) -> None:
        """Read one piece of what stands in a string whose quotes stand at `opened`."""
        if not self.next or (quote in ("'", '"') and self.next == "\n"):
            raise unreadable("a string is not closed", opened, opened + len(quote))
        if self.sees(OPENING):
            self.placeholder(self.program)
        elif self.sees("\\") and not self.text.startswith(OPENING, self.at + 1):
            self.take(2)
        else:
            self.take()
