"""The cursor over a script: copying it, putting variables in the place of placeholders, refusing.

bare word       {{ x }}     "${PERDURE_V1}"       always one argument
double quotes   "a {{ x }}" "a ${PERDURE_V1}"
single quotes   'a {{ x }}' 'a '"${PERDURE_V1}"''
arithmetic      $((2 * {{ int(x) }}))   $((2 * (${PERDURE_V1})))   numbers only
Python, Node    f({{ x }})  an expression that reads the variable as JSON (see `sources`)
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from definitions.expressions import Expression
from definitions.functions.registry import NUMBER
from definitions.shell_values import refusals
from definitions.shell_values.refusals import Refusal, ShellValueError, unreadable
from definitions.shell_values.sources import FROM_ENVIRONMENT, Shell
from definitions.templates import Placeholder, read_placeholder

VARIABLE = "PERDURE_V"

Quoting = Literal["bare", "double", "single", "ansi", "arithmetic", "comment", "python", "node"]

_REFERENCES: dict[Quoting, str] = {
    "bare": '"${%s}"',
    "double": "${%s}",
    "single": "'\"${%s}\"'",
    "ansi": "'\"${%s}\"$'",
    "arithmetic": "(${%s})",
    **FROM_ENVIRONMENT,
}
_BRACES = frozenset({"'{{'", '"{{"', "'}}'", '"}}"'})
_TAKES_BRACES: tuple[Refusal, ...] = (
    refusals.QUOTED_DOCUMENT,
    refusals.STRING,
    refusals.FORMATTED,
    refusals.TEMPLATE_LITERAL,
)
"""Where the author's own braces can stand: what is refused there is values."""
_BLANKS = " \t"
_DEPTH_LIMIT = 60


@dataclass(slots=True)
class Word:
    """A word of the script: what is known of its text, and the placeholders in it."""

    start: int
    end: int = 0
    static: str = ""
    """Its text up to the first part that only the shell knows."""
    is_static: bool = True
    """Whether that is all of it."""
    plain: str = ""
    """Its text up to the first quote, escape or expansion."""
    is_plain: bool = True
    values: list[Placeholder] = field(default_factory=list[Placeholder])
    inner: list[Placeholder] = field(default_factory=list[Placeholder])
    """Placeholders in its command substitutions and array items: what comes of them is part of the word, too."""
    array: "list[Word] | None" = None
    """The items of `name=( … )`."""

    def add(self, text: str, *, is_plain: bool) -> None:
        """Take note of text that stands as it is."""
        self.is_plain = self.is_plain and is_plain
        if self.is_static:
            self.static += text
        if self.is_plain:
            self.plain += text

    def add_unknown(self) -> None:
        """Take note of a part that only the shell knows."""
        self.is_static = self.is_plain = False

    @property
    def has_values(self) -> bool:
        """Whether anything in it depends on a value."""
        return bool(self.values or self.inner)

    @property
    def text(self) -> str | None:
        """Return the whole text where it is known."""
        return self.static if self.is_static else None


class Cursor:
    """Goes over a script once, and copies it."""

    def __init__(self, text: str, shell: Shell) -> None:
        self.text = text
        self.shell: Shell = shell
        self.at = 0
        self.copy: list[str] = []
        self.variables: dict[str, Expression] = {}
        self.errors: list[ShellValueError] = []
        self.values: list[Placeholder] = []
        self.waiting_documents = 0
        self._names: dict[str, str] = {}
        self._refused: list[Refusal] = []
        self._refused_at: set[int] = set()
        self._depth = 0

    # --- the cursor ---------------------------------------------------------------------------------

    @property
    def next(self) -> str:
        """Return the character at the cursor, nothing at the end."""
        return self.text[self.at : self.at + 1]

    def sees(self, text: str) -> bool:
        """Whether `text` stands at the cursor."""
        return self.text.startswith(text, self.at)

    def take(self, length: int = 1) -> str:
        """Copy what stands at the cursor, and go past it."""
        taken = self.text[self.at : self.at + length]
        self.copy.append(taken)
        self.at += length
        return taken

    def skip_blanks(self) -> None:
        """Go past blanks and continued lines."""
        while self.next and (self.next in _BLANKS or self.sees("\\\n")):
            self.take(2 if self.next == "\\" else 1)

    def unreadable(self, what: str, length: int = 1) -> ShellValueError:
        """Return the error that something at the cursor cannot be followed."""
        return unreadable(what, min(self.at, len(self.text) - 1), min(self.at + length, len(self.text)))

    # --- placeholders -------------------------------------------------------------------------------

    def placeholder(self, quoting: Quoting, word: Word | None = None) -> None:
        """Read a placeholder, and put a reference to its variable in its stead."""
        found = read_placeholder(self.text, self.at)
        self.at = found.end
        if quoting == "comment":
            self.copy.append(" ".join(self.text[found.start : found.end].split()))
            return
        if found.expression.text.strip() in _BRACES and all(reason in _TAKES_BRACES for reason in self._refused):
            self.copy.append(found.expression.text.strip()[1:-1])  # the author's own braces, no value
            if word:
                word.add_unknown()
            return
        if self._refused:
            self.refuse(self._refused[-1], found)
        elif quoting == "arithmetic" and found.expression.types != NUMBER:
            self.refuse(refusals.ARITHMETIC, found)
        self.copy.append(_REFERENCES[quoting] % self.variable(found.expression))
        self.values.append(found)
        if word:
            word.add_unknown()
            word.values.append(found)

    def variable(self, expression: Expression) -> str:
        """Return the variable of an expression: equal texts share one, numbered as they first come."""
        text = expression.text.strip()
        name = self._names.setdefault(text, f"{VARIABLE}{len(self._names) + 1}")
        self.variables.setdefault(name, expression)
        return name

    def refuse(self, refusal: Refusal, placeholder: Placeholder) -> None:
        """Take note that a placeholder cannot stand where it does; the first reason counts."""
        if placeholder.start not in self._refused_at:
            self._refused_at.add(placeholder.start)
            self.errors.append(refusal.at(placeholder.start, placeholder.end))

    @contextmanager
    def refusing(self, refusal: Refusal) -> Generator[None]:
        """Refuse every placeholder inside."""
        self._refused.append(refusal)
        try:
            yield
        finally:
            self._refused.pop()

    @contextmanager
    def deeper(self) -> Generator[None]:
        """Bound the depth of what is inside."""
        self._depth += 1
        if self._depth > _DEPTH_LIMIT:
            raise self.unreadable("the script is nested too deep")
        yield
        self._depth -= 1

    @contextmanager
    def nested(self) -> Generator[None]:
        """Bound the depth of what is inside, and refuse a line end in it while a here-document waits."""
        start, waiting = self.at, self.waiting_documents
        with self.deeper():
            yield
        if waiting and "\n" in self.text[start : self.at]:
            raise self.unreadable("a line ends inside quotes or brackets before a here-document begins")
