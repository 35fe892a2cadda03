"""How a session ended: the order of the judgement."""

import pytest

from activities.agents.events import AgentEvent, Denied, Finished, Retrying, Started, Text, ToolCall, ToolResult
from activities.agents.verdict import MOST_TEXT, Session, Stopped, class_of_status, judge, judge_denials
from definitions.errors import ErrorClass


def session(*events: AgentEvent, **known: object) -> Session:
    made = Session(**known)  # pyright: ignore[reportArgumentType]
    for event in events:
        made.fold(event)
    return made


def failed(ended: Session) -> ErrorClass | None:
    failure = judge(ended)
    return failure.error_class if failure is not None else None


def test_it_went_well_when_the_last_word_is_no_error() -> None:
    assert judge(session(Finished("done"), code=1)) is None  # whatever the exit code


def test_our_own_end_comes_first_when_it_also_had_a_last_word() -> None:
    busy = Finished("x", is_error=True, status=529)
    assert failed(session(busy, stopped=Stopped("budget", "5"))) is ErrorClass.BUDGET
    assert failed(session(stopped=Stopped("idle", "30m"))) is ErrorClass.TIMEOUT


def test_it_crashed_when_there_is_no_last_word() -> None:
    failure = judge(session(Text("half a"), code=0, complaints="first\nsegmentation fault\n"))
    assert failure is not None
    assert failure.error_class is ErrorClass.CRASH
    assert "segmentation fault" in failure.message
    assert "first" not in failure.message
    assert failed(session(signal=9)) is ErrorClass.CRASH


def test_the_service_is_the_reason_when_it_ended_while_trying_again() -> None:
    assert failed(session(Retrying(401, 1), code=143)) is ErrorClass.AUTH
    assert failed(session(Retrying(None, 1), code=143)) is ErrorClass.CRASH


def test_budget_is_the_class_when_a_native_limit_ended_it() -> None:
    assert failed(session(Finished(is_error=True, limit="turns"))) is ErrorClass.BUDGET


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, ErrorClass.REFUSED),
        (401, ErrorClass.AUTH),
        (403, ErrorClass.AUTH),
        (404, ErrorClass.REFUSED),
        (413, ErrorClass.REFUSED),
        (429, ErrorClass.OVERLOADED),
        (500, ErrorClass.OVERLOADED),
        (529, ErrorClass.OVERLOADED),
    ],
)
def test_class_follows_the_status_when_there_is_one(status: int, expected: ErrorClass) -> None:
    assert class_of_status(status) is expected
    assert failed(session(Finished("why", is_error=True, status=status))) is expected


def test_class_is_crash_when_an_error_says_nothing_more() -> None:
    assert failed(session(Finished(is_error=True))) is ErrorClass.CRASH
    assert failed(session(Finished(is_error=True, error_class=ErrorClass.EXIT))) is ErrorClass.EXIT


def test_text_is_the_last_word_when_there_is_one() -> None:
    assert session(Text("a"), Text("b"), Finished()).text == "a\nb"
    assert session(Text("a"), Finished("b", structured=[1])).text == "b"
    assert session(Text("a"), Finished("b", structured=[1])).structured == [1]
    assert session(Text("a")).structured is None


def test_text_is_bounded_when_the_agent_does_not_stop() -> None:
    ended = session(Started(model="m"), Text("a" * MOST_TEXT), Text("b"))
    assert len(ended.text) == MOST_TEXT
    assert ended.model == "m"


def test_denial_fails_it_when_nothing_was_done_afterwards() -> None:
    ended = session(
        ToolCall("1", "Write"),
        ToolResult("1"),
        ToolCall("2", "Bash"),
        ToolResult("2", is_error=True),
        ToolCall("3", "Read", only_reads=True),
        ToolResult("3"),
        Denied("Bash", call="2", detail="rm"),
    )
    failure = judge_denials(ended)
    assert failure is not None
    assert failure.error_class is ErrorClass.DENIED
    assert "`Bash`" in failure.message
    assert failure.details["denied"] == ["Bash rm"]


def test_denial_is_passed_over_when_it_acted_afterwards() -> None:
    ended = session(
        ToolCall("1", "Bash"),
        ToolResult("1", is_error=True),
        ToolCall("2", "Write"),
        ToolResult("2"),
        Denied("Bash", call="1"),
    )
    assert judge_denials(ended) is None


def test_denial_is_passed_over_when_it_only_wanted_to_read() -> None:
    assert judge_denials(session(Denied("Read", only_reads=True))) is None


def test_denial_counts_as_the_last_when_its_call_is_unknown() -> None:
    assert judge_denials(session(ToolCall("1", "Write"), ToolResult("1"), Denied("Bash"))) is not None
