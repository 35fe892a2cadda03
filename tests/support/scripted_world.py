"""A host in virtual time over a `Script`, with a world that outlives it: a killed interpreter finds everything there.

World        what goes on whatever becomes of the interpreter: the clock, work that has begun, people, signals
WorldHost    the host of one life of the interpreter; at its n-th call it is killed
play         interpret a definition, killed at some calls, each time gone on from the ledger as JSON
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pydantic import JsonValue

from client.testing.virtual_time import Standstill, VirtualTimeLoop
from definitions.collections import itemise
from definitions.errors import ErrorClass, StepFailure
from definitions.expressions import evaluate_condition, parse_condition
from definitions.models import Definition
from definitions.records import (
    ActivityCall,
    Decision,
    EvaluateCall,
    Gate,
    Items,
    ItemsCall,
    Ledger,
    MergeCall,
    Resumption,
    RunHandle,
    Signal,
    StartRunCall,
    StepCall,
    StepError,
    StepResult,
)
from definitions.statuses import Event
from definitions.steps import ActivityStep, Step
from definitions.templates import render_value
from tests.support.outcome_script import START, Script, micro, moment, span, step_id
from tests.support.playing_host import reload
from tests.support.small_trees import conflicts, joined, written
from workflows.compensation import compensate
from workflows.course import run_course
from workflows.ending import Ending
from workflows.events import Journal
from workflows.failures import step_failure
from workflows.interpreter import Interpreter
from workflows.ledger import Book
from workflows.places import Place
from workflows.scope import Scopes
from workflows.steps import HANDLERS

SLOW_TYPES = ("set", "assert", "wait", "approval", "group", "workflow")
"""Types that take no time of their own: here they do, so that no two things happen at the same moment."""
ENDED_BY = ("step_completed", "step_failed", "step_skipped", "step_retrying")


@dataclass
class World:
    """What is there whatever becomes of the interpreter."""

    script: Script
    kills: list[int]
    events: list[Event] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    begun: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Number and end of the call that goes on, by path."""
    openings: dict[str, list[datetime]] = field(default_factory=dict)
    holds: dict[str, tuple[int, int]] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)
    calls: int = 0
    lives: int = 0

    def now(self) -> int:
        return round(asyncio.get_running_loop().time() * 1_000_000)

    async def until(self, end: int) -> None:
        loop = asyncio.get_running_loop()
        if end > self.now():
            woken = loop.create_future()
            handle = loop.call_at(end / 1_000_000, lambda: woken.done() or woken.set_result(None))
            try:
                await woken
            finally:
                handle.cancel()

    async def until_open(self) -> None:
        """Wait while a step is held."""
        while (last := max((end for _, end in self.holds.values()), default=0)) > self.now():
            await self.until(last)

    @property
    def may_be_killed(self) -> bool:
        """Whether a run may go on elsewhere now: not while it is paused and something still runs, as on Temporal."""
        return not (self.holds and self.begun)

    def begin(self, path: str) -> tuple[int, int]:
        """Begin a call, or find the one that goes on."""
        if path not in self.begun:
            self.counts[path] = number = self.counts.get(path, 0) + 1
            self.begun[path] = number, self.now() + span(path, number)
        return self.begun[path]


class WorldHost:
    """The host of one life of the interpreter."""

    def __init__(self, world: World, book: Book) -> None:
        self._world = world
        self._book = book
        self.on_death: Callable[[], None] = lambda: None
        self.frozen: Ledger | None = None

    async def _live(self) -> None:
        """Count a call; die at it, or stay dead."""
        if self.frozen is None:
            self._world.calls += 1
            if self._world.kills and self._world.calls >= self._world.kills[0] and self._world.may_be_killed:
                self._world.kills.pop(0)
                self.frozen = reload(self._book.freeze())
                self.on_death()
        if self.frozen is not None:
            await asyncio.Event().wait()

    def now(self) -> datetime:
        return START + timedelta(microseconds=self._world.now())

    async def may_start(self, *, is_long: bool = False, is_race: bool = False) -> None:
        await self._live()
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError
        await self._world.until_open()

    async def take_time(self, path: str) -> None:
        await self._live()
        await self._world.until(self._world.begin(path)[1])

    async def _work(self, path: str, step: Step) -> int:
        await self._live()
        world, timeout = self._world, step.timeout
        number, end = world.begin(path)
        begun = end - span(path, number)
        if timeout is not None and end - begun > micro(timeout):
            await world.until(begun + micro(timeout))
            raise StepFailure(ErrorClass.TIMEOUT, "it took too long")
        await world.until(end)
        kind = world.script.outcome(path, number)
        if kind != "ok":
            raise StepFailure(ErrorClass(kind), "the script says so")
        return number

    async def run_step(self, call: StepCall, step: Step) -> StepResult:
        number = await self._work(call.path, step)
        tree = written(call.tree or "{}", self._world.script.files.get(step.id), call.path)
        return StepResult(outputs={"out": f"{call.path}!{number}"}, tree=tree)

    async def call_activity(self, call: ActivityCall, step: ActivityStep) -> JsonValue:
        return f"{call.path}!{await self._work(call.path, step)}"

    async def start_run(self, call: StartRunCall) -> None:
        await self._live()

    async def evaluate(self, call: EvaluateCall) -> dict[str, JsonValue]:
        await self._live()
        return {
            name: evaluate_condition(parse_condition(str(text)), call.values)
            if name in call.conditions
            else render_value(text, call.values)
            for name, text in call.expressions.items()
        }

    async def items(self, call: ItemsCall) -> Items:
        await self._live()
        keys, values = itemise(call.items, call.name, call.key, call.values)
        return Items(keys=keys, values=values)

    async def merge(self, call: MergeCall) -> str:
        await self._live()
        trees = list(call.branches.values())
        if conflicts(call.base, trees):
            raise step_failure(StepError(type=ErrorClass.WORKSPACE, message="a conflict", step=call.path))
        return joined(call.base, trees)

    async def sleep_until(self, moment: datetime, summary: str) -> None:
        await self._live()
        await self._world.until(micro(moment - START))

    def time_limit(self, deadline: datetime | None) -> AbstractAsyncContextManager[object]:
        return asyncio.timeout_at(None if deadline is None else micro(deadline - START) / 1_000_000)

    async def decision(self, gate: Gate) -> Decision | None:
        await self._live()
        openings = self._world.openings.setdefault(gate.gate, [])
        if gate.opened_at not in openings:
            openings.append(gate.opened_at)
        number = openings.index(gate.opened_at) + 1
        verdict = self._world.script.verdict(gate.gate, number)
        end = gate.opened_at + timedelta(microseconds=span(f"gate {gate.gate}", number))
        assert gate.deadline is not None
        if verdict == "silence" or end > gate.deadline:
            await self._world.until(micro(gate.deadline - START))
            return None
        await self._world.until(micro(end - START))
        return Decision(gate=gate.gate, verdict=verdict, by="ana", decision_id=str(number), decided_at=end)  # type: ignore[arg-type]

    async def signal(self, name: str, deadline: datetime | None, summary: str) -> Signal | None:
        await self._live()
        world = self._world
        left = [come for come in world.script.signals.get(name, []) if come > world.taken.get(name, -1)]
        come = max([come for come in left if come <= world.now()], default=min(left, default=None))
        assert deadline is not None
        if come is None or come > micro(deadline - START):
            await world.until(micro(deadline - START))
            return None
        await world.until(come)
        world.taken[name] = world.now()
        return Signal(name=name, payload=come, received_at=START + timedelta(microseconds=come))

    async def resumption(self, path: str) -> Resumption:
        await self._live()
        world = self._world
        if path not in world.holds:
            world.held[path] = number = world.held.get(path, 0) + 1
            world.holds[path] = number, world.now() + span(f"hold {path}", number)
        number, end = world.holds[path]
        try:
            await world.until(end)
        finally:
            if self.frozen is None:
                del world.holds[path]
        await world.until_open()
        return Resumption(action=world.script.action(path, number), by="ana")  # type: ignore[arg-type]

    def emit(self, event: Event) -> None:
        if self.frozen is not None:
            return
        self._world.events.append(event)
        if event.type in ENDED_BY and event.step is not None:
            self._world.begun.pop(event.step, None)

    def changed(self) -> None:
        pass


@dataclass
class Alarm:
    """The cancel of a run, once it is due."""

    is_due: bool = False
    ring: Callable[[], None] = lambda: None

    def go_off(self) -> None:
        self.is_due = True
        self.ring()


@dataclass
class Played:
    """What a run came to."""

    ending: Ending
    outputs: dict[str, JsonValue]
    tree: str | None
    book: Book
    world: World
    interpreter: Interpreter


def play(
    definition: Definition,
    script: Script,
    library: Mapping[str, Definition],
    kills: Sequence[int] = (),
    ledger: Ledger | None = None,
) -> Played:
    """Interpret a definition to its end in virtual time; `kills` are numbers of host calls. Raises `Standstill`."""

    def stand_still() -> None:
        raise Standstill("everybody waits for nothing")

    loop = VirtualTimeLoop(stand_still)
    try:
        return loop.run_until_complete(
            _play(definition, World(script, sorted(set(kills))), library, ledger or Ledger())
        )
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.close()


async def _play(definition: Definition, world: World, library: Mapping[str, Definition], ledger: Ledger) -> Played:
    book = Book(ledger)
    if definition.timeout is not None:
        book.deadline = START + definition.timeout
    cancelled, undoing = Alarm(), False
    if world.script.cancel_at is not None:
        asyncio.get_running_loop().call_at(world.script.cancel_at / 1_000_000, cancelled.go_off)
    while True:
        world.lives += 1
        host = WorldHost(world, book)
        interpreter = _interpreter(definition, library, host, book)
        walk = asyncio.create_task(compensate(interpreter) if undoing else run_course(interpreter, "{}"))
        sign = asyncio.Event()
        walk.add_done_callback(lambda _, sign=sign: sign.set())
        host.on_death = sign.set
        cancelled.ring = sign.set
        if not undoing and cancelled.is_due:
            sign.set()
        while not (walk.done() or host.frozen is not None):
            await sign.wait()
            sign.clear()
            if cancelled.is_due and not undoing and book.failure is None and not walk.done():
                break  # a cancel; one that comes while the run is undoing already is too late
        if host.frozen is None and walk.done():
            course = walk.result()
            if course is None:
                return Played(Ending("cancelled"), {}, None, book, world, interpreter)
            return Played(course.ending, course.outputs, course.tree, book, world, interpreter)
        walk.cancel()
        await asyncio.gather(walk, return_exceptions=True)
        book = book if host.frozen is None else Book(host.frozen)
        undoing = undoing or (cancelled.is_due and book.failure is None)


def _interpreter(definition: Definition, library: Mapping[str, Definition], host: WorldHost, book: Book) -> Interpreter:
    facts: dict[str, JsonValue] = {"id": "run", "started_at": moment(0)}
    inputs = {name: declared.default for name, declared in definition.inputs.items()}
    journal = Journal(RunHandle(execution_id="run", definition_id=definition.id, context=""), book, host)
    handlers: dict[str, Any] = {**HANDLERS, **{name: _slow(HANDLERS[name], host) for name in SLOW_TYPES}}
    scopes = Scopes(definition, inputs, {}, facts, book)
    return Interpreter(definition, journal, book, scopes, host, handlers, library=library)


def _slow(handler: Any, host: WorldHost) -> Any:
    async def attempt(interpreter: Interpreter, step: Step, place: Place) -> StepResult:
        await host.take_time(place.path)
        result: StepResult = await handler(interpreter, step, place)
        if "decided_by" not in result.outputs:
            return result
        return result.model_copy(update={"outputs": {name: result.outputs[name] for name in ("verdict", "decided_by")}})

    return attempt


__all__ = ["Played", "World", "play", "step_id"]
