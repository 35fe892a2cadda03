"""Compiling a script: text that holds no value, and the expressions that its variables are bound to."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from pydantic import JsonValue

from definitions.errors import ExpressionError
from definitions.evaluation import Evaluation, FileReader, Scope
from definitions.expressions import Expression, evaluate
from definitions.shell_values.cursor import VARIABLE, Shell
from definitions.shell_values.grammar import Grammar
from definitions.shell_values.refusals import ShellValueError, unreadable
from definitions.templates import OPENING
from definitions.values import to_text

VALUE_LIMIT = 128 * 1024 - 64
"""Bytes of one value: Linux takes environment strings up to 128 KiB, name included."""
TOTAL_LIMIT = 1024 * 1024
"""Bytes of all values of a script: Linux takes about 2 MiB of arguments and environment."""


@dataclass(frozen=True, slots=True)
class Script:
    """A script whose values are environment variables."""

    text: str
    bindings: Mapping[str, Expression]


@lru_cache(maxsize=512)
def compile_script(text: str, shell: Shell = "bash") -> Script:
    """Return the script that `text` is, safe whatever its values will be.

    Raises:
        ShellValueError: a value stands where it cannot be made safe.
        ExpressionError: a placeholder holds no expression.
    """
    script, errors = _read(text, shell)
    if errors:
        raise errors[0]
    return script


def check_script(text: str, shell: Shell = "bash") -> tuple[ExpressionError, ...]:
    """Return everything that `compile_script` has against `text`, in order."""
    return _read(text, shell)[1]


def _read(text: str, shell: Shell) -> tuple[Script, tuple[ExpressionError, ...]]:
    if OPENING not in text:
        return Script(text, {}), ()
    grammar = Grammar(text, shell)
    errors: list[ExpressionError] = []
    try:
        if (at := text.find(VARIABLE)) >= 0:
            raise unreadable(f"names that begin with `{VARIABLE}` are Perdure's own", at, at + len(VARIABLE))
        grammar.script()
    except ExpressionError as error:
        errors.append(error)
    found = sorted([*grammar.errors, *errors], key=lambda error: error.position or 0)
    return Script("".join(grammar.copy), dict(grammar.variables)), tuple(found)


def bind(script: Script, scope: Scope, files: FileReader | None = None) -> dict[str, str]:
    """Return the environment variables that a script refers to.

    Raises:
        ExpressionError: an expression failed, or its value cannot be an environment variable.
        FilesNeeded: an expression reads a file or a stored value, and there is no reader.
    """
    bound = {name: _text(expression, scope, files) for name, expression in script.bindings.items()}
    if sum(len(text.encode()) for text in bound.values()) > TOTAL_LIMIT:
        raise ExpressionError(
            "shell-value-too-big",
            "the values of the script are over 1 MiB together; pass files instead (planned: by file)",
        )
    return bound


def _text(expression: Expression, scope: Scope, files: FileReader | None) -> str:
    shown = f"`{expression.text.strip()}`"
    value: JsonValue = Evaluation(scope, files).resolve_whole(evaluate(expression, scope, files))
    if value is None:
        raise ExpressionError("null-in-text", f"{shown} is null; give a value with `default(…, …)`")
    text = to_text(value)
    if "\0" in text:
        raise ExpressionError("nul-in-shell-value", f"{shown} holds a NUL character, which no argument can; remove it")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise ExpressionError("not-unicode", f"{shown} holds half of a surrogate pair, which is no text") from None
    if size > VALUE_LIMIT:
        raise ExpressionError(
            "shell-value-too-big",
            f"{shown} has {size} bytes, and a value in a script may have {VALUE_LIMIT}; pass a file (planned: by file)",
        )
    return text


__all__ = ["Script", "ShellValueError", "bind", "check_script", "compile_script"]
