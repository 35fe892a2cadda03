"""What the step's log shows of an agent's events."""

import pytest

from activities.agents.events import (
    LOGGED_CHARACTERS,
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
    describe,
)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (Started("s", "m"), "[agent] session s with m"),
        (Started(), "[agent] session - with the default model"),
        (Text("words\n"), "words"),
        (ToolCall("1", "Read", {"a": "ä"}), '[tool] Read {"a": "ä"}'),
        (ToolResult("1"), None),
        (ToolResult("1", is_error=True), "[tool] failed"),
        (Denied("Bash", detail="rm"), "[denied] Bash rm"),
        (Denied("Bash"), "[denied] Bash"),
        (Retrying(529, 1, "overloaded"), "[retrying] overloaded (status 529)"),
        (Retrying(), "[retrying] the model service (status -)"),
        (UsageReported("1"), None),
        (Finished("done"), None),
        (Finished("why", is_error=True), "[agent] ended with an error: why"),
        (Finished(is_error=True, status=400), "[agent] ended with an error: 400"),
        (Raw("  "), None),
        (Raw("odd"), "odd"),
    ],
)
def test_line_is_readable_when_an_event_is_shown(event: AgentEvent, expected: str | None) -> None:
    assert describe(event) == expected


def test_line_is_cut_when_it_is_long() -> None:
    shown = describe(Text("x" * 10_000))
    assert shown is not None
    assert len(shown) < LOGGED_CHARACTERS + 50
    assert "10000 characters" in shown
