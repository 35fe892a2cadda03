"""Which commands of a script do something to the world, and how grave that is: recognised by `definitions.lint.known`.

A command is found by its words, wherever the shell's grammar has one: behind `sudo` and `timeout`, in functions,
substitutions and `bash -c '…'`, also as `python -m twine` or `npx wrangler`. A trial run (`--dry-run`), a call for
help and a server on this machine are no effects. Anything that only the running script knows is not found.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from definitions.lint.known import KNOWN, OPTIONS_WITH_ARGUMENT, Known
from definitions.shell_values import CommandWord, SimpleCommand, command_words

_LONGEST = 64_000
"""What comes later in a script is not read: advice must not cost seconds."""
_NO_EFFECT = re.compile(r"(?:^| )(?:--dry-run|--dryrun|--help|--version)(?:=\S*)?(?= |$)")
_LOCAL = re.compile(r"localhost|\b127\.0\.0\.1\b|\[::1\]|\b0\.0\.0\.0\b")
_MODULE_RUNNERS = re.compile(r"python[0-9.]*|pypy[0-9.]*")
_PACKAGE_RUNNERS = {
    "npx": (),
    "bunx": (),
    "uvx": (),
    "pnpm": ("dlx", "exec"),
    "yarn": ("dlx", "exec"),
    "pipx": ("run",),
}
_BY_PROGRAM: dict[str, tuple[Known, ...]] = {
    program: tuple(known for known in KNOWN if known.words[0] == program)
    for program in dict.fromkeys(known.words[0] for known in KNOWN)
}
_ANY_PROGRAM = re.compile(rf"\b(?:{'|'.join(map(re.escape, _BY_PROGRAM))})\b")


@dataclass(frozen=True, slots=True)
class Effect:
    """One command of a script that changes something outside of the run's files."""

    command: str
    """Its words, as the table has them."""
    tier: Literal[2, 3]
    what: str
    start: int
    end: int
    """Where it stands in the script: from the program to the word that makes it an effect."""


@lru_cache(maxsize=512)
def effects_in(script: str, shell: Literal["bash", "sh"]) -> tuple[Effect, ...]:
    """Return the effects of a script, in the order in which they stand."""
    if not _ANY_PROGRAM.search(script):
        return ()
    return tuple(_found(command_words(script[:_LONGEST], shell)))


def _found(commands: Sequence[SimpleCommand]) -> Iterator[Effect]:
    for command in commands:
        words = _called(command.words)
        name = (words[0].text or "").rsplit("/", maxsplit=1)[-1]
        operands = _operands(words[1:], OPTIONS_WITH_ARGUMENT.get(name, frozenset()))
        for known in _BY_PROGRAM.get(name, ()):
            if _is(known, words, operands):
                last = operands[len(known.words) - 2] if len(known.words) > 1 else words[0]
                end = last.end if last.start >= words[0].start else words[0].end
                yield Effect(" ".join(known.words), known.tier, known.what, words[0].start, end)
                break


def _called(words: tuple[CommandWord, ...]) -> tuple[CommandWord, ...]:
    """Return the words from the program on that a runner of modules or packages starts."""
    name = (words[0].text or "").rsplit("/", maxsplit=1)[-1]
    if _MODULE_RUNNERS.fullmatch(name):
        after = next((index for index, word in enumerate(words) if word.text == "-m"), len(words)) + 1
        return words[after:] or words
    if name not in _PACKAGE_RUNNERS:
        return words
    index = 1
    verbs = _PACKAGE_RUNNERS[name]
    if verbs:
        if len(words) < 2 or words[1].text not in verbs:
            return words
        index = 2
    while index < len(words) and words[index].prefix.startswith("-"):
        index += 1
    return words[index:] or words


def _operands(words: Sequence[CommandWord], with_argument: frozenset[str]) -> list[CommandWord]:
    """Return the words that are no options, nor arguments of options that are known to take one."""
    found: list[CommandWord] = []
    is_argument = False
    for word in words:
        if is_argument:
            is_argument = False
        elif word.prefix.startswith("-") and word.prefix != "-":
            is_argument = word.text in with_argument
        else:
            found.append(word)
    return found


def _is(known: Known, words: Sequence[CommandWord], operands: Sequence[CommandWord]) -> bool:
    subcommand = known.words[1:]
    if tuple(word.text for word in operands[: len(subcommand)]) != subcommand:
        return False
    text = " ".join(word.prefix for word in words[1:])
    if _NO_EFFECT.search(text) or (known.unless and re.search(known.unless, text)):
        return False
    if known.may_be_local and _LOCAL.search(text):
        return False
    if known.only_with and not re.search(known.only_with, text):
        return False
    return not known.to or _goes_elsewhere(known, operands[len(subcommand) :])


def _goes_elsewhere(known: Known, operands: Sequence[CommandWord]) -> bool:
    """Whether the last operand is a place elsewhere, or cannot be anything else."""
    if len(operands) < 2:
        return False
    *sources, target = operands
    is_from_here = all(source.is_whole and known.to not in source.prefix for source in sources)
    return known.to in target.prefix or (known.is_never_within and is_from_here and not target.is_whole)
