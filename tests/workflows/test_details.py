from datetime import timedelta

from definitions.records import Gate, Ledger, StepError, StepRecord
from tests.support.playing_host import START
from workflows.details import DONE_SHOWN, current_details
from workflows.ledger import Book


def shown(records: dict[str, StepRecord], gates: list[Gate] | None = None) -> str:
    return current_details("run-1", "running", 9, Book(Ledger(records=records)), gates or [], START)


def test_first_line_says_how_far_the_run_is():
    text = shown({"a": StepRecord(status="completed"), "b": StepRecord(status="running")})
    assert text.splitlines()[0] == "As of 00:00:00 UTC: **running**, 1 of 9 steps"


def test_row_says_time_attempt_and_cache():
    record = StepRecord(
        status="completed", attempt=2, cached=True, started_at=START, completed_at=START + timedelta(seconds=2)
    )
    row = shown({"a": record}).splitlines()[-1]
    assert "`2.0 s`" in row
    assert "attempt 2, from the cache" in row


def test_text_of_a_step_cannot_break_out_of_its_cell():
    error = StepError(type="exit", message="`evil` | <script>\n# title", step="a")
    row = shown({"a": StepRecord(status="failed", error=error)}).splitlines()[-1]
    assert row.count("|") == 5
    assert "<script>" not in row
    assert "'evil'" in row


def test_reason_of_a_skipped_step_is_shown():
    assert "`when' is false" not in shown({"a": StepRecord(status="skipped", reason="`when` is false")})
    assert "'when' is false" in shown({"a": StepRecord(status="skipped", reason="`when` is false")})


def test_only_the_last_done_steps_are_shown_when_there_are_many():
    records = {f"s{number}": StepRecord(status="completed") for number in range(100)}
    text = shown({**records, "now": StepRecord(status="running")})
    assert f"{100 - DONE_SHOWN} earlier steps are not shown." in text
    assert "`s99`" in text
    assert "`now`" in text
    assert "`s10`" not in text


def test_gate_says_how_to_decide():
    gate = Gate(
        gate="ok", message="Release?", show={"plan": "```x"}, digest="d", users=["ana"], groups=["leads"],
        opened_at=START, deadline=START + timedelta(hours=1),
    )  # fmt: skip
    text = shown({}, [gate])
    assert "perdure approve run-1 ok" in text
    assert "temporal workflow signal -w run-1 --name decide --input" in text
    assert "Who: ana, @leads, closes 2026-01-01 01:00 UTC" in text
    assert "'''x" in text


def test_reason_is_shown_when_the_run_waits_for_its_turn():
    text = current_details("run-1", "pending", 9, Book(Ledger()), [], START, "waits behind `a`|b")
    assert text.splitlines()[:3] == ["As of 00:00:00 UTC: **pending**, 0 of 9 steps", "", "`waits behind 'a'\u2502b`"]
