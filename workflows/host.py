"""What the interpreter asks of the world; Temporal is one answer, a test's is another, the cache a third."""

from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from pydantic import JsonValue

from definitions.records import Decision, EvaluateCall, Event, Gate, MergeCall, StepCall, StepResult
from definitions.steps import Step


class Host(Protocol):
    """The effects of a run. Every method may raise CancelledError; none is called while a record answers."""

    def now(self) -> datetime:
        """Return the current instant (UTC), the same on replay."""
        ...

    async def may_start(self, *, is_long: bool = False) -> None:
        """Return when new work may start: not while the run is paused or about to continue as new.

        `is_long`: the work may take hours (an agent), so it waits as soon as the history is long.
        """
        ...

    async def run_step(self, call: StepCall, step: Step) -> StepResult:
        """Run one attempt. Raises `StepFailure` (`details["error"]` is the `StepError` as JSON)."""
        ...

    async def evaluate(self, call: EvaluateCall) -> dict[str, JsonValue]:
        """Evaluate expressions that read files or stored values. Raises `StepFailure`."""
        ...

    async def merge(self, call: MergeCall) -> str:
        """Join the trees of parallel branches; return the digest. Raises `StepFailure` naming the paths."""
        ...

    async def sleep_until(self, moment: datetime, summary: str) -> None:
        """Return at `moment`, at once when it is past."""
        ...

    def time_limit(self, deadline: datetime | None) -> AbstractAsyncContextManager[object]:
        """Return a block that is cancelled at `deadline` and then raises TimeoutError; None: it has all the time."""
        ...

    async def decision(self, gate: Gate) -> Decision | None:
        """Wait for the decision at an open gate; None when its deadline has passed."""
        ...

    def emit(self, event: Event) -> None:
        """Take note of an event."""
        ...

    def changed(self) -> None:
        """Take note that the ledger changed (status, details and search attributes follow)."""
        ...
