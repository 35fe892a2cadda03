"""Lines of Claude Code (2.1.197, recorded and shortened) and what they mean; each trap of the CLI is one test."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.agents.claude_events import parse_line
from activities.agents.events import (
    AgentEvent,
    Denied,
    Finished,
    Raw,
    Retrying,
    Started,
    Text,
    ToolCall,
    ToolResult,
    UsageReported,
)
from definitions.errors import ErrorClass


def parsed(**fields: Any) -> list[AgentEvent]:
    return parse_line(json.dumps(fields))


def result(**fields: Any) -> Finished:
    event = parsed(type="result", **fields)[-1]
    assert isinstance(event, Finished)
    return event


def assistant(*content: dict[str, Any], parent: str | None = None, model: str = "claude-opus") -> list[AgentEvent]:
    usage = {"input_tokens": 7, "output_tokens": 2}
    message = {"id": "msg_1", "model": model, "content": list(content), "usage": usage}
    return parsed(type="assistant", message=message, parent_tool_use_id=parent)


def test_session_is_known_when_it_begins() -> None:
    events = parsed(type="system", subtype="init", session_id="s", model="claude-opus", tools=["Read"])
    assert events == [Started("s", "claude-opus", ("Read",))]


def test_words_and_tools_are_told_when_the_model_speaks() -> None:
    events = assistant(
        {"type": "text", "text": "I look."},
        {"type": "tool_use", "id": "t1", "name": "Read", "input": {"file_path": "a"}},
        {"type": "thinking", "thinking": "hm"},
    )
    assert events == [
        UsageReported("msg_1", 7, 2, model="claude-opus"),
        Text("I look."),
        ToolCall("t1", "Read", {"file_path": "a"}, only_reads=True),
    ]


def test_words_of_the_cli_count_as_nothing_when_the_model_is_synthetic() -> None:
    assert assistant({"type": "text", "text": "API Error: 529"}, model="<synthetic>") == []


def test_words_of_a_subagent_are_no_answer_when_they_have_a_parent() -> None:
    events = assistant({"type": "text", "text": "sub"}, parent="toolu_1")
    assert [type(event) for event in events] == [UsageReported]


def test_structured_answer_is_no_tool_call_when_it_is_given() -> None:
    events = assistant({"type": "tool_use", "id": "t", "name": "StructuredOutput", "input": {}})
    assert not any(isinstance(event, ToolCall) for event in events)


def test_tool_results_are_told_when_tools_answer() -> None:
    content = [{"type": "tool_result", "tool_use_id": "t1", "is_error": True}, {"type": "text", "text": "-"}]
    assert parsed(type="user", message={"content": content}) == [ToolResult("t1", is_error=True)]


def test_retry_is_told_when_the_service_is_busy() -> None:
    events = parsed(type="system", subtype="api_retry", attempt=1, error_status=529, error="overloaded")
    assert events == [Retrying(529, 1, "overloaded")]


def test_schema_miss_has_no_structured_answer_when_the_cli_says_success() -> None:
    finished = result(subtype="success", is_error=False, result="words only")
    assert finished.structured is None
    assert not finished.is_error


def test_denials_are_told_when_the_cli_says_success() -> None:
    denials = [
        {"tool_name": "Write", "tool_use_id": "t1", "tool_input": {"file_path": "/etc/x", "content": "y" * 1000}},
        {"tool_name": "Read", "tool_use_id": "t2", "tool_input": {}},
    ]
    first, second, last = parsed(type="result", subtype="success", result="", permission_denials=denials)
    assert isinstance(first, Denied)
    assert (first.tool, first.only_reads, first.call) == ("Write", False, "t1")
    assert len(first.detail) < 310
    assert second == Denied("Read", only_reads=True, detail="{}", call="t2")
    assert isinstance(last, Finished)


def test_error_is_told_when_the_subtype_says_success() -> None:
    finished = result(subtype="success", is_error=True, api_error_status=529, result="API Error: 529")
    assert (finished.is_error, finished.status, finished.error_class) == (True, 529, None)


@pytest.mark.parametrize(("subtype", "limit"), [("error_max_turns", "turns"), ("error_max_budget_usd", "usd")])
def test_limit_is_told_when_the_cli_ended_at_it(subtype: str, limit: str) -> None:
    finished = result(subtype=subtype, is_error=True, errors=["reached"])
    assert finished.limit == limit
    assert finished.text == "reached"


@pytest.mark.parametrize(
    ("subtype", "text", "expected"),
    [
        ("success", "Not logged in · Please run /login", ErrorClass.AUTH),
        ("success", "API Error: Unable to connect to API (ECONNRESET)", ErrorClass.OVERLOADED),
        ("error_max_structured_output_retries", "", ErrorClass.SCHEMA),
        ("error_during_execution", "", ErrorClass.CRASH),
    ],
)
def test_class_is_found_when_an_error_has_no_status(subtype: str, text: str, expected: ErrorClass) -> None:
    assert result(subtype=subtype, is_error=subtype == "success", result=text).error_class is expected


def test_account_keeps_cache_reads_apart_when_the_session_ends() -> None:
    usage = {
        "input_tokens": 1,
        "output_tokens": 2,
        "cache_read_input_tokens": 3,
        "cache_creation_input_tokens": 4,
    }
    account = result(subtype="success", result="", usage=usage, total_cost_usd=0.5).usage
    assert account is not None
    assert (account.input_tokens, account.output_tokens) == (1, 2)
    assert (account.cache_read_tokens, account.cache_write_tokens) == (3, 4)
    assert account.usd == 0.5
    assert result(subtype="success", result="").usage != account


@pytest.mark.parametrize(
    "line",
    [
        "not json",
        "[1]",
        "{broken",
        '{"type": "new_in_a_later_version"}',
        '{"type": "assistant"}',
        '{"type": "assistant", "message": 3, "x": 1}',
        '{"type": "user", "message": {"content": "text"}}',
        '{"type": "result", "permission_denials": [3], "usage": "?"}',
        "{" * 100_000,
    ],
)
def test_nothing_is_raised_when_a_line_is_strange(line: str) -> None:
    parse_line(line)


def test_line_is_kept_raw_when_its_type_is_unknown() -> None:
    assert parse_line('{"type": "later"}') == [Raw('{"type": "later"}')]
    assert parse_line("warning") == [Raw("warning")]
    assert parse_line("  ") == []


_KEYS = st.sampled_from(["subtype", "message", "usage", "content", "permission_denials", "result", "errors"])
_LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
_JSON = st.recursive(_LEAVES, lambda c: st.lists(c, max_size=3) | st.dictionaries(_KEYS, c, max_size=3), max_leaves=6)


@given(kind=st.sampled_from(["system", "assistant", "user", "result"]), rest=st.dictionaries(_KEYS, _JSON))
def test_events_come_back_when_the_fields_are_anything(kind: str, rest: dict[str, Any]) -> None:
    assert isinstance(parse_line(json.dumps({"type": kind, **rest})), list)
