"""Level *plan*: the interpreter over a host of our own. No server, no process, no waiting; a case takes milliseconds.

    opened      gives `play` (siblings do the same, and start what they need)
    play        one case, in a thread with a loop of its own whose clock jumps
    PlanHost    the world of a case: stubs, virtual files, people who decide after a while

What is real here: the interpreter, every expression, templates, shell values, file functions on virtual files,
merges, retries and their back-off, timeouts, gates with their rules. What is not: whatever a step would do.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic import JsonValue

from activities.frozen_environment import frozen_environment
from client.testing.memory_store import MemoryStore, empty_tree, file_at, reader_of, write_files
from client.testing.plan_host import PlanHost
from client.testing.starting_files import starting_files
from client.testing.verdicts import NotPlayable, Outcome, Play, Subject, ended_paths
from client.testing.virtual_time import Standstill, VirtualTimeLoop
from definitions.cases.models import Case
from definitions.errors import StepFailure
from definitions.inputs import check_inputs
from definitions.records import Ledger, RunHandle
from definitions.statuses import Status
from workflows.course import run_course
from workflows.ending import Ending, output_artifacts
from workflows.events import Journal
from workflows.gates import open_gates
from workflows.interpreter import Interpreter
from workflows.ledger import Book
from workflows.scope import Scopes
from workflows.status import Progress, status
from workflows.steps import HANDLERS

START = datetime(2026, 1, 1, tzinfo=UTC)
"""When runs start where a case does not say."""
EXECUTION_ID = "test"


@contextlib.asynccontextmanager
async def opened() -> AsyncGenerator[Play]:
    """Give what plays cases; there is nothing to start."""
    yield play


async def play(case: Case, subject: Subject) -> Outcome:
    """Play one case. Raises `NotPlayable`."""
    return await asyncio.to_thread(play_now, case, subject)


def play_now(case: Case, subject: Subject) -> Outcome:
    """Play one case in this thread, which must have no running loop. Raises `NotPlayable`."""
    stage = _Stage(case, subject)
    loop = VirtualTimeLoop(stage.stand_still)
    try:
        return loop.run_until_complete(stage.play())
    except Standstill as fault:
        raise NotPlayable(str(fault)) from fault
    finally:
        loop.close()


@dataclass(slots=True)
class _Stage:
    """One case while it is played."""

    case: Case
    subject: Subject
    store: MemoryStore = field(default_factory=MemoryStore)
    book: Book = field(default_factory=lambda: Book(Ledger()))
    tree: str | None = None
    outputs: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    walk: "asyncio.Task[Ending] | None" = None
    standstill: Book | None = None
    """The ledger as it was when everybody waited for what nobody would do (a gate without a decision)."""

    def stand_still(self) -> None:
        """End the walk, which would wait for ever. Raises `Standstill` where it does not end."""
        if self.walk is None or self.standstill is not None:
            raise Standstill(f"case `{self.case.name}` does not come to its end")
        self.standstill = Book(self.book.freeze())
        self.walk.cancel()

    async def play(self) -> Outcome:
        """Play it to its end, or to where nothing happens any more."""
        case, definition = self.case, self.subject.definition
        start = (START if case.clock.start is None else datetime.fromisoformat(case.clock.start)).astimezone(UTC)
        self.tree = _first_tree(case, self.subject, self.store)
        inputs = _inputs(case, self.subject, self.store, self.tree)
        host = PlanHost(case, definition, self.store, self.book, start)
        facts: dict[str, JsonValue] = {"id": EXECUTION_ID, "started_at": start.isoformat()}
        scopes = Scopes(
            definition,
            inputs,
            frozen_environment(definition, case.env, self.subject.library.values()),
            facts,
            self.book,
        )
        handle = RunHandle(execution_id=EXECUTION_ID, definition_id=definition.id, context="")
        interpreter = Interpreter(
            definition,
            Journal(handle, self.book, host),
            self.book,
            scopes,
            host,
            HANDLERS,
            library=self.subject.library,
        )
        self.walk = asyncio.create_task(self._walk(interpreter))
        ending: Ending | None = None
        try:
            ending = await self.walk
        except asyncio.CancelledError:
            if self.standstill is None:
                raise
        return Outcome(
            status=self._status(ending, inputs, start, host.now()),
            path=ended_paths(host.events),
            prompts=host.prompts,
            duration=host.now() - start,
            files=reader_of(self.store, self.tree),
        )

    async def _walk(self, interpreter: Interpreter) -> Ending:
        """Walk the steps as the workflow does, within the run's own time."""
        definition = self.subject.definition
        if definition.timeout is not None:
            self.book.deadline = interpreter.host.now() + definition.timeout
        course = await run_course(interpreter, self.tree)
        if course.ending.state == "completed":
            self.tree, self.outputs = course.tree, course.outputs
        return course.ending

    def _status(self, ending: Ending | None, inputs: dict[str, JsonValue], start: datetime, end: datetime) -> Status:
        book = self.standstill or self.book
        progress = Progress(EXECUTION_ID, start, self.subject.definition.id)
        progress.started_at, progress.outputs, progress.tree = start, self.outputs, self.tree
        if ending is not None:
            progress.state, progress.error, progress.completed_at = ending.state, ending.error, end
        else:
            is_held = any(record.held for record in book.records.values())
            progress.state = "paused" if is_held else "waiting_approval" if open_gates(book) else "running"
        found = status(progress, book)
        changes: dict[str, object] = {
            "definition_name": self.subject.definition.name,
            "definition_version": self.subject.definition.version,
            "inputs": inputs,
            "artifacts": found.artifacts + output_artifacts(self.outputs),
        }
        return found.model_copy(update=changes)


def _first_tree(case: Case, subject: Subject, store: MemoryStore) -> str | None:
    """Return the workspace that the run starts with. Raises `NotPlayable`."""
    source = subject.definition.workspace.source
    if source == "none":
        return None
    tree = empty_tree(store)
    if source == "empty":
        return tree
    try:
        return write_files(store, tree, starting_files(case, subject))
    except StepFailure as failure:
        raise NotPlayable(failure.message, ("files",)) from failure


def _inputs(case: Case, subject: Subject, store: MemoryStore, tree: str | None) -> dict[str, JsonValue]:
    """Return the inputs as `prepare` freezes them: typed, with defaults, files by reference. Raises `NotPlayable`."""
    inputs, findings = check_inputs(subject.definition, case.inputs)
    wrong = next((finding for finding in findings if finding.severity == "error"), None)
    if wrong is not None:
        raise NotPlayable(wrong.message, ("inputs",))
    if tree is None:
        return inputs
    for name, declared in subject.definition.inputs.items():
        path = inputs[name]
        if declared.type != "file" or not isinstance(path, str):
            continue
        found = file_at(store, tree, path)
        if found is None:
            message = f"input `{name}`: the workspace of this case has no file `{path}`; give it under `files`"
            raise NotPlayable(message, ("inputs", name))
        inputs[name] = found
    return inputs
