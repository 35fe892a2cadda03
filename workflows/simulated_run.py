"""`perdure.run` with a clock that jumps, for tests: the same workflow code, and nobody waits.

    SimulatedClock   stands still while anything runs; then it rings what is due next
    SimulatedHost    the run's host, with every wait on that clock
    SimulatedRun     the workflow: `play_on` lets time pass until a person has to say something

Whoever tests calls the update `play_on` again and again, and decides at the gates that it tells of. Steps end in
the order of the clock, those of one moment in the order in which they were begun, so that a run is the same each time.
The workflow type is that of real runs: it is served on a task queue of its own, by the worker of a test only.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import JsonValue
from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from definitions.cases.models import Stub, stub_at
    from definitions.cases.paths import declared_path
    from definitions.errors import ErrorClass, StepFailure
    from definitions.messages import WORKFLOW_TYPE
    from definitions.records import Gate, Record, StepCall, StepResult
    from definitions.steps import Step
    from workflows import gates
    from workflows.run_definition import RunDefinition
    from workflows.temporal_host import Controls, TemporalHost, see_cancel

PLAY_ON = 'Let time pass until a gate opens, until a moment, or to the end. {"until": "2026-01-31T12:00:00Z"}'


class Simulation(Record):
    """What the start input carries beside a run's own: `{"simulation": {…}}`."""

    now: datetime | None = None
    """What the clock shows at first; None: the time of the server."""
    stubs: dict[str, list[Stub]] = {}
    """How steps are played, by path, one stub an attempt (`delay`, `fail` and `cached` are read)."""

    def stub(self, path: str, attempt: int) -> Stub:
        """Return how an attempt is played."""
        stubs = self.stubs.get(path, self.stubs.get(declared_path(path), []))
        return stub_at(tuple(stubs), attempt)


class PlayOn(Record):
    """The argument of `play_on`."""

    until: datetime | None = None
    """The clock goes so far, and what is due then waits (a decision comes before the end of its gate's time)."""
    seen: list[str] = []
    """The gates that the caller knows of (`gates.gate_key`): another one that opens stops the clock."""
    held: dict[str, int] = {}
    """The steps that the caller knows to wait for somebody, with their attempts: another one stops the clock."""


class Standing(Record):
    """Where a simulated run stands: nothing runs, and time does not pass."""

    now: datetime
    has_ended: bool = False
    is_leaving: bool = False
    """Whether it is about to continue as new."""
    gates: list[Gate] = []
    held: dict[str, int] = {}
    """The steps that failed and wait for somebody, with the attempt that failed."""


@dataclass(eq=False, slots=True)
class Alarm:
    """Something that waits for a moment."""

    moment: datetime
    number: int
    ring: Callable[[], None]


@dataclass(slots=True)
class SimulatedClock:
    """A clock that shows what it is told, and who waits for it."""

    now: datetime
    alarms: list[Alarm] = field(default_factory=list[Alarm])
    _numbers: int = 0

    def take_number(self) -> int:
        """Return a place in the order of those that wait for the same moment."""
        self._numbers += 1
        return self._numbers

    @contextlib.contextmanager
    def alarm(self, moment: datetime, ring: Callable[[], None], number: int | None = None):
        """Have `ring` called at `moment`, unless the block ends before."""
        alarm = Alarm(moment, self.take_number() if number is None else number, ring)
        self.alarms.append(alarm)
        try:
            yield
        finally:
            if alarm in self.alarms:
                self.alarms.remove(alarm)

    async def sleep_until(self, moment: datetime, number: int | None = None) -> None:
        """Wait for `moment`."""
        rung = asyncio.Event()
        with self.alarm(moment, rung.set, number):
            await rung.wait()

    def next(self, until: datetime | None) -> Alarm | None:
        """Return what rings next, before `until`."""
        alarm = min(self.alarms, key=lambda alarm: (alarm.moment, alarm.number), default=None)
        return None if alarm is None or (until is not None and alarm.moment >= until) else alarm

    def jump(self, alarm: Alarm) -> None:
        """Go to the moment of an alarm, and ring it."""
        self.now = max(self.now, alarm.moment)
        self.alarms.remove(alarm)
        alarm.ring()


class SimulatedHost(TemporalHost):
    """The run's host with every wait on the simulated clock; steps are activities still."""

    def __init__(self, controls: Controls, provider: str | None, clock: SimulatedClock, simulation: Simulation) -> None:
        super().__init__(controls, provider)
        self._clock = clock
        self._simulation = simulation

    def now(self) -> datetime:
        """Return what the clock shows."""
        return self._clock.now

    async def run_step(self, call: StepCall, step: Step) -> StepResult:
        """Run an attempt; its result comes when its time has passed, one that takes too long fails."""
        number, begun = self._clock.take_number(), self.now()
        stub = self._simulation.stub(call.path, call.attempt)
        is_late = step.timeout is not None and stub.delay > step.timeout
        end = begun + min(stub.delay, step.timeout or stub.delay)
        result: StepResult | StepFailure
        try:
            result = await super().run_step(call, step)
        except StepFailure as failure:
            result = failure
        see_cancel()  # a stub may be quicker than its cancellation: which of them comes first must not matter
        await self._clock.sleep_until(end, number)
        if is_late:
            result = StepFailure(
                ErrorClass.TIMEOUT, f"it took longer than {step.timeout} and was ended", {"timeout": str(step.timeout)}
            )
        if isinstance(result, StepFailure):
            raise result
        return result.model_copy(update={"cached": stub.cached})

    async def sleep_until(self, moment: datetime, summary: str) -> None:
        """Sleep by the clock."""
        if moment > self.now():
            await self._clock.sleep_until(moment)

    @contextlib.asynccontextmanager
    async def time_limit(self, deadline: datetime | None) -> AsyncGenerator[None]:
        """Limit a block by the clock."""
        async with asyncio.timeout(None) as limit:
            if deadline is None:
                yield
                return
            loop = asyncio.get_running_loop()
            with self._clock.alarm(deadline, lambda: limit.reschedule(loop.time())):
                yield

    async def wait_for(self, event: asyncio.Event, deadline: datetime | None, summary: str) -> bool:
        """Wait by the clock."""
        if deadline is None:
            await event.wait()
            return True
        late = asyncio.Event()

        def close() -> None:
            late.set()
            event.set()

        with self._clock.alarm(deadline, close):
            await event.wait()
        return not late.is_set()


@workflow.defn(name=WORKFLOW_TYPE)
class SimulatedRun(RunDefinition):
    """A run whose time passes only by `play_on`."""

    @workflow.init
    def __init__(self, request: Any = None) -> None:
        written = request.get("simulation") if isinstance(request, dict) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
        self._simulation = Simulation.model_validate(written or {})
        self._clock = SimulatedClock(self._simulation.now or workflow.now())
        self._play: PlayOn | None = None
        self._has_begun = False
        """An update can come before `run`: then nothing waits yet, which does not mean that nothing will."""
        super().__init__(request)  # pyright: ignore[reportArgumentType] - the product's own gets it undecoded
        if self._live.request.carried is None:
            self._live.progress.created_at = self._clock.now

    def _make_host(self, controls: Controls, provider: str | None) -> TemporalHost:
        return SimulatedHost(controls, provider, self._clock, self._simulation)

    @workflow.run
    async def run(self, request: Any = None) -> dict[str, JsonValue]:
        """Run a definition, by the simulated clock."""
        self._has_begun = True
        ticking = asyncio.create_task(self._tick())
        try:
            return await super().run(request)
        finally:
            ticking.cancel()

    @workflow.update(
        name="play_on",
        description=PLAY_ON,
        unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON,
    )
    async def play_on(self, play: PlayOn) -> Standing:
        """Let time pass; answer where the run stands then."""
        self._play = play
        await workflow.wait_condition(lambda: self._has_left() or (self._is_quiet() and self._due() is None))
        self._play = None
        waiting = self._open_gates()
        if play.until is not None and not self._has_left() and not self._unseen(play):
            self._clock.now = max(self._clock.now, play.until)
        return Standing(
            now=self._clock.now,
            has_ended=self._live.has_ended,
            is_leaving=self._live.controls.is_leaving,
            gates=waiting,
            held=self._held(),
        )

    async def _tick(self) -> None:
        """Ring what is due, one after the other, each time that nothing runs."""
        while True:
            await workflow.wait_condition(lambda: self._is_quiet() and self._due() is not None)
            alarm = self._due()
            if alarm is not None:
                self._clock.jump(alarm)

    def _due(self) -> Alarm | None:
        """Return what rings next: nothing while nobody plays, or when a gate has opened that the player must see."""
        play = self._play
        if play is None or self._has_left() or self._unseen(play):
            return None
        return self._clock.next(play.until)

    def _is_quiet(self) -> bool:
        is_prepared = self._has_begun and self._live.progress.prepared is not None
        return is_prepared and self._live.controls.in_flight == 0

    def _has_left(self) -> bool:
        return self._live.has_ended or self._live.controls.is_leaving

    def _unseen(self, play: PlayOn) -> bool:
        is_held = any(play.held.get(path) != attempt for path, attempt in self._held().items())
        return is_held or any(gates.gate_key(gate) not in play.seen for gate in self._open_gates())

    def _held(self) -> dict[str, int]:
        return {path: record.attempt for path, record in self._live.book.records.items() if record.held}

    def _open_gates(self) -> list[Gate]:
        return gates.open_gates(self._live.book)

    def _successor(self) -> dict[str, JsonValue]:
        simulation = self._simulation.model_copy(update={"now": self._clock.now})
        return {**super()._successor(), "simulation": simulation.model_dump(mode="json", exclude_defaults=True)}
