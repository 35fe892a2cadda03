"""The gates around a step: `approval` before it runs, `accept` over what it produced.

    before   asked once a visit, after `when`, before anything is looked up; a rejection fails the step
    after    the step has run, its result is in its record, and it has completed when somebody accepts

A rejection with `on_reject: rework` ends the visit, and another begins with the files that it left; the comment is
`steps.ID.feedback` there. At the last of `max_visits` a rejection is final, and so is time that ran out: nobody said
what to rework.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

from pydantic import JsonValue

from definitions.errors import StepFailure
from definitions.records import Decision, Gate, StepRecord
from definitions.steps import Step
from definitions.steps.gates import Accept, Approval, Approvers
from workflows.asking import Question, decided, open_gate, rejection
from workflows.places import Place

if TYPE_CHECKING:
    from workflows.interpreter import Interpreter

ACCEPT = "/accept"
"""What the id of the gate after a step ends in: the step may have one before it too, whose id is its path."""


async def work(interpreter: Interpreter, step: Step, place: Place) -> StepRecord:
    """Ask before the step, do what it does, and ask after it, as far as the ledger does not have it done."""
    record = interpreter.book.get(place.path) or StepRecord()
    try:
        if step.approval is not None and not record.produced and not _may_run(record):
            failure = await _ask_before(interpreter, step.approval, place)
            if failure is not None:
                return interpreter.fail(step, place.path, failure)
            await interpreter.host.may_start(is_long=step.queue == "agent")
    except asyncio.CancelledError:
        interpreter.cancel(place.path)
        raise
    if not record.produced:
        record = await interpreter.body(step, place)
    if step.accept is None or not record.produced or record.status == "failed":
        return record
    try:
        return await _after(interpreter, step, step.accept, place)
    except StepFailure as failure:  # what is to be shown cannot be evaluated
        return interpreter.fail(step, place.path, failure)
    except asyncio.CancelledError:
        interpreter.cancel(place.path)
        raise


def _may_run(record: StepRecord) -> bool:
    """Whether somebody has agreed already."""
    return record.gate is None and record.decision is not None and record.decision.verdict == "approve"


async def _ask_before(interpreter: Interpreter, approval: Approval, place: Place) -> StepFailure | None:
    """Wait for the decision at the gate before a step; return why the step fails, None where it may run."""
    record = interpreter.book.get(place.path)
    gate = None if record is None else record.gate
    if gate is None:
        try:
            shown = await interpreter.evaluator.values({**approval.show}, place)
        except StepFailure as failure:
            return failure
        question = Question(
            gate=place.path,
            message=await interpreter.evaluator.text(approval.message, place),
            show=shown,
            approvers=approval.approvers,
            allow_self=approval.allow_self,
            comment=approval.comment,
            timeout=approval.timeout,
            on_timeout=approval.on_timeout,
        )
        gate = open_gate(interpreter, question, place)
    decision = await decided(interpreter, gate, place)
    return None if decision.verdict == "approve" else rejection(gate.gate, decision)


async def _after(interpreter: Interpreter, step: Step, accept: Accept, place: Place) -> StepRecord:
    """Wait for the decision over what a step produced, and end the visit as it says."""
    record = interpreter.book.get(place.path) or StepRecord()
    decision, gate = record.acceptance, record.gate
    if decision is None:
        gate = gate or await _open_after(interpreter, step, accept, place, record)
        decision = await decided(interpreter, gate, place, "acceptance")
    if decision.verdict == "approve":
        return interpreter.accepted(step, place.path)
    _drop_documents(interpreter, place.path)
    failure = rejection(place.path + ACCEPT, decision)
    if _is_rework(step, accept, decision, record):
        return interpreter.fail(step, place.path, failure, handled=True, reworked=True, documents={})
    return interpreter.fail(step, place.path, failure, documents={})


async def _open_after(interpreter: Interpreter, step: Step, accept: Accept, place: Place, record: StepRecord) -> Gate:
    around = Place(place.path, record.tree, place.frame.with_result(step.id, record))
    shown: dict[str, JsonValue] = dict(record.documents or record.outputs or {})
    if accept.show:
        shown = await interpreter.evaluator.values({**accept.show}, around)
    question = Question(
        gate=place.path + ACCEPT,
        message=await interpreter.evaluator.text(accept.message, around),
        show=shown,
        approvers=_acceptors(interpreter, accept),
        allow_self=accept.allow_self,
        comment=accept.comment,
        timeout=accept.timeout,
        on_timeout=accept.on_timeout,
        doc_type=accept.doc_type,
    )
    return open_gate(interpreter, question, place)


def _acceptors(interpreter: Interpreter, accept: Accept) -> Approvers | Literal["any"]:
    if accept.acceptors is not None:
        return accept.acceptors
    return interpreter.definition.acceptors.get(accept.doc_type or "", "any")


def _is_rework(step: Step, accept: Accept, decision: Decision, record: StepRecord) -> bool:
    is_said = decision.reason != "expired"
    return accept.on_reject == "rework" and is_said and record.visit < step.max_visits


def _drop_documents(interpreter: Interpreter, path: str) -> None:
    """Take away what steps inside stored: what was rejected is no document."""
    for inside, record in list(interpreter.book.records.items()):
        if record.documents and inside.startswith((f"{path}/", f"{path}[", f"{path}#")):
            interpreter.book.update(inside, documents={})
