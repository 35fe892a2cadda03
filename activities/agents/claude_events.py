"""Lines of `claude -p --output-format stream-json --verbose` as events. Pure; an unknown line is `Raw`.

What misleads in them, each held by a test: an API error is `subtype: success` with `is_error`; a denied tool is
success with `permission_denials`; a missed schema is success without `structured_output`; a message with several
blocks is told once a block, each time with the usage; words of the CLI itself come as an assistant `<synthetic>`.
"""

import json
from collections.abc import Iterator
from typing import Literal

from pydantic import JsonValue

from activities.agents.event_lines import Fields, amount_of, count_of, json_object, text_of
from activities.agents.events import (
    AgentEvent,
    Denied,
    Finished,
    Raw,
    Retrying,
    SessionUsage,
    Started,
    Text,
    ToolCall,
    ToolResult,
    UsageReported,
)
from definitions.errors import ErrorClass

READING_TOOLS = frozenset({"Read", "Glob", "Grep", "LS", "NotebookRead", "WebFetch", "WebSearch"})
"""Tools that change nothing: a denial of them leaves nothing undone."""
STRUCTURED_OUTPUT = "StructuredOutput"
_SYNTHETIC = "<synthetic>"
_LIMITS: dict[str, Literal["turns", "usd"]] = {"error_max_turns": "turns", "error_max_budget_usd": "usd"}
_LOGIN_WORDS = ("/login", "not logged in", "invalid api key", "authenticate", "oauth token")


def parse_line(line: str) -> list[AgentEvent]:
    """Return what a line means."""
    fields = json_object(line)
    if fields is None:
        return [Raw(line)] if line.strip() else []
    try:
        match fields.get("type"), fields.get("subtype"):
            case "system", "init":
                return [_started(fields)]
            case "system", "api_retry":
                return [_retrying(fields)]
            case "assistant", _:
                return list(_assistant(fields))
            case "user", _:
                return list(_user(fields))
            case "result", _:
                return list(_result(fields))
            case _:
                return [Raw(line)]
    except (AttributeError, KeyError, TypeError, ValueError):
        return [Raw(line)]


def _started(fields: Fields) -> Started:
    tools = fields.get("tools")
    named = tuple(str(tool) for tool in tools) if isinstance(tools, list) else ()
    return Started(text_of(fields.get("session_id")), text_of(fields.get("model")), named)


def _retrying(fields: Fields) -> Retrying:
    status = fields.get("error_status")
    said = text_of(fields.get("error")) or ""
    return Retrying(count_of(status) or None, count_of(fields.get("attempt")), said)


def _assistant(fields: Fields) -> Iterator[AgentEvent]:
    message = _mapping(fields["message"])
    if message.get("model") == _SYNTHETIC:
        return  # the CLI's own words; the result repeats them
    usage = _mapping(message.get("usage"))
    yield UsageReported(
        call=str(message.get("id")),
        input_tokens=count_of(usage.get("input_tokens")),
        output_tokens=count_of(usage.get("output_tokens")),
        cache_read_tokens=count_of(usage.get("cache_read_input_tokens")),
        cache_write_tokens=count_of(usage.get("cache_creation_input_tokens")),
        model=text_of(message.get("model")),
    )
    is_own = fields.get("parent_tool_use_id") is None  # else a subagent's words, which are no answer
    for block in _blocks(message):
        match block.get("type"):
            case "text" if is_own and block.get("text"):
                yield Text(str(block["text"]))
            case "tool_use" if block.get("name") != STRUCTURED_OUTPUT:
                name = str(block.get("name"))
                yield ToolCall(str(block.get("id")), name, block.get("input"), name in READING_TOOLS)
            case _:
                pass


def _user(fields: Fields) -> Iterator[AgentEvent]:
    for block in _blocks(_mapping(fields["message"])):
        if block.get("type") == "tool_result":
            yield ToolResult(str(block.get("tool_use_id")), block.get("is_error") is True)


def _result(fields: Fields) -> Iterator[AgentEvent]:
    denials = fields.get("permission_denials")
    for denial in denials if isinstance(denials, list) else []:
        yield _denied(_mapping(denial))
    status = count_of(fields.get("api_error_status")) or None
    is_error = fields.get("is_error") is True or str(fields.get("subtype")).startswith("error_")
    text = text_of(fields.get("result"))
    errors = fields.get("errors")
    if text is None and isinstance(errors, list):
        text = "; ".join(str(error) for error in errors)
    yield Finished(
        # of an answer that the CLI says it lacks there is no text: an empty one would count as said
        text=text,
        structured=fields.get("structured_output"),
        is_error=is_error,
        status=status,
        limit=_LIMITS.get(str(fields.get("subtype"))),
        error_class=_class(str(fields.get("subtype")), status, text or "") if is_error else None,
        usage=_session_usage(fields),
    )


def _class(subtype: str, status: int | None, text: str) -> ErrorClass | None:
    """Return the class of an error that has no status; None leaves it to the status."""
    if status is not None:
        return None
    if any(word in text.lower() for word in _LOGIN_WORDS):
        return ErrorClass.AUTH
    if subtype == "error_max_structured_output_retries":
        return ErrorClass.SCHEMA
    return ErrorClass.OVERLOADED if "API Error" in text else ErrorClass.CRASH


def _session_usage(fields: Fields) -> SessionUsage:
    usage = _mapping(fields.get("usage"))

    def tokens(name: str) -> int | None:
        return count_of(usage[name]) if name in usage else None

    return SessionUsage(
        input_tokens=tokens("input_tokens"),
        output_tokens=tokens("output_tokens"),
        cache_read_tokens=tokens("cache_read_input_tokens"),
        cache_write_tokens=tokens("cache_creation_input_tokens"),
        usd=amount_of(fields.get("total_cost_usd")),
    )


def _denied(denial: Fields) -> Denied:
    tool = str(denial.get("tool_name"))
    wanted = json.dumps(denial.get("tool_input"), ensure_ascii=False)
    told = wanted if len(wanted) <= 300 else f"{wanted[:300]}…"
    return Denied(tool, tool in READING_TOOLS, told, str(denial.get("tool_use_id")))


def _blocks(message: Fields) -> list[Fields]:
    content = message.get("content")
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


def _mapping(value: JsonValue) -> Fields:
    return value if isinstance(value, dict) else {}
