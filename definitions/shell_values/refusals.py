"""Why a value cannot stand in a place of a script, and what to write instead."""

from dataclasses import dataclass

from definitions.errors import ExpressionError

UNSAFE = "unsafe-shell-value"


class ShellValueError(ExpressionError):
    """A value in a script cannot be made safe. `position` and `end` are offsets into the script's text."""

    def __init__(self, message: str, help_text: str, position: int, end: int, code: str = UNSAFE) -> None:
        super().__init__(code, message, position, end)
        self.help = help_text

    def __str__(self) -> str:
        return f"{self.message}; {self.help}"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reason and the way out."""

    message: str
    help: str

    def at(self, position: int, end: int) -> ShellValueError:
        """Return the error of a value at that place."""
        return ShellValueError(self.message, self.help, position, end)


ASSIGN_FIRST = 'assign it first, `value={{ … }}`, and use `"$value"` here'

BACKSLASH = Refusal("a backslash right before `{{` would escape the value's own quoting", "remove the backslash")
DOLLAR = Refusal("`${{ }}` is not a placeholder, and `$` before one would change its quoting", "remove the `$`")
BACKTICKS = Refusal("quoting inside backticks cannot be read for certain", "write `$(…)` instead of backticks")
PARAMETER = Refusal("a value cannot stand inside `${ }`", 'assign it first, `value={{ … }}`, and use `"${…$value}"`')
ARITHMETIC = Refusal(
    "the shell evaluates what stands in arithmetic, and text in it could be run", "make it a number: `{{ int(…) }}`"
)
LOCALE = Refusal('a value cannot stand inside `$"…"`', 'write `"…"` without the `$`')
QUOTED_DOCUMENT = Refusal(
    "nothing is replaced in a here-document whose delimiter is quoted",
    "remove the quotes around the delimiter, and write `\\$` for each `$` that shall stay",
)
DOCUMENT_EXPANSION = Refusal("a value cannot stand inside an expansion in a here-document", ASSIGN_FIRST)
DELIMITER = Refusal("a value cannot be the delimiter of a here-document", "write a plain word, such as `EOF`")
COMMAND_NAME = Refusal(
    "a value cannot be the name of a command, or it could name any program",
    "choose among plain names: `case {{ … }} in pytest) pytest … ;; esac`",
)
NAME = Refusal("a value cannot be a name that the shell defines", "write the name itself")
SUBSCRIPT = Refusal("the shell evaluates what stands between `[ ]` of an array", ASSIGN_FIRST)
DESCRIPTOR = Refusal(
    "a value cannot be a file descriptor: bash expands what follows `>&` twice",
    "write the number itself, or for a file `> {{ … }} 2>&1`",
)
TEST_ARITHMETIC = Refusal(
    "inside `[[ ]]`, `-eq` and its kin evaluate what they compare, and text in it could be run",
    "write `[ … -eq … ]`, or make it a number: `{{ int(…) }}`",
)
OPTION = Refusal("a value here could be an option that holds code", "write `--` before it")
UNKNOWN_SCRIPT = Refusal(
    "what stands before the value is known to the shell only, and may make code of it",
    "write the options and the name of the script as they are",
)
TEST_NAME = Refusal("`-v` and `-R` evaluate their operand as a variable's name", "write the name itself")
TEST_NEIGHBOURS = Refusal(
    "two values side by side in a test could be read as an operator and its operand", "compare them one by one"
)
BEFORE_COMMAND = Refusal(
    "a value before the command that is started here could be taken for that command", ASSIGN_FIRST
)
ATTRIBUTES = Refusal(
    "the script declares variables with `-i`, `-n` or `-A`, whose assignments the shell evaluates",
    "do without these attributes, or pass the value as an argument",
)
DECLARED = Refusal(
    "the script has arrays, and this command evaluates what it assigns to one",
    "declare and assign apart: `local name; name={{ … }}`",
)
FORMAT = Refusal("a value cannot be the format of `printf`", "write `printf '%s' {{ … }}`")
SET_OPTION = Refusal("a value here could be an option of the shell", "write `set -- {{ … }}`")
UNKNOWN_CODE = Refusal(
    "the command is not known here, and its `-c` or `-e` may run this value as code",
    "write the command's name, or pass the value in the environment (`env:` of the step)",
)
STRING = Refusal(
    "a value cannot stand inside a string: it is an expression of its own in Python and Node",
    'leave the quotes out, `name = {{ … }}`, or join: `"to " + {{ … }}`',
)
FORMATTED = Refusal(
    "a value cannot stand inside a formatted string: it is an expression of its own",
    'assign it first, `value = {{ … }}`, and write `f"… {value}"`',
)
TEMPLATE_LITERAL = Refusal(
    "a value cannot stand in the text of a template literal: it is an expression of its own",
    "write `${ {{ … }} }`, with a blank after the first brace",
)


def joined(sign: str) -> Refusal:
    """Return why a value cannot stand right beside a word, a quote or a dot of a program."""
    return Refusal(
        f"a value is an expression of its own here, and it touches `{sign}`",
        "put an operator, a comma or a blank between; for a name or a key use `getattr(…, {{ … }})` or `…[{{ … }}]`",
    )


def special_variable(name: str) -> Refusal:
    """Return why a value cannot be assigned to a variable that the shell itself evaluates."""
    return Refusal(f"the shell itself acts on `{name}`", f"set `{name}` in `env:` of the step, or use another name")


def code_of(command: str) -> Refusal:
    """Return why a value cannot stand where `command` takes code."""
    return Refusal(
        f"`{command}` runs what stands here as code",
        "pass the value after the code, as an argument of it: `bash -c 'ls \"$1\"' _ {{ … }}`, "
        "`python -c '… sys.argv[1] …' {{ … }}`",
    )


def taken_by(command: str) -> Refusal:
    """Return why no value can be given to `command` at all."""
    return Refusal(
        f"`{command}` evaluates its arguments again, so a value in them could be run",
        "assign it first, `value={{ … }}`, check it, and use the variable",
    )


def unreadable(what: str, position: int, end: int) -> ShellValueError:
    """Return the error of a script whose quoting cannot be followed with certainty."""
    return ShellValueError(
        f"{what}, so it is not certain where values stand in this script",
        "write it in a plainer way, or give values to the script by `env:` of the step",
        position,
        end,
    )
