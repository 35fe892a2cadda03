"""A host that plays: steps answer from a script, time jumps, gates are decided by the test."""

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pydantic import JsonValue

from definitions.collections import itemise
from definitions.errors import StepFailure
from definitions.loader import require
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
    StepResult,
)
from definitions.statuses import Event
from definitions.steps import ActivityStep, Step
from workflows.course import run_course
from workflows.ending import Ending
from workflows.events import Journal
from workflows.gates import accepted_decision
from workflows.interpreter import Interpreter
from workflows.ledger import Book
from workflows.scope import Scopes
from workflows.steps import HANDLERS

Answer = StepResult | StepFailure | Callable[[StepCall], StepResult]
START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class PlayingHost:
    """Steps answer from `answers` by path (a list is one answer an attempt); every effect is noted in `calls`."""

    answers: dict[str, Answer | list[Answer]] = field(default_factory=dict)
    evaluations: dict[str, JsonValue] = field(default_factory=dict)
    hold: dict[str, asyncio.Event] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    step_calls: list[StepCall] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    merges: list[MergeCall] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    slept: list[tuple[str, float]] = field(default_factory=list)
    time: datetime = START
    book: Book | None = None
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    decided: asyncio.Event = field(default_factory=asyncio.Event)
    gate_expires: bool = False
    collections: dict[str, list[JsonValue]] = field(default_factory=dict)
    activities: dict[str, JsonValue | StepFailure] = field(default_factory=dict)
    activity_calls: list[ActivityCall] = field(default_factory=list)
    started: list[StartRunCall] = field(default_factory=list)
    signals: dict[str, JsonValue] = field(default_factory=dict)
    resumptions: dict[str, list[Resumption]] = field(default_factory=dict)

    def now(self) -> datetime:
        return self.time

    async def may_start(self, *, is_long: bool = False, is_race: bool = False) -> None:
        await asyncio.sleep(0)

    async def run_step(self, call: StepCall, step: Step) -> StepResult:
        self.calls.append(call.path)
        self.step_calls.append(call)
        try:
            if call.path in self.hold:
                await self.hold[call.path].wait()
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.cancelled.append(call.path)
            raise
        self.time += timedelta(seconds=1)
        answer = self.answers.get(call.path, StepResult(outputs={"stdout": call.path}, tree=call.tree))
        chosen = answer[call.attempt - 1] if isinstance(answer, list) else answer
        if isinstance(chosen, StepFailure):
            raise chosen
        return chosen if isinstance(chosen, StepResult) else chosen(call)

    async def evaluate(self, call: EvaluateCall) -> dict[str, JsonValue]:
        self.calls.append(f"evaluate {call.path}")
        return {name: self.evaluations[f"{call.path}:{name}"] for name in call.expressions}

    async def items(self, call: ItemsCall) -> Items:
        if call.digest is not None:
            values = self.collections[call.digest]
            return Items(digest=call.digest, start=call.start, values=values[call.start : call.start + 3])
        keys, values = itemise(self.evaluations[f"{call.path}:items"], call.name, call.key, call.values)
        self.collections[f"stored {call.path}"] = values
        return Items(digest=f"stored {call.path}", keys=keys, values=values[:3])

    async def call_activity(self, call: ActivityCall, step: ActivityStep) -> JsonValue:
        self.activity_calls.append(call)
        answer = self.activities[call.activity]
        if isinstance(answer, StepFailure):
            raise answer
        return answer

    async def start_run(self, call: StartRunCall) -> None:
        self.started.append(call)

    async def signal(self, name: str, deadline: datetime | None, summary: str) -> Signal | None:
        if name not in self.signals:
            self.time = deadline or self.time
            return None
        return Signal(name=name, payload=self.signals.pop(name), received_at=self.time)

    async def resumption(self, path: str) -> Resumption:
        self.calls.append(f"held {path}")
        return self.resumptions[path].pop(0)

    async def merge(self, call: MergeCall) -> str:
        self.merges.append(call)
        return "+".join(call.branches.values())

    async def sleep_until(self, moment: datetime, summary: str) -> None:
        self.slept.append((summary, (moment - self.time).total_seconds()))
        self.time = max(self.time, moment)

    def time_limit(self, deadline: datetime | None) -> AbstractAsyncContextManager[object]:
        return asyncio.timeout(None if deadline is None else (deadline - self.time).total_seconds())

    async def decision(self, gate: Gate) -> Decision | None:
        self.opened.set()
        if self.gate_expires:
            return None
        assert self.book is not None
        while (found := accepted_decision(self.book, gate)) is None:
            self.decided.clear()
            await self.decided.wait()
        return found

    def emit(self, event: Event) -> None:
        self.events.append(event)

    def changed(self) -> None:
        pass


@dataclass
class Played:
    ending: Ending
    outputs: dict[str, JsonValue]
    book: Book
    host: PlayingHost
    tree: str | None

    def status(self, path: str) -> str | None:
        record = self.book.get(path)
        return None if record is None else record.status

    def told(self) -> list[str]:
        return [event.type + (f" {event.step}" if event.step else "") for event in self.host.events]


async def play(
    text: str,
    host: PlayingHost | None = None,
    *,
    inputs: dict[str, JsonValue] | None = None,
    env: dict[str, JsonValue] | None = None,
    ledger: Ledger | None = None,
    tree: str | None = "t0",
    found: Ledger | None = None,
    library: dict[str, Definition] | None = None,
) -> Played:
    """Interpret a definition to its end, as the workflow does."""
    definition = require(text if text.startswith("name:") else "name: played\n" + text, "played.yaml")
    host = host or PlayingHost()
    book = Book(ledger or Ledger())
    if found is not None:
        book.adopt(found)
    host.book = book
    facts: dict[str, JsonValue] = {"id": "run-1", "started_at": START.isoformat()}
    scopes = Scopes(definition, inputs or {}, env or {}, facts, book)
    journal = Journal(RunHandle(execution_id="run-1", definition_id=definition.id, context="c"), book, host)
    interpreter = Interpreter(definition, journal, book, scopes, host, HANDLERS, library=library or {})
    course = await run_course(interpreter, tree)
    return Played(course.ending, course.outputs, book, host, course.tree)


def reload(ledger: Ledger) -> Ledger:
    """Return a ledger as it comes back from history."""
    return Ledger.model_validate(json.loads(ledger.model_dump_json(exclude_defaults=True)))
