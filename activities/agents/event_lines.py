"""Our own dialect of agent events, a JSON object a line: what the scripted player and any `command` may print.

{"event": "text", "text": "…"}
{"event": "tool", "id": "1", "name": "Write", "arguments": {…}}
{"event": "tool_result", "id": "1", "is_error": false}
{"event": "denied", "id": "1", "tool": "Bash", "only_reads": false}
{"event": "usage", "call": "1", "input_tokens": 10, "output_tokens": 5, "model": "…"}
{"event": "answer", "answer": any JSON}      or "text": "…"; the last word; may hold "usd" and "turns"
{"event": "error", "class": "overloaded", "message": "…"}      a last word too
"""

import json
from collections.abc import Callable, Mapping

from pydantic import JsonValue

from activities.agents.events import (
    AgentEvent,
    Denied,
    Finished,
    Raw,
    SessionUsage,
    Started,
    Text,
    ToolCall,
    ToolResult,
    UsageReported,
)
from definitions.errors import ErrorClass

Fields = Mapping[str, JsonValue]


def parse_event_line(line: str) -> AgentEvent | None:
    """Return the event on a line; None where the line is not of this dialect. Never raises."""
    fields = json_object(line)
    reader = _READERS.get(str(fields.get("event"))) if fields is not None else None
    if fields is None or reader is None:
        return None
    try:
        return reader(fields)
    except (KeyError, ValueError, TypeError):
        return Raw(line)


def json_object(line: str) -> Fields | None:
    """Return the JSON object that a line is; None where it is something else. Never raises."""
    if not line.lstrip().startswith("{"):
        return None
    try:
        value: JsonValue = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def text_of(value: JsonValue) -> str | None:
    """Return `value` where it is text."""
    return value if isinstance(value, str) else None


def count_of(value: JsonValue) -> int:
    """Return `value` where it is a count; else 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


def amount_of(value: JsonValue) -> float | None:
    """Return `value` where it is an amount of money."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 else None


def usage_of(fields: Fields, call: str) -> UsageReported:
    """Return the tokens that `fields` tell of one call of the model."""
    return UsageReported(
        call=call,
        input_tokens=count_of(fields.get("input_tokens")),
        output_tokens=count_of(fields.get("output_tokens")),
        cache_read_tokens=count_of(fields.get("cache_read_tokens")),
        cache_write_tokens=count_of(fields.get("cache_write_tokens")),
        model=text_of(fields.get("model")),
    )


def _answer(fields: Fields) -> Finished:
    turns = fields.get("turns")
    usage = SessionUsage(turns=count_of(turns) if turns is not None else None, usd=amount_of(fields.get("usd")))
    return Finished(text=text_of(fields.get("text")), structured=fields.get("answer"), usage=usage)


def _error(fields: Fields) -> Finished:
    error_class = ErrorClass(str(fields.get("class", ErrorClass.CRASH)))
    usage = SessionUsage(usd=amount_of(fields.get("usd")))
    return Finished(is_error=True, error_class=error_class, text=text_of(fields.get("message")), usage=usage)


_READERS: dict[str, Callable[[Fields], AgentEvent]] = {
    "started": lambda f: Started(session=text_of(f.get("session")), model=text_of(f.get("model"))),
    "text": lambda f: Text(str(f["text"])),
    "tool": lambda f: ToolCall(str(f.get("id", "")), str(f["name"]), f.get("arguments"), f.get("only_reads") is True),
    "tool_result": lambda f: ToolResult(str(f.get("id", "")), f.get("is_error") is True),
    "denied": lambda f: Denied(
        str(f["tool"]), f.get("only_reads") is True, text_of(f.get("detail")) or "", str(f.get("id", ""))
    ),
    "usage": lambda f: usage_of(f, str(f["call"])),
    "answer": _answer,
    "error": _error,
}
