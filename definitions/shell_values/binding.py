"""Binding a script: the text of each of its values, and which of them travel by file.

Linux takes environment variables and arguments of up to 128 KiB each and about 2 MiB together. A value beyond goes by
a file that the script reads into a variable: enough for what the shell itself does with it (assignments, tests,
here-documents, `printf`), and for Python and Node. As an argument of a program no way leads around the limit.
"""

import json
from collections.abc import Mapping

from pydantic import JsonValue

from definitions.errors import ExpressionError
from definitions.evaluation import Evaluation, FileReader, Scope
from definitions.expressions import Expression, evaluate
from definitions.shell_values.script import Script
from definitions.shell_values.sources import Interpreter, from_files
from definitions.values import compact_json, to_text

VARIABLE_LIMIT = 128 * 1024 - 64
"""Bytes of one variable or argument: Linux takes 128 KiB, with the name."""
ENVIRONMENT_LIMIT = 1024 * 1024
"""Bytes of all values in the environment: the kernel's 2 MiB hold the rest of it too, and a command's arguments."""
TOTAL_LIMIT = 16 * 1024 * 1024
"""Bytes of all values of a script: they are held in memory."""


def bind(script: Script, scope: Scope, files: FileReader | None = None) -> dict[str, str]:
    """Return the variables that a script refers to, with the text of their values.

    Raises:
        ExpressionError: an expression failed, or its value cannot get into the script.
        FilesNeeded: an expression reads a file or a stored value, and there is no reader.
    """
    bound = {name: _text(expression, script.interpreter, scope, files) for name, expression in script.bindings.items()}
    for name in sorted(script.arguments & by_file(bound).keys()):
        if (size := len(bound[name].encode())) > VARIABLE_LIMIT:
            raise ExpressionError(
                "shell-value-too-big",
                f"{_shown(script.bindings[name])} has {size} bytes, and an argument of a program may have "
                f"{VARIABLE_LIMIT}; pipe it, `printf '%s' {{{{ … }}}} | program`, or write it in a here-document",
            )
    if sum(len(text.encode()) for text in bound.values()) > TOTAL_LIMIT:
        raise ExpressionError(
            "shell-value-too-big",
            f"the values of the script are over {TOTAL_LIMIT >> 20} MiB together; write them to files, and pass those",
        )
    return bound


def by_file(bound: Mapping[str, str]) -> dict[str, str]:
    """Return those of the bound values that do not fit into the environment: the longest, as few as need be."""
    sizes = {name: len(text.encode()) for name, text in bound.items()}
    remaining = sum(sizes.values())
    chosen: set[str] = set()
    for name in sorted(sizes, key=lambda name: sizes[name], reverse=True):
        if sizes[name] <= VARIABLE_LIMIT and remaining <= ENVIRONMENT_LIMIT:
            break
        chosen.add(name)
        remaining -= sizes[name]
    return {name: text for name, text in bound.items() if name in chosen}


def bound_text(script: Script, bound: Mapping[str, str]) -> str:
    """Return the text to run: the script's own, made to read from files what `by_file` names."""
    return from_files(script.text, script.interpreter, by_file(bound))


def _text(expression: Expression, interpreter: Interpreter, scope: Scope, files: FileReader | None) -> str:
    value: JsonValue = Evaluation(scope, files).resolve_whole(evaluate(expression, scope, files))
    shown = _shown(expression)
    has_types = interpreter in ("python", "node")
    if value is None and not has_types:
        raise ExpressionError("null-in-text", f"{shown} is null; give a value with `default(…, …)`")
    text = compact_json(value) if has_types else to_text(value)
    if "\0" in text:
        raise ExpressionError("nul-in-shell-value", f"{shown} holds a NUL character, which no argument can; remove it")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ExpressionError("not-unicode", f"{shown} holds half of a surrogate pair, which is no text") from None
    # plain ASCII, because Python decodes its environment by the locale
    return json.dumps(json.loads(text)) if has_types else text


def _shown(expression: Expression) -> str:
    return f"`{expression.text.strip()}`"
