"""What comes to a case's run from outside beside decisions: signals for `wait`, and people who resume it.

A signal comes so long after the run began; a person speaks so long after a step failed and paused the run. The levels
*simulated* and *real* ask what is next, wait for its moment by their own clock, and have it sent.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from definitions.cases.models import Case, CaseResumption
from definitions.cases.paths import declared_path
from definitions.messages import Resume
from definitions.statuses import StepStatus

if TYPE_CHECKING:
    from client.testing.stage import Handle


@dataclass(frozen=True, slots=True)
class Arrival:
    """Something that comes at a moment."""

    moment: datetime
    signal: str | None = None
    """The signal's name; None: a person resumes the step at `path`."""
    path: str = ""


@dataclass(slots=True)
class Outside:
    """Everything that comes, and has not come yet."""

    case: Case
    _held: dict[str, datetime] = field(default_factory=dict[str, datetime])
    """Since when steps wait for somebody, by path."""
    _seen: dict[str, int] = field(default_factory=dict[str, int])
    """The attempt at which a step was last seen to wait."""
    _resumed: dict[str, int] = field(default_factory=dict[str, int])
    _signalled: set[str] = field(default_factory=set[str])

    def meet(self, held: Mapping[str, int], now: datetime) -> None:
        """Take note of the steps that wait for somebody, by path with the attempt that failed."""
        for path in [path for path in self._held if path not in held]:
            del self._held[path]
        for path, attempt in held.items():
            if self._seen.get(path) != attempt:
                self._seen[path], self._held[path] = attempt, now

    def next(self, began: datetime) -> Arrival | None:
        """Return what comes next; None: nothing more, as far as one knows now."""
        arrivals = [
            Arrival(began + said.after, signal=name)
            for name, said in self.case.signals.items()
            if name not in self._signalled
        ]
        for path, since in self._held.items():
            if (said := self._said(path)) is not None:
                arrivals.append(Arrival(since + said.after, path=path))
        return min(arrivals, key=lambda arrival: arrival.moment, default=None)

    async def send(self, handle: "Handle", arrival: Arrival) -> None:
        """Let it come; where the run refuses it, nothing happened."""
        from temporalio.client import WorkflowUpdateFailedError
        from temporalio.service import RPCError

        if arrival.signal is not None:
            self._signalled.add(arrival.signal)
            with contextlib.suppress(RPCError):
                await handle.signal(arrival.signal, self.case.signals[arrival.signal].payload)
            return
        message = self._resume(arrival.path)
        with contextlib.suppress(WorkflowUpdateFailedError):
            await handle.execute_update("resume", message.model_dump(mode="json"))  # pyright: ignore[reportUnknownMemberType]

    def _resume(self, path: str) -> Resume:
        """Return the message for all that wait: a run goes on as a whole, so the first who speaks speaks for all."""
        said = {one: self._said(one) for one in self._held}
        by = said[path]
        for one in [*self._held]:
            self._resumed[one] = self._resumed.get(one, 0) + 1
            del self._held[one]
        actions: dict[str, Literal["retry", "skip", "fail"]] = {
            one: what.action for one, what in said.items() if what is not None
        }
        return Resume(by="tester" if by is None else by.by, steps=actions)

    def _said(self, path: str) -> CaseResumption | None:
        told = self.case.resumptions.get(path) or self.case.resumptions.get(declared_path(path)) or []
        number = self._resumed.get(path, 0)
        return told[number] if number < len(told) else None


def held_steps(steps: Mapping[str, StepStatus]) -> dict[str, int]:
    """Return the steps that failed and wait for somebody, with the attempt that failed."""
    return {path: step.attempt for path, step in steps.items() if step.held}
