"""Words of a script: quotes, escapes, expansions, and the placeholders in them.

The reader copies the script and puts a reference to a variable where a placeholder stands:

    bare word       {{ x }}     "${PERDURE_V1}"       always one argument
    double quotes   "a {{ x }}" "a ${PERDURE_V1}"
    single quotes   'a {{ x }}' 'a '"${PERDURE_V1}"''
    arithmetic      $((2 * {{ int(x) }}))   $((2 * (${PERDURE_V1})))   numbers only
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from definitions.expressions import Expression
from definitions.functions.registry import NUMBER
from definitions.shell_values import refusals
from definitions.shell_values.refusals import Refusal, ShellValueError, unreadable
from definitions.templates import OPENING, Placeholder, read_placeholder

VARIABLE = "PERDURE_V"

Shell = Literal["bash", "sh"]
Quoting = Literal["bare", "double", "single", "ansi", "arithmetic", "comment"]

_REFERENCES: dict[Quoting, str] = {
    "bare": '"${%s}"',
    "double": "${%s}",
    "single": "'\"${%s}\"'",
    "ansi": "'\"${%s}\"$'",
    "arithmetic": "(${%s})",
}
_BRACES = frozenset({"'{{'", '"{{"', "'}}'", '"}}"'})
_BLANKS = " \t"
_SEPARATORS = " \t\n;&|<>()"
_PARAMETER_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-]")
_ARRAY_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")
_PLAIN_QUOTED = re.compile(r'"(?:[^"\'\\`{}$]|\$[A-Za-z_][A-Za-z0-9_]*|\$\{[A-Za-z_][A-Za-z0-9_]*\})*"')
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
    array: "list[Word]" = field(default_factory=list["Word"])

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
    def text(self) -> str | None:
        """Return the whole text where it is known."""
        return self.static if self.is_static else None


class Words(ABC):
    """Reads words; `grammar.Grammar` adds the commands that they make up."""

    def __init__(self, text: str, shell: Shell) -> None:
        self.text = text
        self.shell: Shell = shell
        self.at = 0
        self.copy: list[str] = []
        self.variables: dict[str, Expression] = {}
        self.errors: list[ShellValueError] = []
        self.values: list[Placeholder] = []
        self.waiting_documents = 0
        self._refused: list[Refusal] = []
        self._depth = 0

    @abstractmethod
    def commands(self, until: str) -> None:
        """Read commands up to a closing word or sign, which is left."""

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
        if found.expression.text.strip() in _BRACES:
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
        for name, known in self.variables.items():
            if known.text.strip() == text:
                return name
        name = f"{VARIABLE}{len(self.variables) + 1}"
        self.variables[name] = expression
        return name

    def refuse(self, refusal: Refusal, placeholder: Placeholder) -> None:
        """Take note that a placeholder cannot stand where it does; the first reason counts."""
        if all(error.position != placeholder.start for error in self.errors):
            self.errors.append(refusal.at(placeholder.start, placeholder.end))

    @contextmanager
    def refusing(self, refusal: Refusal) -> Iterator[None]:
        """Refuse every placeholder inside."""
        self._refused.append(refusal)
        try:
            yield
        finally:
            self._refused.pop()

    @contextmanager
    def nested(self) -> Iterator[None]:
        """Bound the depth of what is inside, and refuse a line end in it while a here-document waits."""
        start, waiting = self.at, self.waiting_documents
        self._depth += 1
        if self._depth > _DEPTH_LIMIT:
            raise self.unreadable("the script is nested too deep")
        yield
        self._depth -= 1
        if waiting and "\n" in self.text[start : self.at]:
            raise self.unreadable("a line ends inside quotes or brackets before a here-document begins")

    # --- words --------------------------------------------------------------------------------------

    def word(self, separators: str = _SEPARATORS) -> Word:
        """Read a word; an empty one where none stands here."""
        word = Word(self.at)
        while self.next:
            if self.next == "(" and self._array_begins(word, separators):
                word.array = self.array()
                break
            if self.next in separators and not self._substitutes_process(separators):
                break
            self.part(word)
        word.end = self.at
        if self.next == "(" and separators is _SEPARATORS and word.end > word.start and not word.is_plain:
            raise self.unreadable("`(` stands inside a word")
        return word

    def part(self, word: Word) -> None:
        """Read one piece of a word."""
        if self.sees(OPENING):
            self.placeholder("bare", word)
            return
        match self.next:
            case "'":
                self.single(word)
            case '"':
                self.double(word)
            case "\\":
                self.escape(word)
            case "$":
                self.dollar(word, in_double=False)
            case "`":
                self.backticks(word)
            case "<" | ">" if self.text[self.at + 1 : self.at + 2] == "(":
                self.take()
                self.substitution(word)
            case _:
                word.add(self.take(), is_plain=True)

    def _array_begins(self, word: Word, separators: str) -> bool:
        if separators is not _SEPARATORS or not word.is_plain or not _ARRAY_NAME.fullmatch(word.plain):
            if separators is _SEPARATORS and word.plain[-1:] in tuple("?*+@!"):
                raise self.unreadable("an extended pattern stands here")
            return False
        if self.shell != "bash":
            raise self.unreadable("`sh` has no arrays")
        return True

    def _substitutes_process(self, separators: str) -> bool:
        if self.next not in ("<", ">") or self.text[self.at + 1 : self.at + 2] != "(" or separators is not _SEPARATORS:
            return False
        if self.shell != "bash":
            raise self.unreadable("`sh` has no process substitution")
        return True

    def array(self) -> list[Word]:
        """Read the words of `( … )` after `name=`."""
        items: list[Word] = []
        with self.nested():
            self.take()
            while not self.sees(")"):
                if self.next and self.next in " \t\n":
                    self.take()
                elif self.sees("#"):
                    self.comment()
                elif self.next and self.next not in ";&|<>(":
                    items.append(self.word())
                else:
                    raise self.unreadable("an array is not closed")
            self.take()
        return items

    def single(self, word: Word) -> None:
        """Read `'…'`."""
        with self.nested():
            self.take()
            word.add("", is_plain=False)
            while not self.sees("'"):
                if not self.next:
                    raise self.unreadable("a single quote is not closed")
                if self.sees(OPENING):
                    self.placeholder("single", word)
                else:
                    word.add(self.take(), is_plain=False)
            self.take()

    def double(self, word: Word) -> None:
        """Read `"…"`."""
        with self.nested():
            self.take()
            word.add("", is_plain=False)
            while not self.sees('"'):
                self.inside_double(word)
            self.take()

    def inside_double(self, word: Word) -> None:
        """Read one piece of what stands in double quotes, or in a here-document."""
        if not self.next:
            raise self.unreadable("a double quote is not closed")
        if self.sees(OPENING):
            self.placeholder("double", word)
        elif self.sees("\\"):
            self.escape(word)
        elif self.sees("$"):
            self.dollar(word, in_double=True)
        elif self.sees("`"):
            self.backticks(word)
        else:
            word.add(self.take(), is_plain=False)

    def escape(self, word: Word) -> None:
        """Read a backslash and what it escapes."""
        self.take()
        if self.sees(OPENING):
            with self.refusing(refusals.BACKSLASH):
                self.placeholder("double", word)
            return
        escaped = self.take()
        word.add("" if escaped == "\n" else escaped, is_plain=False)

    def ansi(self, word: Word) -> None:
        """Read `$'…'`."""
        if self.shell != "bash":
            raise self.unreadable("not every `sh` has `$'…'`", 2)
        with self.nested():
            self.take(2)
            word.add_unknown()
            while not self.sees("'"):
                if not self.next:
                    raise self.unreadable("`$'` is not closed")
                if self.sees(OPENING):
                    self.placeholder("ansi", word)
                elif self.sees("\\"):
                    self.escape(word)
                else:
                    self.take()
            self.take()

    def comment(self) -> None:
        """Read a comment up to the end of its line; no value gets into it."""
        while self.next and self.next != "\n":
            if self.sees(OPENING):
                self.placeholder("comment")
            else:
                self.take()

    # --- expansions ---------------------------------------------------------------------------------

    def dollar(self, word: Word, *, in_double: bool) -> None:
        """Read what begins with `$`."""
        after = self.text[self.at + 1 : self.at + 2]
        if self.text.startswith(OPENING, self.at + 1):
            self.take()
            with self.refusing(refusals.DOLLAR):
                self.placeholder("double", word)
        elif self.text.startswith("((", self.at + 1):
            self.take()
            self.arithmetic(word)
        elif after == "(":
            self.take()
            self.substitution(word)
        elif after == "{":
            self.parameter(word, in_double=in_double)
        elif after == "[" or self.text.startswith("\\\n", self.at + 1):
            raise self.unreadable("what follows `$` has two meanings", 2)
        elif after == "'" and not in_double:
            self.ansi(word)
        elif after == '"' and not in_double:
            self.take()
            with self.refusing(refusals.LOCALE):
                self.double(word)
        elif match := _PARAMETER_NAME.match(self.text, self.at + 1):
            self.take(1 + len(match.group()))
            word.add_unknown()
        else:
            word.add(self.take(), is_plain=False)

    def substitution(self, word: Word) -> None:
        """Read `( commands )`, whose quoting begins anew."""
        word.add_unknown()
        with self.nested():
            waiting, self.waiting_documents = self.waiting_documents, 0
            self.take()
            self.commands(")")
            if self.waiting_documents:
                raise self.unreadable("a here-document does not end inside the brackets that it begins in")
            self.waiting_documents = waiting
            self.take()

    def parameter(self, word: Word, *, in_double: bool) -> None:
        """Read `${ … }`."""
        word.add_unknown()
        inner = Word(self.at)
        with self.nested(), self.refusing(refusals.PARAMETER):
            self.take(2)
            while not self.sees("}"):
                if in_double and self.next in ("'", '"'):
                    self._quoted_in_parameter()
                elif not self.next:
                    raise self.unreadable("`${` is not closed")
                else:
                    self._inside_parameter(inner, in_double=in_double)
            self.take()

    def _inside_parameter(self, inner: Word, *, in_double: bool) -> None:
        if self.sees("$") and not self.sees("${{"):
            self.dollar(inner, in_double=in_double)
        elif self.next in ("'", '"', "\\", "`") or self.sees(OPENING):
            self.part(inner)
        else:
            self.take()

    def _quoted_in_parameter(self) -> None:
        match = _PLAIN_QUOTED.match(self.text, self.at)
        if match is None:
            raise self.unreadable('quotes inside `"${ }"` mean different things to different shells')
        self.take(len(match.group()))

    def arithmetic(self, word: Word) -> None:
        """Read `(( … ))`."""
        word.add_unknown()
        depth = 0
        with self.nested():
            self.take(2)
            while depth or not self.sees("))"):
                if not self.next or self.next in "'\"`\\" or (self.sees(")") and not depth):
                    raise self.unreadable("what stands here may be arithmetic or a command")
                depth += {"(": 1, ")": -1}.get(self.next, 0)
                self._inside_arithmetic(word)
            self.take(2)

    def _inside_arithmetic(self, word: Word) -> None:
        if self.sees(OPENING):
            self.placeholder("arithmetic", word)
        elif self.sees("$"):
            with self.refusing(refusals.ARITHMETIC):
                self.dollar(word, in_double=True)
        else:
            self.take()

    def backticks(self, word: Word) -> None:
        """Read a command substitution in backticks."""
        word.add_unknown()
        with self.nested(), self.refusing(refusals.BACKTICKS):
            self.take()
            while not self.sees("`"):
                if not self.next:
                    raise self.unreadable("a backtick is not closed")
                if self.sees(OPENING):
                    self.placeholder("double", word)
                else:
                    self.take(2 if self.next == "\\" and not self.text.startswith(OPENING, self.at + 1) else 1)
            self.take()
