"""The texts that go to an agent: the task, asking again, going on after an interruption.

Files are named by path, never pasted; values are JSON. Texts go to a standard input, so size is no matter.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

CONTINUATION = (
    "Your session was interrupted, and what you were just doing may or may not have taken effect. "
    "Check the state of the workspace before you repeat anything, then go on with the task and finish it."
)


@dataclass(frozen=True, slots=True)
class Given:
    """The step's `inputs` as the agent meets them."""

    files: tuple[tuple[str, Path], ...] = ()
    """Name and where the file was laid."""
    values: tuple[tuple[str, JsonValue], ...] = ()


def task(
    prompt: str,
    given: Given,
    *,
    role: str | None = None,
    schema: Mapping[str, JsonValue] | None = None,
    fields: Sequence[str] = (),
) -> str:
    """Return the first text.

    Args:
        prompt: the author's text.
        given: the step's inputs.
        role: only where the agent has no other way to be told.
        schema: the same.
        fields: of the answer, that later steps read; only where there is no schema.
    """
    parts = [role] if role else []
    parts.append(prompt)
    if given.files:
        parts.append("Files for this task:\n" + "\n".join(f"- {name}: {path}" for name, path in given.files))
    if given.values:
        parts.append("Values for this task:\n" + "\n".join(_value(name, value) for name, value in given.values))
    if schema is not None:
        parts.append(_ask_for(schema))
    elif fields:
        named = ", ".join(f"`{field}`" for field in fields)
        parts.append(f"End your answer with one JSON object that has the fields {named}, and nothing after it.")
    text = "\n\n".join(part.strip("\n") for part in parts)
    # a leading slash is a command to some agents, and the prompt may hold text from outside
    return f"Task: {text}" if text.lstrip().startswith("/") else text


def complaint(findings: Sequence[str], schema: Mapping[str, JsonValue]) -> str:
    """Return the text that asks again for an answer that did not fit."""
    listed = "\n".join(f"- {finding}" for finding in findings)
    return f"Your answer does not fit what was asked for:\n{listed}\n\n{_ask_for(schema)}"


def retold(first: str, answer: str, again: str) -> str:
    """Return the text that asks again where the agent has no memory of the first time."""
    return f"{first}\n\nYou have answered this already:\n{answer}\n\n{again}"


def _ask_for(schema: Mapping[str, JsonValue]) -> str:
    written = json.dumps(schema, ensure_ascii=False)
    return f"Give your answer as JSON that fits this JSON Schema, and nothing after it:\n{written}"


def _value(name: str, value: JsonValue) -> str:
    written = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"- {name}: {written}" if name else f"- {written}"
