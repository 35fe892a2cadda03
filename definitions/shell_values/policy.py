"""Which commands run their arguments as code, so that a value in the wrong place would be run.

Quoting alone makes a value one argument; it cannot help where the command itself evaluates the argument. `commands`
names the shell's own commands, the programs that start other programs, and the common interpreters. A program that
it does not name is taken to use its arguments as they are.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from definitions.functions.registry import NUMBER
from definitions.shell_values import refusals
from definitions.shell_values.commands import (
    ARITHMETIC_TESTS,
    CODE_AFTER,
    DECLARING,
    EVALUATING,
    HARMLESS_BUILTINS,
    IN_THE_SHELL,
    INPUT_IS_CODE,
    MAY_MAKE_ARRAYS,
    NAME_TESTS,
    SCALAR_DECLARING,
    SPECIAL,
    STARTS_COMMAND,
    WRAPPERS,
    Interpreter,
    interpreter_called,
)
from definitions.shell_values.cursor import Word
from definitions.shell_values.refusals import Refusal
from definitions.templates import Placeholder

Refuse = Callable[[Refusal, Placeholder], None]

_DEPTH_LIMIT = 40
"""Of commands that start commands."""
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\+?=")
_SUBSCRIPT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\[")


@dataclass(slots=True)
class Document:
    """A here-document that a command reads."""

    delimiter: str
    is_quoted: bool
    strips_tabs: bool
    interpreter: str = ""
    """The command that will run its text as code, if one does."""


@dataclass(slots=True)
class Command:
    """A simple command, as far as it matters here."""

    assignments: list[Word] = field(default_factory=list[Word])
    words: list[Word] = field(default_factory=list[Word])
    inputs: list[Word] = field(default_factory=list[Word])
    """What it reads: targets of `<`, here-strings."""
    documents: list[Document] = field(default_factory=list[Document])

    def add(self, word: Word) -> None:
        """Add a word where it belongs."""
        is_assignment = _ASSIGNMENT.match(word.plain) or _SUBSCRIPT.match(word.plain)
        (self.assignments if is_assignment and not self.words else self.words).append(word)

    @property
    def start(self) -> int:
        """Return where it begins."""
        return min((word.start for word in (*self.assignments, *self.words)), default=0)


class Policy:
    """Decides about the values of commands; what it refuses it tells `refuse`."""

    def __init__(self, refuse: Refuse) -> None:
        self._refuse = refuse
        self._assigned: list[Word] = []
        self._declared: list[Word] = []
        self._has_attributes = False
        self._has_arrays = False
        self._functions: set[str] = set()
        self._started: list[tuple[str, Sequence[Word]]] = []
        self._decided: set[int] = set()
        self._depth = 0

    def define(self, name: str) -> None:
        """Take note of a function."""
        self._functions.add(name)

    def started_with(self) -> Iterator[Placeholder]:
        """Yield the values that the script hands to programs, which the kernel bounds; functions are known by now."""
        for name, words in self._started:
            if name not in self._functions:
                for word in words:
                    yield from word.values

    def finish(self) -> None:
        """Decide what only the whole script tells."""
        if self._has_attributes:
            for word in self._assigned:
                self.refuse_word(word, refusals.ATTRIBUTES)
        if self._has_arrays:
            for word in self._declared:
                self.refuse_word(word, refusals.DECLARED)

    def refuse_word(self, word: Word, refusal: Refusal) -> None:
        """Refuse every value of a word."""
        for value in (*word.values, *word.inner):
            self._refuse(refusal, value)

    def _refuse_words(self, words: Sequence[Word], refusal: Refusal) -> None:
        for word in words:
            self.refuse_word(word, refusal)

    def check(self, command: Command, piped: Sequence[Placeholder], documents: Sequence[Document]) -> None:
        """Decide about a simple command; `piped` and `documents` are what it may read from a pipe."""
        for word in command.assignments:
            self._assignment(word)
        if not command.words:
            return
        self._words(command.words)
        if (name := _command_name(command.words[0])) not in IN_THE_SHELL:
            self._started.append((name, (*command.assignments, *command.words)))
        reader = self._runs_input(command.words)
        if not reader:
            return
        for value in piped:
            self._refuse(refusals.code_of(reader), value)
        self._refuse_words(command.inputs, refusals.code_of(reader))
        for document in documents:
            document.interpreter = reader

    # --- assignments --------------------------------------------------------------------------------

    def _assignment(self, word: Word) -> None:
        match = _ASSIGNMENT.match(word.plain)
        self._has_arrays = self._has_arrays or match is None or word.array is not None
        if match is None:
            self.refuse_word(word, refusals.SUBSCRIPT)
            return
        if match.group(1) in SPECIAL or match.group(1).startswith("BASH_FUNC_"):
            self.refuse_word(word, refusals.special_variable(match.group(1)))
        for item in word.array or ():
            if item.plain.startswith("["):
                self.refuse_word(item, refusals.SUBSCRIPT)
        self._assigned.append(word)

    def _declaration(self, words: Sequence[Word]) -> None:
        """Decide about `export NAME=value` and its kin."""
        for word in words[1:]:
            text = word.text
            is_option = word.static[:1] in ("-", "+") or (text is None and not _ASSIGNMENT.match(word.plain))
            if is_option and (text is None or set("inAa") & set(text)):
                self._has_attributes = True
            if _ASSIGNMENT.match(word.plain):
                self._assignment(word)
                if word.array is None and _command_name(words[0]) not in SCALAR_DECLARING:
                    self._declared.append(word)
            else:
                self.refuse_word(word, refusals.NAME)

    # --- commands -----------------------------------------------------------------------------------

    def _words(self, words: Sequence[Word]) -> None:
        """Decide about the words of a command, its name first; commands that start commands take one look each."""
        if words[0].start in self._decided:
            return
        self._decided.add(words[0].start)
        if self._depth >= _DEPTH_LIMIT:
            self._refuse_words(words, refusals.BEFORE_COMMAND)
            return
        self._depth += 1
        self._decide(words)
        self._depth -= 1

    def _decide(self, words: Sequence[Word]) -> None:
        if words[0].has_values:
            self.refuse_word(words[0], refusals.COMMAND_NAME)
        name = _command_name(words[0])
        self._has_arrays = self._has_arrays or name in MAY_MAKE_ARRAYS
        if name in DECLARING:
            self._declaration(words)
        elif name in WRAPPERS:
            self._wrapper(words, *WRAPPERS[name])
        elif any(word.has_values for word in words[1:]) and name not in HARMLESS_BUILTINS:
            self._arguments(name, words)

    def _arguments(self, name: str, words: Sequence[Word]) -> None:
        own: dict[str, Callable[[Sequence[Word]], None]] = {
            "[": self._test,
            "test": self._test,
            "printf": self._printf,
            "set": self._set,
        }
        if name in EVALUATING:
            self._refuse_words(words[1:], refusals.taken_by(name))
        elif name in own:
            own[name](words[1:])
        elif interpreter := interpreter_called(name):
            self._interpreted(words, interpreter)
        else:
            self._program(name, words)

    def _wrapper(self, words: Sequence[Word], with_argument: frozenset[str], before: int) -> None:
        if words[0].text == "command" and len(words) > 1 and words[1].text in ("-v", "-V"):
            return
        index = first_operand(words, with_argument, before)
        self._refuse_words(words[1:index], refusals.BEFORE_COMMAND)
        if index < len(words):
            self._words(words[index:])

    def _printf(self, arguments: Sequence[Word]) -> None:
        index = 2 if arguments[0].text == "-v" else 0
        if len(arguments) > index and arguments[index].text == "--":
            index += 1
        self._refuse_words(arguments[: index + 1], refusals.FORMAT)

    def _set(self, arguments: Sequence[Word]) -> None:
        for word in arguments:
            if word.text == "--":
                return
            self.refuse_word(word, refusals.SET_OPTION)

    def _program(self, name: str, words: Sequence[Word]) -> None:
        """Decide about a program: it uses its arguments as they are, unless they start an interpreter."""
        after = CODE_AFTER.get(name, frozenset({"-c", "-e"}) if not name else frozenset[str]())
        starts = STARTS_COMMAND.get(name, frozenset[str]())
        for index, word in enumerate(words[1:], start=1):
            before, inner = words[index - 1].text, words[index:]
            if word.has_values and before in after:
                self.refuse_word(word, refusals.code_of(name) if name else refusals.UNKNOWN_CODE)
            if before in starts:
                self._words(inner)
            elif (interpreter := interpreter_called(_command_name(word))) and _has_code(inner, interpreter):
                self._interpreted(inner, interpreter)

    def _interpreted(self, words: Sequence[Word], interpreter: Interpreter) -> None:
        """Decide about an interpreter: nothing up to its code or script may be a value."""
        name = _command_name(words[0])
        code = _code_index(words, interpreter)
        self._refuse_words(words[1 : code + 1], refusals.code_of(name))
        if any(not word.static and not word.is_static for word in words[1 : code + 1]):
            self._refuse_words(words[code + 1 :], refusals.UNKNOWN_SCRIPT)
        if any(_has_letter(word, interpreter.never) for word in words[1:]):
            self._refuse_words(words[1:], refusals.code_of(name))
        if interpreter.reads_options_later:
            self._refuse_before_dashes(words[code + 1 :])

    def _refuse_before_dashes(self, words: Sequence[Word]) -> None:
        """Refuse values that may be options: those that begin a word, before `--`."""
        for word in words:
            if word.text == "--":
                return
            if not word.static:
                self.refuse_word(word, refusals.OPTION)

    def _runs_input(self, words: Sequence[Word]) -> str:
        """Return the name of the interpreter that runs its standard input as code, if the command is one."""
        while (name := _command_name(words[0])) in WRAPPERS:
            words = words[first_operand(words, *WRAPPERS[name]) :]
            if not words:
                return ""
            if name == "xargs":
                return self._of_input(words)
        if name in INPUT_IS_CODE:
            return name
        interpreter = interpreter_called(name)
        if interpreter is None or name in ("sed", "gsed", "awk", "gawk", "mawk", "nawk"):
            return ""
        code = _code_index(words, interpreter)
        is_input = code >= len(words) or words[code].text in ("-", "/dev/stdin")
        return name if is_input or any(word.text == "-s" for word in words[1:code]) else ""

    def _of_input(self, words: Sequence[Word]) -> str:
        """Return the name of the interpreter whose code `xargs` may make of its input."""
        interpreter = interpreter_called(_command_name(words[0]))
        return _command_name(words[0]) if interpreter and _has_code(words, interpreter) else ""

    # --- tests --------------------------------------------------------------------------------------

    def _test(self, arguments: Sequence[Word]) -> None:
        if any(word.text in NAME_TESTS for word in arguments):
            self._refuse_words(arguments, refusals.TEST_NAME)
        for one, other in pairwise(arguments):
            if one.values and other.values:
                self.refuse_word(other, refusals.TEST_NEIGHBOURS)

    def check_double_brackets(self, words: Sequence[Word]) -> None:
        """Decide about `[[ … ]]`, where `-eq` and its kin evaluate arithmetic."""
        texts = {word.text for word in words}
        if texts & NAME_TESTS:
            self._refuse_words(words, refusals.TEST_NAME)
        if texts & ARITHMETIC_TESTS:
            for word in words:
                for value in (*word.values, *word.inner):
                    if value.expression.types != NUMBER:
                        self._refuse(refusals.TEST_ARITHMETIC, value)


def _command_name(word: Word) -> str:
    """Return the name of a command without its folder; empty where only the shell knows it."""
    return (word.text or "").rsplit("/", maxsplit=1)[-1]


def _has_code(words: Sequence[Word], interpreter: Interpreter) -> bool:
    """Whether an option of these words takes code."""
    return any(_is_code_option(word, interpreter) for word in words[1:])


def _has_letter(word: Word, letters: str) -> bool:
    return word.static[:1] == "-" and word.static[:2] != "--" and any(letter in word.static for letter in letters)


def _is_code_option(word: Word, interpreter: Interpreter) -> bool:
    return word.static.partition("=")[0] in interpreter.long or _has_letter(word, interpreter.code)


def _code_index(words: Sequence[Word], interpreter: Interpreter) -> int:
    """Return the index of the word that is code or names a script; the number of words where none is."""
    index = 1
    while index < len(words):
        word = words[index]
        if word.text == "--" or (word.text == "-" and interpreter.code_is_operand):
            return index + 1
        if word.static[:1] not in ("-", "+") or word.text == "-":
            return index
        if _is_code_option(word, interpreter) and not interpreter.code_is_operand:
            return index if word.static.startswith("--") and "=" in word.static else index + 1
        index += 2 if word.text in interpreter.with_argument else 1
    return index


def first_operand(words: Sequence[Word], with_argument: frozenset[str], before: int) -> int:
    """Return the index of the command that a wrapper starts."""
    index = 1
    while index < len(words):
        word = words[index]
        if word.text in with_argument:
            index += 2
        elif word.static[:1] == "-" or _ASSIGNMENT.match(word.plain):
            index += 1
        elif before:
            before -= 1
            index += 1
        else:
            break
    return min(index, len(words))
