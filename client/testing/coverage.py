"""Coverage of a definition: which of its steps ran, and which ways they went, over all cases of a file.

A *point* is a step that can run, or one of the ways at a fork:

    STEP                      it ran
    STEP when true|false      its `when`
    STEP holds|fails          an assertion
    STEP approved|rejected|timeout     a gate, also one before a step (the last with a `timeout` only)
    STEP accepted|not accepted|acceptance timeout     the gate after a step (`accept`)
    STEP sent back            `accept` with `on_reject: rework`: it was visited again
    STEP goes well|fails      a step with `on_failure` other than `stop`
    STEP tried again          a step with `retry`
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pydantic import JsonValue

from client.testing.verdicts import Outcome
from definitions.cases.checks import declared_steps
from definitions.cases.paths import declared_path
from definitions.models import Definition
from definitions.records import Decision
from definitions.statuses import StepStatus
from definitions.steps import ApprovalStep, AssertStep, Step


@dataclass(frozen=True, slots=True)
class Coverage:
    """Points of a definition in its order, and those that were reached."""

    points: tuple[str, ...]
    reached: frozenset[str]

    @property
    def percent(self) -> float:
        """Return how many of the points were reached, of a hundred."""
        return 100 * len(self.reached) / len(self.points)

    @property
    def missed(self) -> tuple[str, ...]:
        """Return the points that no case reached."""
        return tuple(point for point in self.points if point not in self.reached)

    def as_json(self) -> dict[str, JsonValue]:
        """Return it as JSON."""
        return {
            "percent": round(self.percent, 1),
            "points": len(self.points),
            "reached": len(self.reached),
            "missed": [*self.missed],
        }


def coverage(definition: Definition, outcomes: Iterable[Outcome]) -> Coverage:
    """Return what the outcomes of cases cover."""
    steps = declared_steps(definition.steps)
    points = tuple(point for path, step in steps.items() for point in _points(path, step))
    reached: set[str] = set()
    for outcome in outcomes:
        for path, record in outcome.status.steps.items():
            declared = declared_path(path)
            if declared in steps:
                reached.update(_reached(declared, steps[declared], record))
    return Coverage(points, frozenset(reached & {*points}))


def _points(path: str, step: Step) -> Iterator[str]:
    yield path
    if step.when is not None:
        yield from (f"{path} when true", f"{path} when false")
    if isinstance(step, AssertStep):
        yield from (f"{path} holds", f"{path} fails")
    elif isinstance(step, ApprovalStep):
        yield from _points_of_gate(path, is_timed=step.timeout is not None)
    elif step.on_failure != "stop":
        yield from (f"{path} goes well", f"{path} fails")
    yield from _points_of_gates(path, step)
    if any(rule.max_attempts > 1 for rule in step.retry_rules):
        yield f"{path} tried again"


def _points_of_gate(path: str, *, is_timed: bool) -> Iterator[str]:
    yield from (f"{path} approved", f"{path} rejected")
    if is_timed:
        yield f"{path} timeout"


def _points_of_gates(path: str, step: Step) -> Iterator[str]:
    if step.approval is not None:
        yield from _points_of_gate(path, is_timed=step.approval.timeout is not None)
    if step.accept is not None:
        yield from (f"{path} accepted", f"{path} not accepted")
        if step.accept.timeout is not None:
            yield f"{path} acceptance timeout"
        if step.accept.on_reject == "rework":
            yield f"{path} sent back"


def _reached(path: str, step: Step, record: StepStatus) -> Iterator[str]:
    if record.status == "skipped":
        if (record.reason or "").startswith("`when`"):
            yield f"{path} when false"
        return
    yield path
    if step.when is not None:
        yield f"{path} when true"
    if record.attempt > 1:
        yield f"{path} tried again"
    yield from _around(path, step, record)
    if isinstance(step, ApprovalStep):
        yield from _gate(path, record)
    elif record.status == "completed":
        yield f"{path} {'holds' if isinstance(step, AssertStep) else 'goes well'}"
    elif record.status == "failed":
        yield f"{path} fails"


def _around(path: str, step: Step, record: StepStatus) -> Iterator[str]:
    """Yield how the gates before and after a step were decided."""
    if step.approval is not None and record.decision is not None:
        yield f"{path} {_said(record.decision, 'approved', 'rejected', 'timeout')}"
    if step.accept is not None and record.acceptance is not None:
        said = _said(record.acceptance, "accepted", "not accepted", "acceptance timeout")
        yield f"{path} {'sent back' if record.reworked else said}"


def _said(decision: Decision, approved: str, rejected: str, expired: str) -> str:
    if decision.reason == "expired":
        return expired
    return approved if decision.verdict == "approve" else rejected


def _gate(path: str, record: StepStatus) -> Iterator[str]:
    """Yield how a gate was decided."""
    details = {} if record.error is None else record.error.details
    decision = details.get("decision")
    is_expired = isinstance(decision, dict) and decision.get("reason") == "expired"
    if is_expired or (record.outputs or {}).get("decided_by") == "timeout":
        yield f"{path} timeout"
    elif record.status == "completed":
        yield f"{path} approved"
    elif record.status == "failed":
        yield f"{path} rejected"
