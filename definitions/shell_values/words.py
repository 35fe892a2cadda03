"""Words of a script: quotes, escapes, expansions, and the placeholders in them."""

import re
from abc import ABC, abstractmethod

from definitions.shell_values import refusals
from definitions.shell_values.cursor import Cursor, Word
from definitions.shell_values.refusals import unreadable
from definitions.templates import OPENING

_SEPARATORS = " \t\n;&|<>()"
_PARAMETER_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-]")
_ARRAY_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")
_SUBSCRIPT_BEGINS = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\[")
_ITEM_SUBSCRIPT_BEGINS = re.compile(r"\[")
_SUBSCRIPT = re.compile(
    r"""(?:\[:\w+:\]|[^\s"'\\$`\[\](){}]|\$\w+|\$\{\w+\}|"[^"\\$`]*"|'[^']*'|\{\{.*?\}\})*\]""", re.DOTALL
)
_PLAIN_QUOTED = re.compile(r'"(?:[^"\'\\`{}$]|\$[A-Za-z_][A-Za-z0-9_]*|\$\{[A-Za-z_][A-Za-z0-9_]*\})*"')


class Words(Cursor, ABC):
    """Reads words; `grammar.Grammar` adds the commands that they make up."""

    @abstractmethod
    def commands(self, until: str) -> None:
        """Read commands up to a closing word or sign, which is left."""

    # --- words --------------------------------------------------------------------------------------

    def word(self, separators: str = _SEPARATORS) -> Word:
        """Read a word; an empty one where none stands here."""
        word = Word(self.at)
        while self.next:
            if self.next == "(" and self._array_begins(word, separators):
                word.array = self.array()
                word.inner += [value for item in word.array for value in (*item.values, *item.inner)]
                break
            if self.next in separators and not self._substitutes_process(separators):
                break
            self.part(word)
        word.end = self.at
        if separators is _SEPARATORS:
            self._require_plain_subscript(word, _SUBSCRIPT_BEGINS)
        if self.next == "(" and separators is _SEPARATORS and word.end > word.start and not word.is_plain:
            raise self.unreadable("`(` stands inside a word")
        return word

    def _require_plain_subscript(self, word: Word, begins: re.Pattern[str]) -> None:
        """Refuse `name[…` where bash would read on to the `]`, over blanks and quotes."""
        written = self.text[word.start : word.end]
        opening = begins.match(written)
        if self.shell == "bash" and opening and not _SUBSCRIPT.match(written, opening.end()):
            raise unreadable("what stands between `[ ]` is not plain", word.start, word.end)

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
                    self._require_plain_subscript(items[-1], _ITEM_SUBSCRIPT_BEGINS)
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
        before = len(self.values)
        with self.nested():
            waiting, self.waiting_documents = self.waiting_documents, 0
            self.take()
            self.commands(")")
            if self.waiting_documents:
                raise self.unreadable("a here-document does not end inside the brackets that it begins in")
            self.waiting_documents = waiting
            self.take()
        word.inner += self.values[before:]

    def parameter(self, word: Word, *, in_double: bool) -> None:
        """Read `${ … }`."""
        word.add_unknown()
        if self.text[self.at + 2 : self.at + 3] in (" ", "\t", "\n", "|"):
            raise self.unreadable("`${` begins a command here", 3)
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
        if self.sees("$"):
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
