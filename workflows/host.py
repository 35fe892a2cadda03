"""What the interpreter asks of the world; Temporal is one answer, a test's is another, the cache a third."""

from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from pydantic import JsonValue

from definitions.records import (
    ActivityCall,
    Decision,
    EvaluateCall,
    Gate,
    Items,
    ItemsCall,
    MergeCall,
    Resumption,
    Signal,
    StartRunCall,
    StepCall,
    StepResult,
)
from definitions.statuses import Event
from definitions.steps import ActivityStep, Step


class Host(Protocol):
    """The effects of a run. Every method may raise CancelledError; none is called while a record answers."""

    def now(self) -> datetime:
        """Return the current instant (UTC), the same on replay."""
        ...

    async def may_start(self, *, is_long: bool = False, is_race: bool = False) -> None:
        """Return when new work may start: not while the run is paused or about to continue as new.

        `is_long`: the work may take hours (an agent), so it waits as soon as the history is long. `is_race`: who is
        first will be decided, so a host that only looks results up must not begin it.
        """
        ...

    async def run_step(self, call: StepCall, step: Step) -> StepResult:
        """Run one attempt. Raises `StepFailure` (`details["error"]` is the `StepError` as JSON)."""
        ...

    async def call_activity(self, call: ActivityCall, step: ActivityStep) -> JsonValue:
        """Call somebody's activity, and return what it returns. Raises `StepFailure`."""
        ...

    async def start_run(self, call: StartRunCall) -> None:
        """Start a run of its own; where it is there already, nothing happens. Raises `StepFailure`."""
        ...

    async def evaluate(self, call: EvaluateCall) -> dict[str, JsonValue]:
        """Evaluate expressions that read files or stored values. Raises `StepFailure`."""
        ...

    async def items(self, call: ItemsCall) -> Items:
        """Freeze a collection that is too big to travel, or return a window of it. Raises `StepFailure`."""
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

    async def signal(self, name: str, deadline: datetime | None, summary: str) -> Signal | None:
        """Take the last signal of that name, or wait for one; None when the deadline has passed."""
        ...

    async def resumption(self, path: str) -> Resumption:
        """Pause the run because a step failed, and wait for what a person says about it."""
        ...

    def emit(self, event: Event) -> None:
        """Take note of an event."""
        ...

    def changed(self) -> None:
        """Take note that the ledger changed (status, details and search attributes follow)."""
        ...
