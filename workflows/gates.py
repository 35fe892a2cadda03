"""Decisions at gates: which are refused at once, who may decide, and what is recorded.

A malformed, unknown or late decision is refused by the update's validator and costs nothing in history; one by
somebody who may not decide is recorded (at most `REFUSED_LIMIT` a gate) and answered `refused`. The same
decision id twice is one decision.
"""

import hashlib
from datetime import datetime

from definitions.messages import Answer, Decide
from definitions.records import Decision, Gate
from workflows.ledger import Book

REFUSED_LIMIT = 50


class Refusal(Exception):
    """A message that cannot be taken; `code` is the type of the error that the sender gets."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(message)


def open_gates(book: Book) -> list[Gate]:
    """Return the open gates, in the order in which they were reached."""
    records = map(book.get, book.overview.gates)
    gates = [record.gate for record in records if record is not None and record.gate is not None]
    return [gate for gate in gates if not _taken(book, gate)]


def gate_key(gate: Gate) -> str:
    """Return what tells one opening of a gate from another."""
    return f"{gate.gate} {gate.opened_at.isoformat()}"


def accepted_decision(book: Book, gate: Gate) -> Decision | None:
    """Return the decision that was taken at an open gate."""
    for decision in book.decisions[gate.decisions_before :]:
        if decision.gate == gate.gate and decision.accepted and decision.decided_at >= gate.opened_at:
            return decision
    return None


def check(book: Book, message: Decide) -> Gate | None:
    """Return the gate that a message is for, None where it repeats a known decision. Raises `Refusal`."""
    if _known(book, message) is not None:
        return None
    gate = _find(book, message)
    if message.digest is not None and message.digest != gate.digest:
        raise Refusal("stale-digest", f"gate `{gate.gate}` shows something else now: look again, then decide")
    if gate.comment == "required" and not message.comment:
        raise Refusal("comment-required", f"gate `{gate.gate}` wants a comment with each decision")
    return gate


def take(book: Book, message: Decide, starter: str | None, now: datetime) -> Answer:
    """Record a decision and answer it. Raises `Refusal` as `check` does."""
    gate = check(book, message)
    known = _known(book, message)
    if gate is None and known is not None:
        return Answer(accepted=known.accepted, status=known.verdict, message="this decision was recorded before")
    assert gate is not None, "what repeats no decision is for a gate"  # noqa: S101
    reason = why_not_allowed(gate, message, starter)
    decision = Decision(
        gate=gate.gate,
        verdict=message.verdict,
        accepted=reason is None,
        by=message.by,
        verified=False,
        comment=message.comment,
        form=message.form,
        decision_id=decision_id(message),
        decided_at=now,
        digest=gate.digest,
        reason=reason,
        doc_type=gate.doc_type,
        scope_id=gate.scope_id,
    )
    if reason is None or _refused_count(book, gate) < REFUSED_LIMIT:
        book.decisions.append(decision)
    if reason is not None:
        return Answer(accepted=False, status="refused", message=reason)
    return Answer(status=message.verdict, message=f"gate `{gate.gate}`: {message.verdict} by `{message.by}`")


def why_not_allowed(gate: Gate, message: Decide, starter: str | None) -> str | None:
    """Return why a person may not decide at a gate, or None."""
    if not gate.allow_self and starter is not None and message.by == starter:
        return f"`{message.by}` started this run and may not decide it"
    if gate.anyone or message.by in gate.users or any(group in gate.groups for group in message.groups):
        return None
    named = ", ".join(f"`{name}`" for name in [*gate.users, *(f"@{group}" for group in gate.groups)])
    return f"`{message.by}` is not one of {named or 'the approvers'}"


def decision_id(message: Decide) -> str:
    """Return the id that makes a repeated message one decision."""
    if message.decision_id is not None:
        return message.decision_id
    text = "\n".join([message.gate or "", message.verdict, message.by, message.comment or "", message.digest or ""])
    return "auto-" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _known(book: Book, message: Decide) -> Decision | None:
    """Return the decision that a message repeats.

    One without an id repeats only what was said since the gate opened: it may open again (a retry after a pause), and
    somebody may say the same then.
    """
    gate = next((gate for gate in open_gates(book) if gate.gate == message.gate), None)
    first = 0 if gate is None or message.decision_id is not None else gate.decisions_before
    wanted = decision_id(message)
    for decision in book.decisions[first:]:
        if decision.decision_id == wanted:
            return decision
    return None


def _find(book: Book, message: Decide) -> Gate:
    gates = open_gates(book)
    named = ", ".join(f"`{gate.gate}`" for gate in gates)
    if message.gate is None:
        if len(gates) == 1:
            return gates[0]
        raise Refusal("unknown-gate", f"name the gate: open are {named}" if gates else "no gate is open")
    for gate in gates:
        if gate.gate == message.gate:
            return gate
    decided = [decision for decision in book.decisions if decision.gate == message.gate and decision.accepted]
    if decided:
        last = decided[-1]
        moment = last.decided_at.isoformat(timespec="seconds")
        raise Refusal(
            "already-decided", f"gate `{message.gate}` was decided ({last.verdict}) by `{last.by}` at {moment}"
        )
    raise Refusal("unknown-gate", f"no gate `{message.gate}` is open" + (f"; open are {named}" if gates else ""))


def _taken(book: Book, gate: Gate) -> bool:
    return accepted_decision(book, gate) is not None


def _refused_count(book: Book, gate: Gate) -> int:
    return sum(1 for decision in book.decisions if decision.gate == gate.gate and not decision.accepted)
