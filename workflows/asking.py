"""Asking at a gate: it is opened in the ledger, people decide, and what they decided is recorded.

The three kinds of gates ask alike: the step that is one (`steps/approval.py`), and those before and after a step
(`step_gates.py`). A record has at most one open gate, so a run that goes on elsewhere finds it there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote

from pydantic import JsonValue

from definitions.errors import ErrorClass, StepFailure
from definitions.records import Decision, Gate
from definitions.steps.gates import Approvers
from definitions.values import digest
from workflows.paths import parts
from workflows.places import Place

if TYPE_CHECKING:
    from workflows.interpreter import Interpreter


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, of whom, and for how long."""

    gate: str
    """The gate's id."""
    message: str
    show: dict[str, JsonValue]
    approvers: Approvers | Literal["any"]
    allow_self: bool
    comment: Literal["optional", "required"]
    timeout: timedelta | None
    on_timeout: Literal["reject", "approve"]
    doc_type: str | None = None


def open_gate(interpreter: Interpreter, question: Question, place: Place) -> Gate:
    """Open a gate at a step's record; who watches is told."""
    now = interpreter.host.now()
    approvers = question.approvers if isinstance(question.approvers, Approvers) else Approvers()
    gate = Gate(
        gate=question.gate,
        message=question.message,
        show=question.show,
        digest=digest([question.message, question.show]),
        users=approvers.users,
        groups=approvers.groups,
        anyone=question.approvers == "any",
        allow_self=question.allow_self,
        comment=question.comment,
        on_timeout=question.on_timeout,
        opened_at=now,
        decisions_before=len(interpreter.book.decisions),
        deadline=None if question.timeout is None else now + question.timeout,
        doc_type=question.doc_type,
        scope_id=scope_id(place.path),
    )
    interpreter.book.update(place.path, gate=gate, status="waiting_approval")
    interpreter.journal.write("approval_required", place.path, **gate.model_dump(mode="json", exclude_none=True))
    interpreter.host.changed()
    return gate


async def decided(interpreter: Interpreter, gate: Gate, place: Place, field: str = "decision") -> Decision:
    """Wait for the decision at an open gate, and keep it in `field` of the step's record; its time may run out."""
    decision = await interpreter.host.decision(gate)
    if decision is None:
        decision = _expired(gate)
    changes: dict[str, object] = {field: decision, "status": "running", "gate": None}
    interpreter.book.update(place.path, **changes)
    interpreter.journal.write("approval_decided", place.path, **decision.model_dump(mode="json", exclude_none=True))
    interpreter.host.changed()
    return decision


def rejection(gate: str, decision: Decision) -> StepFailure:
    """Return what a rejection is for the step."""
    said = f": {decision.comment}" if decision.comment else ""
    who = "ran out of time" if decision.reason == "expired" else f"was rejected by `{decision.by}`"
    return StepFailure(
        ErrorClass.REJECTED, f"gate `{gate}` {who}{said}", {"decision": decision.model_dump(mode="json")}
    )


def scope_id(path: str) -> str | None:
    """Return the key of the innermost item that a path is in."""
    keys = [part.key for part in parts(path) if part.key is not None]
    return unquote(keys[-1]) if keys else None


def _expired(gate: Gate) -> Decision:
    moment = gate.deadline or gate.opened_at
    span = moment - gate.opened_at if gate.deadline else timedelta()
    return Decision(
        gate=gate.gate,
        verdict=gate.on_timeout,
        by="timeout",
        comment=f"nobody decided within {span}",
        decision_id=f"timeout/{gate.gate}",
        decided_at=moment,
        digest=gate.digest,
        reason="expired",
        doc_type=gate.doc_type,
        scope_id=gate.scope_id,
    )
