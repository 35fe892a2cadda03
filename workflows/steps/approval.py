"""`approval`: opens a gate in the ledger and waits for the decision."""

from pydantic import JsonValue

from definitions.records import Decision, StepResult
from definitions.steps import ApprovalStep
from workflows.asking import Question, decided, open_gate, rejection
from workflows.interpreter import Interpreter
from workflows.places import Place


async def attempt(interpreter: Interpreter, step: ApprovalStep, place: Place) -> StepResult:
    """Ask, wait, and give the decision as the step's outputs; a rejection is a failure of class `rejected`."""
    record = interpreter.book.get(place.path)
    gate = None if record is None else record.gate
    if gate is None:
        gate = open_gate(interpreter, await _question(interpreter, step, place), place)
    decision = await decided(interpreter, gate, place)
    if decision.verdict == "reject":
        raise rejection(gate.gate, decision)
    return StepResult(outputs=_outputs(decision))


async def _question(interpreter: Interpreter, step: ApprovalStep, place: Place) -> Question:
    shown = await interpreter.evaluator.values({**step.show}, place)
    return Question(
        gate=place.path,
        message=await interpreter.evaluator.text(step.message, place),
        show=shown,
        approvers=step.approvers,
        allow_self=step.allow_self,
        comment=step.comment,
        timeout=step.timeout,
        on_timeout=step.on_timeout,
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
