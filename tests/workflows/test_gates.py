import asyncio
from datetime import timedelta

import pytest

from definitions.messages import Decide
from definitions.records import Gate, Ledger, StepRecord
from tests.support.playing_host import START, Played, PlayingHost, play, reload
from workflows import gates
from workflows.ledger import Book

GATE = """
steps:
  - id: ok
    type: approval
    message: "Release {{ inputs.version }}?"
    show: {version: "{{ inputs.version }}"}
    timeout: 1h
  - {id: after, type: shell, command: "echo {{ steps.ok.outputs.comment }}"}
inputs: {version: {default: "1.2"}}
"""


def book(**fields: object) -> Book:
    gate = Gate(gate="ok", message="?", digest="d1", opened_at=START).model_copy(update=fields)
    return Book(Ledger(records={"ok": StepRecord(status="waiting_approval", gate=gate)}))


async def decided(message: Decide, text: str = GATE) -> Played:
    host = PlayingHost()
    playing = asyncio.create_task(play(text, host, inputs={"version": "1.2"}))
    await host.opened.wait()
    assert host.book is not None
    gates.take(host.book, message, "starter", START + timedelta(minutes=1))
    host.decided.set()
    return await playing


async def test_run_goes_on_with_the_decision_when_it_is_approved():
    played = await decided(Decide(gate="ok", verdict="approve", by="ana", comment="fine"))
    assert played.ending.state == "completed"
    assert played.host.step_calls[0].values == {"steps": {"ok": {"outputs": {"comment": "fine"}}}}
    assert played.book.records["ok"].gate is None


async def test_gate_tells_what_is_asked_and_shown():
    played = await decided(Decide(verdict="approve", by="ana"))
    required = next(event for event in played.host.events if event.type == "approval_required")
    assert required.data["message"] == "Release 1.2?"
    assert required.data["show"] == {"version": "1.2"}
    assert required.data["deadline"] == "2026-01-01T01:00:00Z"


async def test_run_is_rejected_with_the_reason_when_nothing_handles_it():
    played = await decided(Decide(gate="ok", verdict="reject", by="ana", comment="not today"))
    assert played.ending.state == "rejected"
    assert played.ending.error is not None
    assert played.ending.error.message == "gate `ok` was rejected by `ana`: not today"
    assert played.host.calls == []


async def test_run_goes_on_when_a_rejection_is_continued():
    text = GATE.replace("timeout: 1h", "timeout: 1h\n    on_failure: continue").replace(
        "{{ steps.ok.outputs.comment }}", "x"
    )
    played = await decided(Decide(verdict="reject", by="ana"), text)
    assert played.ending.state == "completed"
    assert played.host.calls == ["after"]


@pytest.mark.parametrize(("means", "state"), [("reject", "rejected"), ("approve", "completed")])
async def test_end_of_the_time_means_what_the_author_said(means: str, state: str):
    text = GATE.replace("timeout: 1h", f"timeout: 1h\n    on_timeout: {means}")
    played = await play(text, PlayingHost(gate_expires=True), inputs={"version": "1"})
    assert played.ending.state == state
    decision = played.book.records["ok"].decision
    assert decision is not None
    assert (decision.by, decision.reason) == ("timeout", "expired")


async def test_open_gate_is_asked_once_when_the_ledger_is_carried():
    host = PlayingHost()
    playing = asyncio.create_task(play(GATE, host, inputs={"version": "1.2"}))
    await host.opened.wait()
    assert host.book is not None
    carried = reload(host.book.freeze())
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)
    again = PlayingHost()
    second = asyncio.create_task(play(GATE, again, inputs={"version": "1.2"}, ledger=carried))
    await again.opened.wait()
    assert again.book is not None
    assert gates.open_gates(again.book)[0].opened_at == START
    gates.take(again.book, Decide(verdict="approve", by="ana"), None, START)
    again.decided.set()
    assert "approval_required ok" not in (await second).told()


def test_gate_may_be_left_out_when_one_is_open():
    assert gates.take(book(), Decide(verdict="approve", by="ana"), None, START).status == "approve"


def test_gate_must_be_named_when_several_are_open():
    one = book()
    other = Gate(gate="two", message="?", digest="d2", opened_at=START)
    one.put("two", StepRecord(status="waiting_approval", gate=other))
    with pytest.raises(gates.Refusal, match="name the gate: open are `ok`, `two`"):
        gates.check(one, Decide(verdict="approve"))


def test_decision_is_refused_when_no_gate_is_open():
    with pytest.raises(gates.Refusal, match="no gate is open") as caught:
        gates.check(Book(Ledger()), Decide(verdict="approve"))
    assert caught.value.code == "unknown-gate"


def test_decision_is_refused_when_the_gate_is_unknown():
    with pytest.raises(gates.Refusal, match="no gate `other` is open; open are `ok`"):
        gates.check(book(), Decide(gate="other", verdict="approve"))


def test_decision_is_refused_when_the_gate_was_decided():
    decided_book = book()
    gates.take(decided_book, Decide(gate="ok", verdict="approve", by="ana"), None, START)
    with pytest.raises(gates.Refusal, match="was decided \\(approve\\) by `ana`") as caught:
        gates.check(decided_book, Decide(gate="ok", verdict="reject", by="bob"))
    assert caught.value.code == "already-decided"


def test_decision_counts_once_when_it_comes_twice():
    twice = book()
    message = Decide(gate="ok", verdict="approve", by="ana", decision_id="m1")
    first = gates.take(twice, message, None, START)
    second = gates.take(twice, message, None, START)
    assert first.accepted
    assert second.accepted
    assert len(twice.decisions) == 1


def test_decision_is_refused_when_something_else_was_shown():
    with pytest.raises(gates.Refusal) as caught:
        gates.check(book(), Decide(verdict="approve", digest="other"))
    assert caught.value.code == "stale-digest"
    assert gates.check(book(), Decide(verdict="approve", digest="d1")) is not None


def test_decision_is_refused_when_the_comment_is_missing():
    with pytest.raises(gates.Refusal) as caught:
        gates.check(book(comment="required"), Decide(verdict="approve"))
    assert caught.value.code == "comment-required"


def test_person_is_refused_and_recorded_when_not_an_approver():
    named = book(anyone=False, users=["ana"], groups=["leads"])
    answer = gates.take(named, Decide(verdict="approve", by="bob"), None, START)
    assert not answer.accepted
    assert answer.message == "`bob` is not one of `ana`, `@leads`"
    assert named.decisions[0].accepted is False
    assert gates.open_gates(named) != []
    assert gates.take(named, Decide(verdict="approve", by="cleo", groups=["leads"]), None, START).accepted


def test_starter_is_refused_when_the_gate_wants_somebody_else():
    answer = gates.take(book(allow_self=False), Decide(verdict="approve", by="ana"), "ana", START)
    assert answer.message == "`ana` started this run and may not decide it"


def test_refused_votes_are_bounded_when_somebody_insists():
    named = book(anyone=False, users=["ana"])
    for number in range(gates.REFUSED_LIMIT + 10):
        gates.take(named, Decide(verdict="approve", by="bob", decision_id=str(number)), None, START)
    assert len(named.decisions) == gates.REFUSED_LIMIT
    assert gates.take(named, Decide(verdict="approve", by="ana"), None, START).accepted
