"""Which commands a script holds: the words of each, for rules that ask what a script would do (`git push`, `psql`).

This is for advice, not for safety: `script` decides about values, and refuses what it cannot follow; here a part that
cannot be followed is left out, and reading goes on with the next line. Commands inside `$( )`, functions, loops and
`sh -c '…'` are found; those that only the running script knows (`"$tool" push`, here-documents, files) are not.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from definitions.errors import ExpressionError
from definitions.shell_values.commands import SHELLS, STARTS_COMMAND, WRAPPERS
from definitions.shell_values.cursor import Word
from definitions.shell_values.grammar import Grammar
from definitions.shell_values.policy import Command, first_operand
from definitions.shell_values.sources import Interpreter, Shell

_DEPTH_LIMIT = 4
_MANAGERS = frozenset({"uv", "poetry"})
"""These start another command by `run` only: `uv publish dist/*` is their own."""
_SHELLS: dict[Interpreter, Shell] = {"bash": "bash", "sh": "sh"}


@dataclass(frozen=True, slots=True)
class CommandWord:
    """A word of a command, without its quotes."""

    prefix: str
    """Its text up to the first part that only the run knows."""
    is_whole: bool
    """Whether that is all of it."""
    start: int
    end: int
    """Where it stands in the script."""

    @property
    def text(self) -> str | None:
        """Return the whole text where it is known."""
        return self.prefix if self.is_whole else None


@dataclass(frozen=True, slots=True)
class SimpleCommand:
    """A command and its arguments, without assignments, redirections and what merely starts it (`sudo`, `timeout 5`).

    The first word's text has its folder still: `/usr/bin/git`.
    """

    words: tuple[CommandWord, ...]

    @property
    def name(self) -> str:
        """Return the command's name without its folder; empty where only the run knows it."""
        return (self.words[0].text or "").rsplit("/", maxsplit=1)[-1]

    @property
    def arguments(self) -> tuple[str | None, ...]:
        """Return the text of each word after the name, None where only the run knows it."""
        return tuple(word.text for word in self.words[1:])


@lru_cache(maxsize=512)
def command_words(text: str, interpreter: Interpreter = "bash") -> tuple[SimpleCommand, ...]:
    """Return the simple commands of a script, in the order in which they stand; never raises.

    Scripts for Python and Node have none.
    """
    shell = _SHELLS.get(interpreter)
    if shell is None:
        return ()
    return tuple(sorted(_commands(text, shell, 0), key=lambda command: command.words[0].start))


def _commands(text: str, shell: Shell, depth: int) -> Iterator[SimpleCommand]:
    for command, offset in _read(text, shell):
        if command.words:
            yield from _started(command.words, offset, shell, depth)


def _read(text: str, shell: Shell) -> Iterator[tuple[Command, int]]:
    """Yield commands with the offset of the part that they were read from."""
    offset = 0
    while offset < len(text):
        grammar = Grammar(text[offset:], shell)
        following = len(text)
        try:
            grammar.script()
        except ExpressionError as error:
            line_end = grammar.text.find("\n", max(error.position or 0, grammar.at))
            following = len(text) if line_end < 0 else offset + line_end + 1
        yield from ((command, offset) for command in grammar.simple_commands)
        offset = following


def _started(words: Sequence[Word], offset: int, shell: Shell, depth: int) -> Iterator[SimpleCommand]:
    """Yield the command that these words start in the end, and those that it starts in turn."""
    command = SimpleCommand(tuple(_placed(word, offset) for word in words))
    if command.name in WRAPPERS:
        inner = words[first_operand(words, *WRAPPERS[command.name]) :]
        if inner and (command.name not in _MANAGERS or "run" in command.arguments):
            yield from _started(inner, offset, shell, depth)
            return
    yield command
    for index, word in enumerate(words[:-1]):
        if word.text in STARTS_COMMAND.get(command.name, ()):
            yield from _started(words[index + 1 :], offset, shell, depth)
    code = _code(command)
    if code is not None and depth < _DEPTH_LIMIT:
        for found in _commands(code.prefix, shell, depth + 1):
            # positions inside quotes are not those of the script: the code as a whole is the place
            yield SimpleCommand(tuple(CommandWord(w.prefix, w.is_whole, code.start, code.end) for w in found.words))


def _placed(word: Word, offset: int) -> CommandWord:
    return CommandWord(word.static, word.is_static, word.start + offset, word.end + offset)


def _code(command: SimpleCommand) -> CommandWord | None:
    """Return the word that is a script itself: the argument of `eval` or of `sh -c`."""
    if command.name == "eval" and len(command.words) > 1:
        return command.words[1]
    if command.name not in SHELLS:
        return None
    is_code = False
    for word in command.words[1:]:
        if word.prefix[:1] not in ("-", "+"):
            return word if is_code else None
        is_code = is_code or (word.prefix[:2] != "--" and "c" in word.prefix)
    return None
