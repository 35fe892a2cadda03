"""`approval`: opens a gate in the ledger and waits for the decision."""

from datetime import timedelta

from pydantic import JsonValue

from definitions.errors import ErrorClass, StepFailure
from definitions.records import Decision, Gate, StepResult
from definitions.steps import ApprovalStep
from definitions.steps.approval import Approvers
from definitions.values import digest
from workflows.interpreter import Interpreter
from workflows.places import Place


async def attempt(interpreter: Interpreter, step: ApprovalStep, place: Place) -> StepResult:
    """Ask, wait, and give the decision as the step's outputs; a rejection is a failure of class `rejected`."""
    record = interpreter.book.get(place.path)
    gate = None if record is None else record.gate
    if gate is None:
        gate = await _open(interpreter, step, place)
    decision = await interpreter.host.decision(gate)
    if decision is None:
        decision = _expired(gate)
    interpreter.book.update(place.path, decision=decision, status="running", gate=None)
    interpreter.journal.write("approval_decided", place.path, **decision.model_dump(mode="json", exclude_none=True))
    interpreter.host.changed()
    if decision.verdict == "reject":
        raise _rejection(gate, decision)
    return StepResult(outputs=_outputs(decision))


async def _open(interpreter: Interpreter, step: ApprovalStep, place: Place) -> Gate:
    shown = await interpreter.evaluator.values({**step.show}, place)
    message = await interpreter.evaluator.text(step.message, place)
    approvers = step.approvers if isinstance(step.approvers, Approvers) else Approvers()
    now = interpreter.host.now()
    gate = Gate(
        gate=place.path,
        message=message,
        show=shown,
        digest=digest([message, shown]),
        users=approvers.users,
        groups=approvers.groups,
        anyone=step.approvers == "any",
        allow_self=step.allow_self,
        comment=step.comment,
        on_timeout=step.on_timeout,
        opened_at=now,
        deadline=None if step.timeout is None else now + step.timeout,
    )
    interpreter.book.update(place.path, gate=gate, status="waiting_approval")
    interpreter.journal.write("approval_required", place.path, **gate.model_dump(mode="json", exclude_none=True))
    interpreter.host.changed()
    return gate


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
    )


def _rejection(gate: Gate, decision: Decision) -> StepFailure:
    said = f": {decision.comment}" if decision.comment else ""
    who = "ran out of time" if decision.reason == "expired" else f"was rejected by `{decision.by}`"
    return StepFailure(
        ErrorClass.REJECTED, f"gate `{gate.gate}` {who}{said}", {"decision": decision.model_dump(mode="json")}
    )


def _outputs(decision: Decision) -> dict[str, JsonValue]:
    return {
        "verdict": decision.verdict,
        "accepted": True,
        "decided_by": decision.by,
        "decided_at": decision.decided_at.isoformat(),
        "comment": decision.comment,
        "form": decision.form,
    }
