"""The answer of an agent: which value its last words stand for.

With an output schema, the value that the agent structured itself, else the JSON in its text; without one, the
last JSON object of the text, else `{content: text}`.
"""

import json
from collections.abc import Iterator

from pydantic import JsonValue

MOST_CHARACTERS = 4_000_000
"""Of a text, only so much (its end) is searched for JSON."""
_MOST_STARTS = 2000


def candidates(text: str, structured: JsonValue = None) -> Iterator[JsonValue]:
    """Yield what may be the structured answer, likeliest first: the agent's own, the whole text, JSON inside it."""
    if structured is not None:
        yield structured
    stripped = text.strip()
    for whole in (stripped, _unfenced(stripped)):
        try:
            yield json.loads(whole)
        except (ValueError, RecursionError):
            continue
    last = last_object(text)
    if last is not None:
        yield last


def free_answer(text: str, structured: JsonValue = None) -> dict[str, JsonValue]:
    """Return the outputs of a step without a schema."""
    if isinstance(structured, dict):
        return structured
    if structured is not None:
        return {"content": structured}
    return last_object(text) or {"content": text.strip()}


def as_outputs(answer: JsonValue) -> dict[str, JsonValue]:
    """Return an answer as outputs, which have names."""
    return answer if isinstance(answer, dict) else {"content": answer}


def last_object(text: str) -> dict[str, JsonValue] | None:
    """Return the last JSON object in `text` that is not inside another; None where there is none."""
    text = text[-MOST_CHARACTERS:]
    decoder = json.JSONDecoder()
    found: dict[str, JsonValue] | None = None
    position, starts = text.find("{"), 0
    while position >= 0 and starts < _MOST_STARTS:
        starts += 1
        try:
            value, end = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            position = text.find("{", position + 1)
            continue
        found = value if value else found  # `{}` in prose or code is no answer
        position = text.find("{", end)
    return found


def _unfenced(text: str) -> str:
    """Return the inside of a text that is one Markdown code block."""
    if not (text.startswith("```") and text.endswith("```") and "\n" in text):
        return ""
    return text.split("\n", 1)[1].removesuffix("```")
