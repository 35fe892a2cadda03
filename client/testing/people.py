"""The people of a case: what they say at gates, and when. They talk to the run as everybody does, by its updates."""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from definitions.cases.models import Case, CaseDecision
from definitions.cases.paths import declared_path
from definitions.messages import Decide
from definitions.records import Gate
from workflows.gates import gate_key

if TYPE_CHECKING:
    from client.testing.stage import Handle


@dataclass(slots=True)
class Talk:
    """What is still to be said at an open gate."""

    gate: Gate
    left: list[CaseDecision]

    @property
    def moment(self) -> datetime | None:
        """When the next person speaks; nobody does once the gate's time is over."""
        if not self.left:
            return None
        moment = self.gate.opened_at + self.left[0].after
        return None if self.gate.deadline is not None and moment > self.gate.deadline else moment


@dataclass(slots=True)
class People:
    """Everybody who decides in a case."""

    case: Case
    seen: list[str] = field(default_factory=list[str])
    """Openings of gates that they know of."""
    _talks: dict[str, Talk] = field(default_factory=dict[str, Talk])
    _said: dict[str, int] = field(default_factory=dict[str, int])
    """How many decisions of a gate's list were used, by declared path: a gate may open again in a later visit."""

    def meet(self, gates: Iterable[Gate]) -> bool:
        """Take note of the gates that are open now. Return whether one is new."""
        is_open = {gate_key(gate): gate for gate in gates}
        new = [key for key in is_open if key not in self.seen]
        self.seen += new
        self._talks = {key: talk for key, talk in self._talks.items() if key in is_open}
        for key in new:
            self._talks[key] = Talk(is_open[key], self._decisions(is_open[key].gate))
        return bool(new)

    def next(self) -> Talk | None:
        """Return where the next person speaks; None where nobody has anything to say."""
        talks = [talk for talk in self._talks.values() if talk.moment is not None]
        return min(talks, key=lambda talk: talk.moment or talk.gate.opened_at, default=None)

    async def say(self, handle: "Handle", talk: Talk) -> None:
        """Send the next decision of a talk; one that the run refuses changes nothing."""
        from temporalio.client import WorkflowUpdateFailedError

        key, decision = declared_path(talk.gate.gate), talk.left.pop(0)
        self._said[key] = self._said.get(key, 0) + 1
        message = Decide(
            gate=talk.gate.gate,
            verdict=decision.verdict,
            by=decision.by,
            groups=decision.groups,
            comment=decision.comment,
            form=decision.form,
            decision_id=f"{key}-{self._said[key]}",
        )
        with contextlib.suppress(WorkflowUpdateFailedError):
            await handle.execute_update(  # pyright: ignore[reportUnknownMemberType]
                "decide", message.model_dump(mode="json", exclude_none=True)
            )

    def _decisions(self, path: str) -> list[CaseDecision]:
        """Return what is still to be said at a gate; the last of a list is said again at later openings."""
        written = self.case.decisions_at(path)
        used = min(self._said.get(declared_path(path), 0), max(len(written) - 1, 0))
        return list(written[used:])
