"""Which commands run their arguments as code, so that a value in the wrong place would be run.

Quoting alone makes a value one argument; it cannot help where the command itself evaluates the argument. The tables
name the shell's own commands, the programs that start other programs, and the common interpreters. A program that is
not in them is taken to use its arguments as they are.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from definitions.functions.registry import NUMBER
from definitions.shell_values import refusals
from definitions.shell_values.refusals import Refusal
from definitions.shell_values.words import Word
from definitions.templates import Placeholder

Refuse = Callable[[Refusal, Placeholder], None]

_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\+?=")
_SUBSCRIPT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\[")
_SPECIAL = frozenset(
    "PATH IFS ENV BASH_ENV PS0 PS1 PS2 PS3 PS4 PROMPT_COMMAND SHELLOPTS BASHOPTS LD_PRELOAD LD_LIBRARY_PATH "
    "LD_AUDIT CDPATH GLOBIGNORE RANDOM SRANDOM SECONDS LINENO HISTCMD OPTIND EPOCHSECONDS EPOCHREALTIME BASHPID "
    "DIRSTACK BASH_ARGV0 BASH_CMDS BASH_ALIASES BASH_XTRACEFD BASH_COMPAT HISTFILE MAIL MAILPATH MAILCHECK TMOUT "
    "POSIXLY_CORRECT EXECIGNORE FUNCNEST".split()
)

_HARMLESS_BUILTINS = frozenset("echo true false : cd pwd exit return kill shift umask pushd ulimit".split())
_EVALUATING = frozenset(
    # the shell's own
    "eval let trap alias unalias read mapfile readarray unset getopts wait bind complete compgen compopt enable fc "
    "history shopt hash type jobs bg fg disown suspend times logout dirs popd caller help break continue source . "
    # programs that hand their arguments, joined, to a shell, or read them as code
    "ssh rsh mosh parallel watch su runuser script at batch entr make gmake dc ed vim vi ex gdb tclsh expect".split()
)
_DECLARING = frozenset("export readonly local declare typeset".split())
_SHELLS = frozenset("sh bash dash zsh ksh mksh ash fish busybox csh tcsh rbash".split())


@dataclass(frozen=True, slots=True)
class _Interpreter:
    """A program that runs code given as an argument, or a file that an argument names."""

    code: str
    """Letters of the options that take code."""
    long: tuple[str, ...] = ()
    """Long options that take code."""
    with_argument: tuple[str, ...] = ()
    """Other options whose argument is the next word."""
    never: str = ""
    """Letters of options with which even plain arguments are evaluated."""


_INTERPRETERS: dict[str, _Interpreter] = {
    **dict.fromkeys(_SHELLS, _Interpreter("c", ("--command",), ("-o", "+o", "-O", "+O", "--rcfile", "--init-file"))),
    "python": _Interpreter("cm", (), ("-W", "-X")),
    "perl": _Interpreter("eE", (), ("-I",), never="np"),
    "ruby": _Interpreter("e", (), ("-I", "-r", "-C", "-E"), never="np"),
    "node": _Interpreter("ep", ("--eval", "--print"), ("-r", "--require", "--import", "--loader", "-C")),
    "deno": _Interpreter("", (), ()),
    "php": _Interpreter("rBRE", ("--run",), ("-d", "-c", "-z")),
    "lua": _Interpreter("e", (), ("-l",)),
    "awk": _Interpreter("e", ("--source",), ("-v", "-F", "-f")),
    "sed": _Interpreter("e", ("--expression",), ("-l",)),
    "osascript": _Interpreter("e", (), ("-l",)),
    "pwsh": _Interpreter("c", ("-Command",), ()),
    "Rscript": _Interpreter("e", (), ()),
    "julia": _Interpreter("eE", ("--eval",), ()),
}
_ALIASES = {"python2": "python", "python3": "python", "pypy": "python", "pypy3": "python", "gawk": "awk", "mawk": "awk",
            "nawk": "awk", "nodejs": "node", "bun": "node", "luajit": "lua", "powershell": "pwsh",
            "gsed": "sed"}  # fmt: skip

_WRAPPERS: dict[str, tuple[frozenset[str], int]] = {
    # name: options whose argument is the next word; how many words stand before the command that is started
    "command": (frozenset(), 0),
    "builtin": (frozenset(), 0),
    "exec": (frozenset({"-a"}), 0),
    "env": (frozenset({"-u", "-C", "--unset", "--chdir"}), 0),
    "sudo": (frozenset("-u -g -h -p -C -r -t -U -D -R -T".split()), 0),
    "doas": (frozenset({"-u", "-C"}), 0),
    "nice": (frozenset({"-n"}), 0),
    "ionice": (frozenset({"-c", "-n", "-p"}), 0),
    "nohup": (frozenset(), 0),
    "setsid": (frozenset(), 0),
    "time": (frozenset({"-o", "-f"}), 0),
    "timeout": (frozenset({"-k", "-s", "--kill-after", "--signal"}), 1),
    "stdbuf": (frozenset({"-i", "-o", "-e"}), 0),
    "chroot": (frozenset(), 1),
    "taskset": (frozenset(), 1),
    "flock": (frozenset({"-w", "-E"}), 1),
    "unshare": (frozenset(), 0),
    "strace": (frozenset({"-e", "-o", "-p", "-s"}), 0),
    "xargs": (frozenset("-I -n -P -L -d -a -s -E".split()), 0),
    "uv": (frozenset({"--with", "--python", "-p", "--project", "--directory"}), 1),
    "poetry": (frozenset(), 1),
}
_ARITHMETIC_TESTS = frozenset({"-eq", "-ne", "-lt", "-le", "-gt", "-ge"})
_NAME_TESTS = frozenset({"-v", "-R"})
_CODE_AFTER = {
    "git": frozenset({"-c", "--exec", "-x", "foreach", "filter-branch", "run", "--upload-pack", "--receive-pack"}),
    "docker": frozenset[str](),
}
_STARTS_COMMAND = {"find": frozenset({"-exec", "-execdir", "-ok", "-okdir"})}


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
        self._has_attributes = False

    def finish(self) -> None:
        """Decide what only the whole script tells."""
        if self._has_attributes:
            for word in self._assigned:
                self.refuse_word(word, refusals.ATTRIBUTES)

    def refuse_word(self, word: Word, refusal: Refusal) -> None:
        """Refuse every value of a word."""
        for value in (*word.values, *(value for item in word.array for value in item.values)):
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
        if match is None:
            self.refuse_word(word, refusals.SUBSCRIPT)
            return
        if match.group(1) in _SPECIAL or match.group(1).startswith("BASH_FUNC_"):
            self.refuse_word(word, refusals.special_variable(match.group(1)))
        for item in word.array:
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
            else:
                self.refuse_word(word, refusals.NAME)

    # --- commands -----------------------------------------------------------------------------------

    def _words(self, words: Sequence[Word]) -> None:
        """Decide about the words of a command, its name first."""
        if words[0].values:
            self.refuse_word(words[0], refusals.COMMAND_NAME)
        name = _command_name(words[0])
        arguments = words[1:]
        if not any(word.values or word.array for word in arguments) and name not in _DECLARING:
            return
        if name in _EVALUATING:
            self._refuse_words(arguments, refusals.taken_by(name))
        elif name in _DECLARING:
            self._declaration(words)
        elif name in _WRAPPERS:
            self._wrapper(words, *_WRAPPERS[name])
        elif name in ("[", "test"):
            self._test(arguments)
        elif name == "printf":
            self._printf(arguments)
        elif name == "set":
            self._set(arguments)
        elif _interpreter(name):
            self._interpreted(words)
        elif name not in _HARMLESS_BUILTINS:
            self._program(words)

    def _wrapper(self, words: Sequence[Word], with_argument: frozenset[str], before: int) -> None:
        index = _first_operand(words, with_argument, before)
        self._refuse_words(words[1:index], refusals.BEFORE_COMMAND)
        if index < len(words):
            if words[index].values:
                self.refuse_word(words[index], refusals.COMMAND_NAME)
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

    def _program(self, words: Sequence[Word]) -> None:
        """Decide about a program: it uses its arguments as they are, unless they start an interpreter."""
        name = _command_name(words[0])
        after = _CODE_AFTER.get(name, frozenset({"-c", "-e"}) if not name else frozenset[str]())
        starts = _STARTS_COMMAND.get(name, frozenset[str]())
        for index, word in enumerate(words[1:], start=1):
            if word.values and words[index - 1].text in after:
                self.refuse_word(word, refusals.code_of(name) if name else refusals.UNKNOWN_CODE)
            inner = words[index:]
            if words[index - 1].text in starts:
                self._words(inner)
            elif _takes_code(inner):
                self._interpreted(inner)

    def _interpreted(self, words: Sequence[Word]) -> None:
        """Decide about an interpreter: nothing up to its code or script may be a value."""
        name = _command_name(words[0])
        interpreter = _interpreter(name)
        if interpreter is None:
            return
        end = _code_end(words, interpreter)
        self._refuse_words(words[1:end], refusals.code_of(name))
        options = [word.static for word in words[1:end] if word.static[:1] == "-" and word.static[:2] != "--"]
        if any(letter in option for option in options for letter in interpreter.never):
            self._refuse_words(words[1:], refusals.code_of(name))

    def _runs_input(self, words: Sequence[Word]) -> str:
        """Return the name of the interpreter that runs its standard input as code, if the command is one."""
        name = _command_name(words[0])
        if name in _WRAPPERS:
            options, before = _WRAPPERS[name]
            index = _first_operand(words, options, before)
            inner = words[index:]
            if name == "xargs":
                return _command_name(inner[0]) if inner and _takes_code(inner) else ""
            return self._runs_input(inner) if inner else ""
        if name in ("ssh", "parallel", "su", "tclsh", "dc", "ed", "ex"):
            return name
        interpreter = _interpreter(name)
        if interpreter is None or name in ("awk", "gawk", "mawk", "sed"):
            return ""
        has_script = any(
            word.static[:1] not in ("-", "+") or set(word.static[1:]) & set(interpreter.code) for word in words[1:]
        )
        reads_input = any(word.text in ("-", "-s", "/dev/stdin") for word in words[1:])
        return name if reads_input or not has_script else ""

    # --- tests --------------------------------------------------------------------------------------

    def _test(self, arguments: Sequence[Word]) -> None:
        if any(word.text in _NAME_TESTS for word in arguments):
            self._refuse_words(arguments, refusals.TEST_NAME)
        for one, other in zip(arguments, arguments[1:], strict=False):
            if one.values and other.values:
                self.refuse_word(other, refusals.TEST_NEIGHBOURS)

    def check_double_brackets(self, words: Sequence[Word]) -> None:
        """Decide about `[[ … ]]`, where `-eq` and its kin evaluate arithmetic."""
        texts = {word.text for word in words}
        if texts & _NAME_TESTS:
            self._refuse_words(words, refusals.TEST_NAME)
        if texts & _ARITHMETIC_TESTS:
            for word in words:
                for value in word.values:
                    if value.expression.types != NUMBER:
                        self._refuse(refusals.ARITHMETIC, value)


def _command_name(word: Word) -> str:
    """Return the name of a command without its folder; empty where only the shell knows it."""
    return (word.text or "").rsplit("/", maxsplit=1)[-1]


def _interpreter(name: str) -> _Interpreter | None:
    plain = _ALIASES.get(name, name)
    return _INTERPRETERS.get(plain) or _INTERPRETERS.get(re.sub(r"[0-9.]+$", "", plain))


def _takes_code(words: Sequence[Word]) -> bool:
    """Whether these words start an interpreter with code as an argument."""
    interpreter = _interpreter(_command_name(words[0]))
    if interpreter is None:
        return False
    return any(_is_code_option(word, interpreter) for word in words[1:])


def _is_code_option(word: Word, interpreter: _Interpreter) -> bool:
    option = word.static
    if option.startswith("--") or option.partition("=")[0] in interpreter.long:
        return option.partition("=")[0] in interpreter.long
    return option.startswith("-") and bool(set(option[1:]) & set(interpreter.code))


def _code_end(words: Sequence[Word], interpreter: _Interpreter) -> int:
    """Return the index after the last word that can be code, a script's name or an option before it."""
    index = 1
    while index < len(words):
        word = words[index]
        if word.static[:1] not in ("-", "+") or word.text in ("-", "--"):
            return index + 1 if word.text != "--" else index + 2
        if _is_code_option(word, interpreter):
            return _after_code(words, index, interpreter)
        index += 2 if word.text in interpreter.with_argument else 1
    return index


def _after_code(words: Sequence[Word], index: int, interpreter: _Interpreter) -> int:
    """Return the index after code; options that follow it may give more of it."""
    word = words[index]
    has_code = "=" in word.static or (word.static[-1:] not in interpreter.code and word.static not in interpreter.long)
    following = index + (1 if has_code and len(word.static) > 2 else 2)
    if any(_is_code_option(later, interpreter) for later in words[following:]) and interpreter.code == "e":
        return len(words)
    return following


def _first_operand(words: Sequence[Word], with_argument: frozenset[str], before: int) -> int:
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
