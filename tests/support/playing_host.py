"""A host that plays: steps answer from a script, time jumps, gates are decided by the test."""

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pydantic import JsonValue

from definitions.errors import StepFailure
from definitions.loader import require
from definitions.records import (
    Decision,
    EvaluateCall,
    Event,
    Gate,
    Ledger,
    MergeCall,
    RunHandle,
    StepCall,
    StepResult,
)
from definitions.steps import Step
from workflows.ending import Ending, ending_of, run_outputs
from workflows.events import Journal
from workflows.gates import accepted_decision
from workflows.interpreter import Interpreter, RunFailed
from workflows.ledger import Book
from workflows.lists import run_list
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

    def now(self) -> datetime:
        return self.time

    async def may_start(self, *, is_long: bool = False) -> None:
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
    announce: bool = False,
) -> Played:
    """Interpret a definition to its end, as the workflow does."""
    definition = require(text if text.startswith("name:") else "name: played\n" + text, "played.yaml")
    host = host or PlayingHost()
    book = Book(ledger or Ledger())
    host.book = book
    facts: dict[str, JsonValue] = {"id": "run-1", "started_at": START.isoformat()}
    scopes = Scopes(definition, inputs or {}, env or {}, facts, book)
    journal = Journal(RunHandle(execution_id="run-1", definition_id=definition.id, context="c"), book, host)
    interpreter = Interpreter(definition, journal, book, scopes, host, HANDLERS, announce=announce)
    after = tree
    outputs: dict[str, JsonValue] = {}
    try:
        after = await run_list(interpreter, definition.steps, "", tree)
        outputs = await run_outputs(interpreter, scopes, book, after)
        ending = Ending("completed")
    except (StepFailure, RunFailed) as failure:
        ending = ending_of(failure, "outputs")
    return Played(ending, outputs, book, host, after)


def reload(ledger: Ledger) -> Ledger:
    """Return a ledger as it comes back from history."""
    return Ledger.model_validate(json.loads(ledger.model_dump_json(exclude_defaults=True)))
