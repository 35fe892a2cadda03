"""Worlds in which definitions run without a server: our interpreter, real shell steps, a folder store; with and without
the cache.

A run goes the way of a live one: prepared (over the cache: fast-forwarded), interpreted, and behind each hit looked
ahead.
"""

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar, cast

from pydantic import JsonValue
from temporalio.client import Client

from activities.definition_sources import DefinitionPolicy
from activities.evaluate import evaluate
from activities.executors.interface import Execution, Executor
from activities.executors.shell import ShellExecutor
from activities.fast_forward import CacheHost, FastForward
from activities.heavy_trees import merged_tree
from activities.items import items
from activities.prepare import Preparation
from activities.run_step import StepRunner
from activities.step_cache import Asked, StepCache
from activities.store.interface import Store
from activities.store.opening import open_store
from activities.workspace.checkouts import Checkouts
from activities.workspace.manifest import Manifest, is_git_path, load_manifest
from definitions.errors import ErrorClass, ExpressionError, StepFailure
from definitions.messages import PrepareCall, Prepared, Report, RunInput
from definitions.models import Definition
from definitions.records import EvaluateCall, Items, ItemsCall, Ledger, MergeCall, StepCall, StepRecord, StepResult
from definitions.statuses import Status
from definitions.steps import Step
from workflows.course import run_course
from workflows.events import Journal
from workflows.interpreter import Interpreter
from workflows.ledger import Book
from workflows.scope import Scopes
from workflows.steps import HANDLERS

STARTED = datetime(2026, 1, 1, tzinfo=UTC)
Result = TypeVar("Result")


class NoCache(StepCache):
    """A cache that nobody asks."""

    async def asked(self, executor: Executor, execution: Execution, manifest: Manifest) -> Asked | None:
        return None


@dataclass(frozen=True)
class Ended:
    """How a run went, as far as it must be the same with a cache and without."""

    status: str
    error: str | None
    steps: dict[str, tuple[object, ...]]
    files: dict[str, object]
    outputs: dict[str, JsonValue]


class RunningHost(CacheHost):
    """Runs what the cache does not answer."""

    def __init__(self, world: "World", prepared: Prepared) -> None:
        super().__init__(world.store, world.runner)
        self._world = world
        self._prepared = prepared
        self.book = Book(Ledger())

    async def may_start(self, *, is_long: bool = False, is_race: bool = False) -> None:
        """Start."""

    async def run_step(self, call: StepCall, step: Step) -> StepResult:
        try:
            result = await self._world.runner.run(call, lambda details: None, None)
        except ExpressionError as error:
            raise StepFailure(ErrorClass.EXPRESSION, error.message) from error
        if result.cached and (found := await self._ahead(call, result)) is not None:
            self.book.foresee(found)
        return result

    async def _ahead(self, call: StepCall, result: StepResult) -> dict[str, StepRecord] | None:
        status = Status.model_construct(started_at=STARTED)
        report = Report.model_construct(status=status, ledger=self.book.freeze(), prepared=self._prepared, events=[])
        return await self._world.forward.onward(report, call, result)

    async def evaluate(self, call: EvaluateCall) -> dict[str, JsonValue]:
        return (await evaluate(self._store, call)).values

    async def items(self, call: ItemsCall) -> Items:
        return await items(self._store, call)

    async def merge(self, call: MergeCall) -> str:
        return merged_tree(self._store, call.base, call.branches, texts=call.texts)

    async def _sure(self, work: Awaitable[Result]) -> Result:
        return await work


class World:
    """A store with what was done in it."""

    def __init__(self, home: Path, *, is_cached: bool) -> None:
        scratch = home / "scratch"
        scratch.mkdir(parents=True)
        self.store: Store = open_store(home / "store")
        cache = (StepCache if is_cached else NoCache)(self.store)
        checkouts = Checkouts(home / "checkouts", self.store)
        self.runner = StepRunner(self.store, checkouts, scratch, {"shell": ShellExecutor()}, cache=cache)
        self.forward = FastForward(self.store, self.runner)
        policy = DefinitionPolicy(allows_inline=True, allows_paths=True)
        self._preparation = Preparation(self.store, cast("Client", None), policy, self.forward, scratch)
        self._is_cached = is_cached
        self._count = 0
        self.cached: set[str] = set()
        """Which steps of the last run came from the cache."""

    async def run(self, text: str, folder: Path, inputs: dict[str, JsonValue], env: dict[str, str]) -> Ended:
        """Run a definition."""
        self._count += 1
        request = RunInput.model_validate(
            {
                "definition": {"text": text, "file": "played.yaml"},
                "inputs": inputs,
                "env": env,
                "workspace": {"path": str(folder)},
            }
        )
        call = PrepareCall(execution_id=f"run-{self._count}", request=request, started_at=STARTED)
        prepared, resolved, _ = await self._preparation.freeze(call)
        found = await self.forward.play(prepared, resolved.definition, STARTED) if self._is_cached else None
        return await self._walk(prepared, resolved.definition, found)

    async def _walk(self, prepared: Prepared, definition: Definition, found: Ledger | None) -> Ended:
        host = RunningHost(self, prepared)
        if found is not None:
            host.book.adopt(Ledger.model_validate_json(found.model_dump_json(exclude_defaults=True)))
        facts: dict[str, JsonValue] = {"id": prepared.run.execution_id, "started_at": STARTED.isoformat()}
        scopes = Scopes(definition, prepared.inputs, prepared.env, facts, host.book)
        journal = Journal(prepared.run, host.book, host)
        interpreter = Interpreter(definition, journal, host.book, scopes, host, HANDLERS)
        course = await run_course(interpreter, prepared.tree)
        self.cached = {path for path, record in host.book.records.items() if record.cached}
        error = course.ending.error
        return Ended(
            status=course.ending.state,
            error=None if error is None else f"{error.type} {error.step}",
            steps={path: _told(record) for path, record in sorted(host.book.records.items())},
            files={} if course.tree is None else files_of(self.store, course.tree),
            outputs=course.outputs,
        )


def files_of(store: Store, tree: str) -> dict[str, object]:
    """Return what a tree holds, by path, without git's own folder."""
    entries = load_manifest(store, tree).entries
    return {entry.path: (entry.content, entry.ignored) for entry in entries if not is_git_path(entry.path)}


def _told(record: StepRecord) -> tuple[object, ...]:
    shared = [(one.name, one.version, one.digest) for one in record.published]
    return record.status, record.outputs, record.artifacts, record.tree, shared
