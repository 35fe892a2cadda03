"""Fast-forward: how far a run gets without running anything.

The same interpreter, with a host that answers a step from the cache. A branch is parked at its first miss, gate,
wait, or step that is not cached; when all are parked, what has ended is the ledger that the workflow goes on from.
A run that is wholly cached therefore costs one activity. The one place outside `workflows/` that imports
the interpreter.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Collection, Generator, Mapping
from datetime import UTC, datetime
from typing import NoReturn, TypeVar

from pydantic import JsonValue

from activities.evaluate import evaluate
from activities.heavy_trees import merged_tree
from activities.items import items
from activities.run_step import StepRunner
from activities.store.interface import Store
from definitions.errors import ErrorClass, ExpressionError, StepFailure
from definitions.messages import Prepared, Report
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
    Signal,
    StartRunCall,
    StepCall,
    StepRecord,
    StepResult,
)
from definitions.statuses import Event
from definitions.steps import ActivityStep, Step, all_steps
from definitions.trust import Trust
from workflows.events import Journal
from workflows.foresight import sound_part
from workflows.frames import Frame
from workflows.interpreter import Interpreter
from workflows.ledger import ENDED_STEP, Book
from workflows.lists import run_list
from workflows.places import RunFailed
from workflows.scope import Scopes
from workflows.steps import HANDLERS

FOUND_LIMIT = 1_000_000
"""Bytes of records that are handed to a run at once; the server takes no message over 2 MB."""
OF_THE_VALUES = (ErrorClass.EXPRESSION, ErrorClass.COLLECTION)
"""Failures that come again whenever the same is tried; others may be of the store or of this machine."""
QUIET_TURNS = 50
"""Turns of the loop without work after which every branch is known to be parked: wake-ups go one task a turn."""

Result = TypeVar("Result")


class FastForward:
    """Plays runs over the cache."""

    def __init__(self, store: Store, runner: StepRunner) -> None:
        self._store = store
        self._runner = runner

    @property
    def trust(self) -> Trust:
        """How far this worker's results are trusted."""
        return self._runner.cache.trust

    async def play(
        self, prepared: Prepared, definition: Definition, started_at: datetime, kept: Ledger | None = None
    ) -> Ledger | None:
        """Return what is kept of an earlier run with what the cache answers; None where there is neither."""
        known = [definition, *(Definition.model_validate(body) for body in prepared.library.values())]
        if not any(map(_may_be_cached, known)):
            return kept
        book = await self.walk(prepared, definition, started_at, kept)
        records = {path: record for path, record in book.records.items() if record.status in ("completed", "skipped")}
        records = bounded(records)
        if kept is not None:  # what goes on was begun here, and is not to be taken for begun
            return kept.model_copy(update={"records": {**kept.records, **records}, "next_order": book.next_order})
        found = Ledger(records=records, next_order=book.next_order)
        return found if any(record.cached for record in records.values()) else None

    async def onward(self, report: Report, call: StepCall, result: StepResult) -> dict[str, StepRecord] | None:
        """Return what the cache answers for after a step that a live run is at, by path; None where that is nothing.

        What runs beside the step is parked, so that what is found rests on nothing that may still turn out otherwise.
        """
        prepared, started_at, ledger = report.prepared, report.status.started_at, report.ledger
        if prepared is None or started_at is None:
            return None
        under_way = {path for path, record in ledger.records.items() if record.status not in ENDED_STEP}
        host = CacheHost(self._store, self._runner, known={call.path: result}, parked=under_way)
        definition = Definition.model_validate(prepared.definition)
        book = await self.walk(prepared, definition, started_at, ledger, host)
        found: dict[str, StepRecord] = {}
        for path, record in book.records.items():
            if record.status not in ("completed", "skipped"):
                continue
            if path not in ledger.records:
                found[path] = record
            elif ledger.records[path] != record and record.order is not None:
                return None  # it would take its number after those that come after it
        return bounded(found) or None

    async def walk(
        self,
        prepared: Prepared,
        definition: Definition,
        started_at: datetime,
        kept: Ledger | None = None,
        host: "CacheHost | None" = None,
    ) -> Book:
        """Return the ledger where every branch is parked, or has ended: what is not done yet is running in it."""
        library = {name: Definition.model_validate(body) for name, body in prepared.library.items()}
        book = Book(kept or Ledger())
        facts: dict[str, JsonValue] = {"id": prepared.run.execution_id, "started_at": started_at.isoformat()}
        scopes = Scopes(definition, prepared.inputs, prepared.env, facts, book)
        host = host or CacheHost(self._store, self._runner)
        journal = Journal(prepared.run, book, host)
        interpreter = Interpreter(definition, journal, book, scopes, host, HANDLERS, library=library)
        walk = asyncio.create_task(run_list(interpreter, definition.steps, Frame(), prepared.tree))
        await host.until_quiet(walk)
        reached = Book(book.freeze())
        walk.cancel()
        await asyncio.gather(walk, return_exceptions=True)
        return reached


class CacheHost:
    """Answers from the cache, parks everything else."""

    def __init__(
        self,
        store: Store,
        runner: StepRunner,
        known: Mapping[str, StepResult] | None = None,
        parked: Collection[str] = (),
    ) -> None:
        self._store = store
        self._runner = runner
        self._known = known or {}
        """Results of attempts that are there already, by path."""
        self._parked = parked
        """Paths of steps that are under way elsewhere."""
        self._busy = 0
        self._calls = 0

    async def until_quiet(self, walk: asyncio.Task[str | None]) -> None:
        """Return when the walk has ended or each of its branches is parked."""
        quiet, seen = 0, -1
        while not walk.done() and quiet < QUIET_TURNS:
            await asyncio.sleep(0.001 if self._busy else 0)
            quiet = quiet + 1 if not self._busy and self._calls == seen else 0
            seen = self._calls
        if walk.done() and not walk.cancelled():
            error = walk.exception()
            if error is not None and not isinstance(error, StepFailure | RunFailed):
                raise error

    @contextlib.contextmanager
    def _working(self) -> Generator[None]:
        """Count work, so that `until_quiet` waits for it."""
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1
            self._calls += 1

    def now(self) -> datetime:
        """Return the time."""
        return datetime.now(UTC)

    async def may_start(self, *, is_long: bool = False, is_race: bool = False) -> None:
        """Return at once; a race is parked, for who is first is not the cache's to say."""
        self._calls += 1
        if is_race:
            await _park()

    async def run_step(self, call: StepCall, step: Step) -> StepResult:
        """Answer from the cache, or park."""
        if call.path in self._known:
            self._calls += 1
            return self._known[call.path]
        if call.attempt > 1 or call.path in self._parked:
            await _park()
        hit = None
        with self._working(), contextlib.suppress(StepFailure, ExpressionError):
            hit = await self._runner.from_cache(call)
        return hit if hit is not None else await _park()

    async def evaluate(self, call: EvaluateCall) -> dict[str, JsonValue]:
        """Evaluate here."""
        return (await self._sure(evaluate(self._store, call))).values

    async def items(self, call: ItemsCall) -> Items:
        """Freeze or read here."""
        return await self._sure(items(self._store, call))

    async def _sure(self, work: Awaitable[Result]) -> Result:
        """Return what work gives, or its failure where the values are at fault; park when the run may be luckier."""
        with self._working():
            try:
                return await work
            except StepFailure as failure:
                if failure.error_class in OF_THE_VALUES:
                    raise
        return await _park()

    async def call_activity(self, call: ActivityCall, step: ActivityStep) -> JsonValue:
        """Park: only its owner knows what it does."""
        return await _park()

    async def start_run(self, call: StartRunCall) -> None:
        """Park."""
        await _park()

    async def merge(self, call: MergeCall) -> str:
        """Merge here."""
        merging = asyncio.to_thread(merged_tree, self._store, call.base, call.branches, texts=call.texts)
        return await self._sure(merging)

    async def sleep_until(self, moment: datetime, summary: str) -> None:
        """Park."""
        await _park()

    def time_limit(self, deadline: datetime | None) -> contextlib.AbstractAsyncContextManager[object]:
        """Return a block without a limit: what would take long is parked."""
        return contextlib.nullcontext()

    async def decision(self, gate: Gate) -> Decision | None:
        """Park: a person decides."""
        return await _park()

    async def signal(self, name: str, deadline: datetime | None, summary: str) -> Signal | None:
        """Park."""
        return await _park()

    async def resumption(self, path: str) -> Resumption:
        """Park: a person decides."""
        return await _park()

    def emit(self, event: Event) -> None:
        """Forget it: the workflow tells what the ledger knows."""

    def changed(self) -> None:
        """Do nothing."""


def bounded(records: dict[str, StepRecord]) -> dict[str, StepRecord]:
    """Return as much of what was found as fits into one message of history."""
    size = 0

    def fits(path: str, record: StepRecord) -> bool:
        nonlocal size
        size += len(path) + len(record.model_dump_json(exclude_defaults=True))
        return size <= FOUND_LIMIT

    return sound_part(records, fits)


async def _park() -> NoReturn:
    await asyncio.Event().wait()
    raise AssertionError("nothing wakes a parked branch")


def _may_be_cached(definition: Definition) -> bool:
    return definition.cache.default == "on" or any(step.is_cached for step in all_steps(definition.steps))
