"""Compiling a script: text that holds no value, and the expressions that its variables are bound to."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from definitions.errors import ExpressionError
from definitions.expressions import Expression
from definitions.shell_values.cursor import VARIABLE
from definitions.shell_values.grammar import Grammar
from definitions.shell_values.node_code import NodeCode
from definitions.shell_values.python_code import PythonCode
from definitions.shell_values.refusals import unreadable
from definitions.shell_values.sources import Interpreter
from definitions.templates import OPENING

LENGTH_LIMIT = 128 * 1024
"""Characters of a script with values: reading one takes more than linear time, and Linux takes no longer argument."""


@dataclass(frozen=True, slots=True)
class Script:
    """A script whose values are environment variables, or files where they are too long for that."""

    text: str
    bindings: Mapping[str, Expression]
    interpreter: Interpreter = "bash"
    arguments: frozenset[str] = frozenset()
    """Variables that the script hands to programs as arguments or environment: the kernel bounds their length."""


@lru_cache(maxsize=512)
def compile_script(text: str, interpreter: Interpreter = "bash") -> Script:
    """Return the script that `text` is, safe whatever its values will be.

    Raises:
        ShellValueError: a value stands where it cannot be made safe.
        ExpressionError: a placeholder holds no expression.
    """
    script, errors = _read(text, interpreter)
    if errors:
        raise errors[0]
    return script


def check_script(text: str, interpreter: Interpreter = "bash") -> tuple[ExpressionError, ...]:
    """Return everything that `compile_script` has against `text`, in order."""
    return _read(text, interpreter)[1]


def _read(text: str, interpreter: Interpreter) -> tuple[Script, tuple[ExpressionError, ...]]:
    if OPENING not in text:
        return Script(text, {}, interpreter), ()
    reader = _reader(text, interpreter)
    errors: list[ExpressionError] = []
    try:
        if len(text) > LENGTH_LIMIT:
            raise unreadable(f"the script has more than {LENGTH_LIMIT} characters", 0, 1)
        if (at := text.find(VARIABLE)) >= 0:
            raise unreadable(f"names that begin with `{VARIABLE}` are Perdure's own", at, at + len(VARIABLE))
        reader.script()
    except ExpressionError as error:
        errors.append(error)
    found = sorted([*reader.errors, *errors], key=lambda error: error.position or 0)
    arguments = reader.arguments() if isinstance(reader, Grammar) else frozenset[str]()
    return Script("".join(reader.copy), dict(reader.variables), interpreter, arguments), tuple(found)


def _reader(text: str, interpreter: Interpreter) -> Grammar | PythonCode | NodeCode:
    match interpreter:
        case "python":
            return PythonCode(text)
        case "node":
            return NodeCode(text)
        case "bash" | "sh":
            return Grammar(text, interpreter)
