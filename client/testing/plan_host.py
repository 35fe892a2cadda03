"""The world of a case at the level *plan*: steps answer from stubs, people decide after a while, time jumps."""

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta

from pydantic import JsonValue

from activities.file_functions.reader import StoreFileReader
from activities.items import items_now
from activities.outputs import own_scope
from activities.rendering import render_step
from activities.store.canonical_json import canonical_json
from activities.workspace.merging import merge
from client.testing.memory_store import MemoryStore, file_at, reader_of, write_files
from client.testing.prompts import prompt_of
from client.testing.stubbing import failure_of, is_file_output, made_files, own_outputs
from definitions.cases.models import Case, CaseDecision, Stub, stub_at
from definitions.cases.paths import declared_path
from definitions.errors import ErrorClass, ExpressionError, StepFailure
from definitions.expressions import evaluate_condition, parse_condition
from definitions.messages import Decide
from definitions.models import Definition
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
from definitions.steps import ActivityStep, AgentStep, Step
from definitions.stored_values import INLINE_LIMIT, file_reference, json_size, value_reference
from definitions.templates import render_value
from workflows.failures import error_of, step_failure
from workflows.gates import Refusal, accepted_decision, take
from workflows.ledger import Book


class PlanHost:
    """Answers the interpreter for one case; `workflows.host.Host`."""

    def __init__(self, case: Case, definition: Definition, store: MemoryStore, book: Book, start: datetime) -> None:
        self.events: list[Event] = []
        self.prompts: dict[str, str] = {}
        self._case = case
        self._definition = definition
        self._store = store
        self._book = book
        self._start = start
        self._loop = asyncio.get_running_loop()
        self._taken: set[str] = set()
        """Signals that a step has had."""
        self._resumed: dict[str, int] = {}
        """How often each held step was resumed."""
        self._said: dict[str, int] = {}
        """How many decisions of a gate's list were used, by declared path: a gate may open again in a later visit."""

    def now(self) -> datetime:
        """Return the time of the case."""
        return self._start + timedelta(seconds=self._loop.time())

    async def may_start(self, *, is_long: bool = False, is_race: bool = False) -> None:
        """Return at once, or see a cancel that came too late for the step before."""
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError

    def emit(self, event: Event) -> None:
        """Keep an event."""
        self.events.append(event)

    def changed(self) -> None:
        """Do nothing: nobody watches."""

    async def sleep_until(self, moment: datetime, summary: str) -> None:
        """Let time pass."""
        await asyncio.sleep(max(0.0, (moment - self.now()).total_seconds()))

    def time_limit(self, deadline: datetime | None) -> AbstractAsyncContextManager[object]:
        """Return a block that ends at `deadline` by the clock of the case."""
        return asyncio.timeout(None if deadline is None else (deadline - self.now()).total_seconds())

    # --- steps --------------------------------------------------------------------------------------

    async def run_step(self, call: StepCall, step: Step) -> StepResult:
        """Answer an attempt from the stub of its path. Raises `StepFailure`."""
        stub = stub_at(self._case.stubs_at(call.path), call.attempt)
        rendered = self._rendered(call, step)
        await self._take_time(step, stub)
        failure = failure_of(rendered, stub)
        tree = call.tree
        if tree is not None and failure is None:
            tree = write_files(self._store, tree, stub.files)
        if failure is not None:
            raise failure
        own = own_outputs(rendered, stub)
        promised = self._promised(rendered, stub, tree)
        outputs = {**own, **self._declared(call, rendered, stub, own, promised, reader_of(self._store, tree))}
        return StepResult(
            outputs={name: self._spilled(value) for name, value in outputs.items()},
            artifacts={name: promised[name] for name in step.artifacts},
            tree=tree,
            cached=stub.cached,
        )

    def _rendered(self, call: StepCall, step: Step) -> Step:
        """Return the step with its templates resolved, as a worker would. Raises `StepFailure`."""
        try:
            rendered, _ = render_step(step, dict(call.values), reader_of(self._store, call.tree))
        except ExpressionError as error:
            raise StepFailure(ErrorClass.EXPRESSION, error.message, {"code": error.code}) from error
        if isinstance(rendered, AgentStep):
            self.prompts[call.path] = prompt_of(rendered, call.answer_fields)
        return rendered

    async def _take_time(self, step: Step, stub: Stub) -> None:
        if step.timeout is not None and stub.delay > step.timeout:
            await asyncio.sleep(step.timeout.total_seconds())
            message = f"it took longer than {step.timeout} and was ended"
            raise StepFailure(ErrorClass.TIMEOUT, message, {"timeout": str(step.timeout)})
        await asyncio.sleep(stub.delay.total_seconds())

    def _promised(self, step: Step, stub: Stub, tree: str | None) -> dict[str, JsonValue]:
        """Return references to the files that the step promises; one that nobody wrote is there, and empty."""
        found: dict[str, JsonValue] = {}
        for name, path in made_files(step, stub).items():
            reference = None if tree is None else file_at(self._store, tree, path)
            content = (stub.files.get(path) or "").encode()
            loose = file_reference(path.removeprefix("./"), self._store.write_blob(content), len(content))
            found[name] = loose if reference is None else reference
        return found

    def _declared(
        self,
        call: StepCall,
        step: Step,
        stub: Stub,
        own: dict[str, JsonValue],
        promised: Mapping[str, JsonValue],
        files: StoreFileReader,
    ) -> dict[str, JsonValue]:
        """Return the declared outputs: files, what the stub gives, else their templates over the step's own result.

        A template that finds nothing in a made-up result is null: there is no stub that could be wrong.
        """
        outputs: dict[str, JsonValue] = {}
        for name, declared in step.outputs.items():
            if is_file_output(step, declared):
                outputs[name] = promised[name]
            elif name not in stub.outputs:
                try:
                    outputs[name] = render_value(declared, own_scope(step, own, call.values), files)
                except ExpressionError as error:
                    if stub.outputs:
                        raise StepFailure(ErrorClass.EXPRESSION, error.message, {"code": error.code}) from error
                    outputs[name] = None
        return outputs

    def _spilled(self, value: JsonValue) -> JsonValue:
        size = json_size(value)
        return value if size <= INLINE_LIMIT else value_reference(self._store.write_blob(canonical_json(value)), size)

    async def evaluate(self, call: EvaluateCall) -> dict[str, JsonValue]:
        """Evaluate with the virtual files at hand. Raises `StepFailure`."""
        files = reader_of(self._store, call.tree)
        values: dict[str, JsonValue] = {}
        for name, expression in call.expressions.items():
            try:
                if name in call.conditions:
                    values[name] = evaluate_condition(parse_condition(str(expression)), call.values, files)
                else:
                    value = render_value(expression, call.values, files)
                    values[name] = self._spilled(value if name not in call.files else self._file(call, name, value))
            except ExpressionError as error:
                details: dict[str, JsonValue] = {"code": error.code, "expression": name}
                raise StepFailure(ErrorClass.EXPRESSION, error.message, details) from error
        return values

    def _file(self, call: EvaluateCall, name: str, path: JsonValue) -> JsonValue:
        found = None if call.tree is None else file_at(self._store, call.tree, str(path))
        if found is None:
            message = f"input `{name}`: the workspace has no file `{path}`"
            raise StepFailure(ErrorClass.EXPRESSION, message, {"code": "no-such-file"})
        return found

    async def merge(self, call: MergeCall) -> str:
        """Join the virtual trees. Raises `StepFailure` naming the paths."""
        try:
            return merge(self._store.as_store, call.base, call.branches, texts=call.texts)
        except StepFailure as failure:
            raise step_failure(error_of(failure, call.path)) from failure

    async def items(self, call: ItemsCall) -> Items:
        """Freeze or read a big collection. Raises `StepFailure`."""
        return items_now(self._store.as_store, call)

    async def call_activity(self, call: ActivityCall, step: ActivityStep) -> JsonValue:
        """Answer from the stub's output `result`. Raises `StepFailure`."""
        stub = stub_at(self._case.stubs_at(call.path), call.attempt)
        await self._take_time(step, stub)
        failure = failure_of(step, stub)
        if failure is not None:
            raise failure
        return stub.outputs.get("result")

    async def start_run(self, call: StartRunCall) -> None:
        """Do nothing: a run of its own is nobody's concern here."""

    async def signal(self, name: str, deadline: datetime | None, summary: str) -> Signal | None:
        """Let the signal come as the case says; without one the time passes, or nothing ever happens."""
        said = None if name in self._taken else self._case.signals.get(name)
        moment = None if said is None else self._start + said.after
        if said is not None and moment is not None and (deadline is None or moment <= deadline):
            self._taken.add(name)
            await self.sleep_until(moment, summary)
            return Signal(name=name, payload=said.payload, received_at=moment)
        if deadline is None:
            await asyncio.Event().wait()
        else:
            await self.sleep_until(deadline, summary)
        return None

    async def resumption(self, path: str) -> Resumption:
        """Let a person resume as the case says; without one nothing ever happens."""
        told = self._case.resumptions.get(path) or self._case.resumptions.get(declared_path(path)) or []
        number = self._resumed.get(path, 0)
        self._resumed[path] = number + 1
        if number >= len(told):
            await asyncio.Event().wait()
        await asyncio.sleep(told[number].after.total_seconds())
        return Resumption(action=told[number].action, by=told[number].by)

    # --- gates --------------------------------------------------------------------------------------

    async def decision(self, gate: Gate) -> Decision | None:
        """Let people decide as the case says; without a decision the gate's time passes, or nothing ever happens."""
        for said in self._decisions(gate.gate):
            moment = gate.opened_at + said.after
            if gate.deadline is not None and moment > gate.deadline:
                break
            await self.sleep_until(moment, gate.gate)
            self._decide(gate, said)
            if (found := accepted_decision(self._book, gate)) is not None:
                return found
        if gate.deadline is None:
            await asyncio.Event().wait()
        else:
            await self.sleep_until(gate.deadline, gate.gate)
        return None

    def _decisions(self, path: str) -> tuple[CaseDecision, ...]:
        """Return what is still to be said at a gate; the last of a list is said again at later openings."""
        written = self._case.decisions_at(path)
        used = min(self._said.get(declared_path(path), 0), max(len(written) - 1, 0))
        return written[used:]

    def _decide(self, gate: Gate, said: CaseDecision) -> None:
        key = declared_path(gate.gate)
        self._said[key] = self._said.get(key, 0) + 1
        message = Decide(
            gate=gate.gate,
            verdict=said.verdict,
            by=said.by,
            groups=said.groups,
            comment=said.comment,
            form=said.form,
            decision_id=f"{key}-{self._said[key]}",
        )
        try:
            take(self._book, message, self._case.starter, self.now())
        except Refusal:
            return  # as a message that the run refuses at once: nothing happened
