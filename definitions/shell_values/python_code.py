"""Python scripts: which part is code, string or comment.

Formatted strings whose braces hold the string's own quotes are one string to Python 3.12 and several to older ones:
refused. Other strings are alike in all versions.
"""

import re

from definitions.shell_values import refusals
from definitions.shell_values.program import ProgramText
from definitions.templates import OPENING

_STRING = re.compile(r"([bfrtuBFRTU]{0,2})('''|\"\"\"|'|\")")
_WORD = re.compile(r"\w+")


class PythonCode(ProgramText):
    """Reads a Python script."""

    program = "python"

    def script(self) -> None:
        """Read the script."""
        self.refuse_lone_line_ends()
        while self.next:
            if self.sees(OPENING):
                self.value()
            elif self.sees("#"):
                self.comment()
            elif match := _STRING.match(self.text, self.at):
                self.take(len(match.group()))
                if set("fFtT") & set(match[1]):
                    self._formatted(match[2])
                else:
                    self.string(match[2], refusals.STRING)
            else:
                match = _WORD.match(self.text, self.at)
                self.take(len(match.group()) if match else 1)

    def _formatted(self, quote: str) -> None:
        depth, opened = 0, self.at - len(quote)
        with self.refusing(refusals.FORMATTED):
            while not self.sees(quote):
                if not self.sees(OPENING):
                    depth = max(0, depth + {"{": 1, "}": -1}.get(self.next, 0))
                self.inside_string(quote, opened)
        if depth:
            raise self.unreadable(
                "quotes inside `{ }` of a formatted string mean different things to Python's versions"
            )
        self.take(len(quote))
