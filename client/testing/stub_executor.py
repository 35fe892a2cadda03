"""A stub as what runs a step: everything around it is the product's own (templates, files, outputs, cache key).

StubExecutor   answers every attempt from the stubs of a case
Overheard      lets another executor run the steps, and keeps the prompts
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from activities.executors.interface import Execution, Executor, Outcome
from activities.file_functions.reader import StoreFileReader
from activities.outputs import own_scope
from activities.workspace.manifest import load_manifest
from client.testing.prompts import prompt_of
from client.testing.stubbing import failure_of, is_file_output, made_files, own_outputs
from definitions.cases.models import Case, Stub, stub_at
from definitions.errors import ErrorClass, ExpressionError, StepFailure
from definitions.records import StepCall
from definitions.steps import AgentStep, Step
from definitions.templates import render_value


@dataclass(slots=True)
class Prompts:
    """The last prompt of each agent step, by path."""

    by_path: dict[str, str] = field(default_factory=dict[str, str])

    def note(self, execution: Execution) -> None:
        """Keep the prompt of an attempt."""
        if isinstance(execution.step, AgentStep):
            self.by_path[execution.call.path] = prompt_of(execution.step, execution.call.answer_fields)


@dataclass(frozen=True, slots=True)
class StubExecutor:
    """Answers attempts from a case; `activities.executors.interface.Executor`."""

    case: Case
    prompts: Prompts

    def stands_in(self, call: StepCall) -> bool:
        """Return that it always does: what a stubbed step fetches need not exist."""
        return True

    async def identity(self, execution: Execution) -> dict[str, JsonValue]:
        """Return what no other attempt has: a stub answers each time that it is asked."""
        call = execution.call
        return {"attempt": f"{call.run.execution_id} {call.path} {call.attempt}"}

    async def execute(self, execution: Execution) -> Outcome:
        """Answer. Raises `StepFailure`."""
        stub = stub_at(self.case.stubs_at(execution.call.path), execution.call.attempt)
        self.prompts.note(execution)
        if (failure := failure_of(execution.step, stub)) is not None:
            raise failure
        await asyncio.to_thread(_write, execution, stub)
        own = own_outputs(execution.step, stub)
        execution.step, own = _declaring(execution, stub, own)
        return Outcome(own)


@dataclass(frozen=True, slots=True)
class Overheard:
    """Runs attempts by another executor and keeps their prompts; a step that the case stubs is not run."""

    executor: Executor
    stubs: StubExecutor

    def stands_in(self, call: StepCall) -> bool:
        """Whether the case has a stub for the step; others need what they fetch."""
        return bool(self.stubs.case.stubs_at(call.path))

    async def identity(self, execution: Execution) -> dict[str, JsonValue]:
        """Return the other executor's."""
        if self._is_stubbed(execution):
            return await self.stubs.identity(execution)
        return await self.executor.identity(execution)

    async def execute(self, execution: Execution) -> Outcome:
        """Run it."""
        if self._is_stubbed(execution):
            return await self.stubs.execute(execution)
        self.stubs.prompts.note(execution)
        return await self.executor.execute(execution)

    def _is_stubbed(self, execution: Execution) -> bool:
        """Whether the stub answers itself; an agent's goes through the scripted provider, as an agent's answer."""
        is_agent = isinstance(execution.step, AgentStep)
        return not is_agent and bool(self.stubs.case.stubs_at(execution.call.path))


def _write(execution: Execution, stub: Stub) -> None:
    """Write what the stub writes, and empty files for what the step promises and nobody wrote."""
    root = execution.workspace.resolve()
    promised: Mapping[str, str | None] = dict.fromkeys(made_files(execution.step, stub).values(), "")
    for path, content in {**promised, **stub.files}.items():
        target = root / path
        if not target.resolve().is_relative_to(root) or target == root:
            raise StepFailure(ErrorClass.WORKSPACE, f"`{path[:200]}` is not a path inside the workspace")
        if content is None:
            target.unlink(missing_ok=True)
        elif path in stub.files or not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content, encoding="utf-8")


def _declaring(execution: Execution, stub: Stub, own: dict[str, JsonValue]) -> tuple[Step, dict[str, JsonValue]]:
    """Return the step with the declared outputs that are still to be made, and the step's own.

    What the stub gives is not made. A template that finds nothing in a made-up result is null.
    """
    step, found = execution.step, dict(own)
    outputs: dict[str, JsonValue] = {}
    for name, declared in step.outputs.items():
        if is_file_output(step, declared):
            outputs[name] = made_files(step, stub)[name]
        elif name in stub.outputs:
            continue
        elif stub.outputs or _can_be_made(execution, own, declared):
            outputs[name] = declared
        else:
            found[name] = None
    return step.model_copy(update={"outputs": outputs}), found


def _can_be_made(execution: Execution, own: dict[str, JsonValue], declared: JsonValue) -> bool:
    tree = execution.call.tree
    files = StoreFileReader(execution.store, None if tree is None else load_manifest(execution.store, tree))
    try:
        render_value(declared, own_scope(execution.step, own, execution.call.values), files)
    except ExpressionError:
        return False
    return True
