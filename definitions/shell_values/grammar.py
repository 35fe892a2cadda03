"""Commands of a script: which word is a command's name, an argument, a target, a here-document's line.

Only as much of the grammar as decides where a value stands. Whatever does not fit is refused.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from definitions.shell_values import refusals
from definitions.shell_values.cursor import Word
from definitions.shell_values.policy import Command, Document, Policy
from definitions.shell_values.sources import Shell
from definitions.shell_values.words import Words
from definitions.templates import OPENING

_CLOSERS = {"if": "fi", "while": "done", "until": "done", "{": "}"}
_WORDS_LIMIT = 2000
"""Of one command: what starts commands is looked at from each of its words on."""
_INNER = frozenset({"then", "elif", "else", "do"})
"""Words after which a command begins, inside a compound command."""
_PREFIXES = frozenset({"!", "time"})
_ENDS = frozenset({"fi", "done", "}", "esac"})
_REDIRECTION = re.compile(r"&>>|&>|<<<|<<-|<<|<&|<>|<|>>|>&|>\||>")
_OPERATORS = re.compile(r"&&|\|\||\|&|[;&|]")
_CASE_ENDS = (";;&", ";;", ";&")
_IO_NUMBER = re.compile(r"[0-9]+|\{[A-Za-z_][A-Za-z0-9_]*\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FUNCTION = re.compile(r"[ \t]*\([ \t]*\)")


@dataclass(slots=True)
class _Pipeline:
    """What the commands joined by `|` so far hold."""

    values_before: int
    documents: list[Document] = field(default_factory=list[Document])


class Grammar(Words):
    """Reads a whole script."""

    def __init__(self, text: str, shell: Shell) -> None:
        super().__init__(text, shell)
        self.policy = Policy(self.refuse)
        self.simple_commands: list[Command] = []
        """Those read so far, inner ones before what they are part of."""
        self._documents: list[Document] = []

    def script(self) -> None:
        """Read the script.

        Raises:
            ShellValueError: it cannot be followed with certainty.
            ExpressionError: a placeholder holds no expression.
        """
        self.commands("")
        if self._documents:
            raise self.unreadable("a here-document has no end")
        self.policy.finish()

    def arguments(self) -> frozenset[str]:
        """Return the variables that the script hands to programs."""
        return frozenset(self.variable(value.expression) for value in self.policy.started_with())

    # --- lists --------------------------------------------------------------------------------------

    def commands(self, until: str) -> None:
        """Read commands up to the closing word or sign `until`, which is left."""
        pipeline = _Pipeline(len(self.values))
        while True:
            self.skip_blanks()
            if self._is_at_end(until):
                return
            if self.sees("#"):
                self.comment()
            elif self.sees("\n"):
                self.line_end()
                pipeline = _Pipeline(len(self.values))
            elif (match := _OPERATORS.match(self.text, self.at)) and not self._redirection():
                self.take(len(match.group()))
                if match.group() not in ("|", "|&"):
                    pipeline = _Pipeline(len(self.values))
            else:
                self.command(pipeline)

    def _is_at_end(self, until: str) -> bool:
        if not self.next:
            if until:
                raise self.unreadable(f"there is no `{until}` to what begins before")
            return True
        if until == "esac" and any(self.sees(end) for end in _CASE_ENDS):
            return True
        if until == ")" or self.next == ")":
            if self.next == ")" and until != ")":
                raise self.unreadable("`)` closes nothing")
            return self.next == ")"
        return bool(until) and self._sees_keyword(until)

    def _sees_keyword(self, keyword: str) -> bool:
        end = self.at + len(keyword)
        return self.sees(keyword) and (end >= len(self.text) or self.text[end] in " \t\n;&|<>()")

    def line_end(self) -> None:
        """Read a line end, and the here-documents that begin after it."""
        self.take()
        waiting, self._documents = self._documents[:], []
        self.waiting_documents = 0
        for document in waiting:
            self.document(document)

    # --- commands -----------------------------------------------------------------------------------

    def command(self, pipeline: _Pipeline) -> None:
        """Read one command of a pipeline, simple or compound."""
        if self.sees("(("):
            self._arithmetic_command()
        elif self.sees("("):
            self._bracketed()
        else:
            keyword = self._keyword()
            if keyword:
                with self.deeper():
                    self._compound(keyword, pipeline)
            else:
                self.simple(pipeline)

    def _keyword(self) -> str:
        """Return the reserved word that stands here, if one does."""
        match = re.compile(r"[a-z]+|[{}!]|\[\[").match(self.text, self.at)
        if match is None or self.sees(OPENING) or not self._sees_keyword(match.group()):
            return ""
        word = match.group()
        known = (*_CLOSERS, *_INNER, *_PREFIXES, *_ENDS, "for", "select", "case", "function", "coproc", "[[")
        return word if word in known else ""

    def _compound(self, keyword: str, pipeline: _Pipeline) -> None:
        readers: dict[str, Callable[[], None]] = {
            "for": self._loop,
            "select": self._loop,
            "case": self._case,
            "[[": self._test,
            "function": self._function,
        }
        if keyword == "coproc" or keyword in _ENDS:
            raise self.unreadable(f"`{keyword}` stands where a command begins", len(keyword))
        self.take(len(keyword))
        if keyword in _PREFIXES or keyword in _INNER:
            return
        if keyword in readers:
            readers[keyword]()
        else:
            self.commands(_CLOSERS[keyword])
            self.take(len(_CLOSERS[keyword]))
        if keyword != "function":
            self._trailing_redirections(pipeline)

    def _bracketed(self) -> None:
        with self.nested():
            self.take()
            self.commands(")")
            self.take()
        self._trailing_redirections(_Pipeline(len(self.values)))

    def _arithmetic_command(self) -> None:
        if self.shell != "bash":
            raise self.unreadable("`((` is arithmetic to some shells only", 2)
        self.arithmetic(Word(self.at))
        self._trailing_redirections(_Pipeline(len(self.values)))

    def _trailing_redirections(self, pipeline: _Pipeline) -> None:
        holder = Command()
        while True:
            self.skip_blanks()
            number = _IO_NUMBER.match(self.text, self.at)
            if number and self.text[number.end() : number.end() + 1] in ("<", ">"):
                self.take(len(number.group()))
            if not self._redirection():
                break
            self.redirect(holder)
        if self.next and self.next not in ";&|)\n#":
            raise self.unreadable("a word stands after the end of a compound command")
        pipeline.documents.extend(holder.documents)

    def _loop(self) -> None:
        self.skip_blanks()
        if self.sees("(("):
            self._for_arithmetic()
        else:
            name = self.word()
            if name.values:
                self.policy.refuse_word(name, refusals.NAME)
            elif not _NAME.fullmatch(name.plain) or not name.is_plain:
                raise self.unreadable("the name of a loop's variable should stand here")
            self._blank_lines()
            if self._sees_keyword("in"):
                self.take(2)
                self._words_of_line()
        self.commands("done")
        self.take(len("done"))

    def _for_arithmetic(self) -> None:
        if self.shell != "bash":
            raise self.unreadable("`sh` has no `for ((`", 2)
        self.arithmetic(Word(self.at))

    def _words_of_line(self) -> None:
        while True:
            self.skip_blanks()
            if not self.next or self.next in ";\n#":
                return
            if self.next in "&|<>()":
                raise self.unreadable("the list of a loop ends in `;` or a line end")
            self.word()

    def _blank_lines(self) -> None:
        while True:
            self.skip_blanks()
            if self.sees("#"):
                self.comment()
            elif self.sees("\n"):
                self.line_end()
            else:
                return

    def _case(self) -> None:
        self.skip_blanks()
        if self.word().end == self.at and not self.next:
            raise self.unreadable("`case` has no end")
        self._blank_lines()
        if not self._sees_keyword("in"):
            raise self.unreadable("`in` should stand here")
        self.take(2)
        while True:
            self._blank_lines()
            if self._sees_keyword("esac"):
                self.take(len("esac"))
                return
            self._case_branch()

    def _case_branch(self) -> None:
        if self.sees("("):
            self.take()
        while True:
            self.skip_blanks()
            start = self.at
            self.word()
            self.skip_blanks()
            if self.at == start or self.next not in ("|", ")"):
                raise self.unreadable("a pattern of `case` should stand here")
            if self.take() == ")":
                break
        self.commands("esac")
        for end in _CASE_ENDS:
            if self.sees(end):
                self.take(len(end))
                return

    def _test(self) -> None:
        words: list[Word] = []
        with self.nested():
            while not self._sees_keyword("]]"):
                if not self.next:
                    raise self.unreadable("`[[` is not closed")
                if self.sees("#"):
                    raise self.unreadable("a comment stands inside `[[ ]]`")
                if self.next in " \t\n" or self.sees("\\\n"):
                    self.take(2 if self.next == "\\" else 1)
                else:
                    words.append(self.word(separators=" \t\n"))
            self.take(2)
        self.policy.check_double_brackets(words)

    def _function(self) -> None:
        self.skip_blanks()
        name = self.word()
        if name.values:
            self.policy.refuse_word(name, refusals.NAME)
        self.policy.define(name.plain)
        if match := _FUNCTION.match(self.text, self.at):
            self.take(len(match.group()))

    # --- simple commands ----------------------------------------------------------------------------

    def simple(self, pipeline: _Pipeline) -> None:
        """Read assignments, words and redirections up to a separator."""
        command = Command()
        while True:
            self.skip_blanks()
            if self._redirection():
                self.redirect(command)
                continue
            if not self.next or self.next in "\n;&|)" or self.sees("#"):
                break
            if self.next == "(":
                if self._defines_function(command):
                    return
                raise self.unreadable("`(` stands after a word")
            self._argument(command)
        values_before = self.values[pipeline.values_before :]
        values_before = [value for value in values_before if value.start < command.start]
        pipeline.documents.extend(command.documents)
        self.simple_commands.append(command)
        self.policy.check(command, values_before, pipeline.documents)

    def _argument(self, command: Command) -> None:
        word = self.word()
        if word.end == word.start:
            raise self.unreadable("this cannot be read as a word")
        if len(command.words) >= _WORDS_LIMIT:
            raise self.unreadable(f"a command has more than {_WORDS_LIMIT} words")
        if word.is_plain and self.next in ("<", ">") and _IO_NUMBER.fullmatch(word.plain):
            return
        command.add(word)

    def _defines_function(self, command: Command) -> bool:
        match = _FUNCTION.match(self.text, self.at)
        if match is None or len(command.words) != 1 or command.assignments:
            return False
        self.policy.define(command.words[0].plain)
        self.take(len(match.group()))
        return True

    # --- redirections and here-documents ------------------------------------------------------------

    def _redirection(self) -> str:
        """Return the redirection sign that stands here, if one does."""
        match = _REDIRECTION.match(self.text, self.at)
        if match is None or (match.group() in ("<", ">") and self.text[match.end() : match.end() + 1] == "("):
            return ""
        return "" if match.group().startswith("&") and self.shell != "bash" else match.group()

    def redirect(self, command: Command) -> None:
        """Read a redirection."""
        sign = self.take(len(self._redirection()))
        if self.sees("\\\n") or (sign == "<<<" and self.shell != "bash"):
            raise self.unreadable("this redirection means different things to different shells")
        self.skip_blanks()
        target = self.word()
        if target.end == target.start or target.plain.startswith("#"):
            raise self.unreadable("a redirection has no target")
        if sign in ("<<", "<<-"):
            self._expect_document(target, sign, command)
        elif sign in ("<&", ">&"):
            self.policy.refuse_word(target, refusals.DESCRIPTOR)
        elif sign in ("<<<", "<"):
            command.inputs.append(target)

    def _expect_document(self, delimiter: Word, sign: str, command: Command) -> None:
        if delimiter.values:
            self.policy.refuse_word(delimiter, refusals.DELIMITER)
        if delimiter.text is None:
            raise self.unreadable("the delimiter of a here-document is not a plain word")
        document = Document(delimiter.text, is_quoted=not delimiter.is_plain, strips_tabs=sign == "<<-")
        self._documents.append(document)
        self.waiting_documents += 1
        command.documents.append(document)

    def document(self, document: Document) -> None:
        """Read the lines of a here-document, and the line that ends it."""
        while self.next:
            end = self.text.find("\n", self.at)
            line = self.text[self.at : len(self.text) if end < 0 else end]
            if (line.lstrip("\t") if document.strips_tabs else line) == document.delimiter:
                self.take(len(line) + (end >= 0))
                return
            self._document_line(document)
        raise self.unreadable("a here-document has no end")

    def _document_line(self, document: Document) -> None:
        word = Word(self.at)
        while self.next and self.next != "\n":
            if document.is_quoted:
                self._quoted_document_piece()
            elif self.next in "$`" and not self.sees("${{"):
                self._document_expansion(word)
            else:
                self.inside_double(word)
        if self.next:
            self.take()
        for value in word.values:
            if document.interpreter:
                self.refuse(refusals.code_of(document.interpreter), value)

    def _quoted_document_piece(self) -> None:
        if self.sees(OPENING):
            with self.refusing(refusals.QUOTED_DOCUMENT):
                self.placeholder("double")
        else:
            self.take()

    def _document_expansion(self, word: Word) -> None:
        start = self.at
        with self.refusing(refusals.DOCUMENT_EXPANSION):
            self.inside_double(word)
        if "\n" in self.text[start : self.at]:
            raise self.unreadable("an expansion in a here-document goes over a line end")
