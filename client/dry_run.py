"""What a run would do, with nothing started and no server asked: the cache answers, everything else is told.

The definition is frozen as a worker would freeze it, and the interpreter walks it over the cache as far as that goes.
What lies behind a step that would run is told from the definition alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from definitions.durations import format_duration
from definitions.routes import handlers
from definitions.steps import ActivityStep, AgentStep, ApprovalStep, GroupStep, Step, WaitStep, WorkflowStep

if TYPE_CHECKING:
    from activities.store.interface import Store
    from client.starting import Request
    from definitions.models import Definition
    from definitions.records import StepRecord
    from workflows.ledger import Book

Verdict = Literal[
    "cached", "computed", "skipped", "fails", "runs", "asks", "waits", "calls", "starts", "computes", "opens"
]


@dataclass(frozen=True, slots=True)
class Row:
    """A step, and what would become of it."""

    path: str
    type: str
    verdict: Verdict
    text: str


async def dry_run(store: Store, request: Request, *, is_embedded: bool) -> list[Row]:
    """Return what would become of each step. Raises ApplicationError where the worker would refuse the run."""
    from temporalio.client import Client

    from activities.definition_sources import DefinitionPolicy
    from activities.fast_forward import FastForward
    from activities.prepare import Preparation
    from activities.registry import built_in_executors
    from activities.run_step import StepRunner
    from activities.workspace.checkouts import Checkouts
    from client.starting import input_of
    from definitions.messages import PrepareCall

    with tempfile.TemporaryDirectory(prefix="perdure-dry-run-") as folder:
        scratch = Path(folder)
        runner = StepRunner(store, Checkouts(scratch / "checkouts", store), scratch, built_in_executors())
        forward = FastForward(store, runner)
        policy = DefinitionPolicy(allows_inline=True, allows_paths=is_embedded, git=("https", "ssh"))
        nobody = await Client.connect("127.0.0.1:1", lazy=True)  # never asked: a dry run takes nothing up
        preparation = Preparation(store, nobody, policy, forward, scratch)
        now = datetime.now(UTC)
        call = PrepareCall(
            execution_id="dry-run",
            request=await input_of(lambda: store, request, is_embedded=is_embedded),
            started_at=now,
        )
        prepared, resolved, _ = await preparation.freeze(call)
        book = await forward.walk(prepared, resolved.definition, now)
    return list(_rows(resolved.definition.steps, "", book, resolved.parts))


def _rows(steps: Sequence[Step], prefix: str, book: Book, library: Mapping[str, Definition]) -> Iterator[Row]:
    by_jump_only = handlers(steps)
    for step in steps:
        path = prefix + step.id
        yield _row(step, path, book, is_handler=step.id in by_jump_only)
        if isinstance(step, GroupStep):
            yield from _rows(step.steps, f"{path}/", book, library)
        elif isinstance(step, WorkflowStep) and not step.detach and step.definition in library:
            yield from _rows(library[step.definition].steps, f"{path}/", book, library)


def _row(step: Step, path: str, book: Book, *, is_handler: bool) -> Row:
    record = book.get(path)
    if record is not None and record.status in ("completed", "skipped", "failed"):
        return Row(path, step.type, *_ended(record))
    verdict, text = _to_do(step)
    remarks = [text, *_remarks(step, path, record, book)]
    if is_handler:
        remarks.append("only when a step fails into it")
    elif record is None and step.when is not None:
        remarks.append(f"if {step.when.strip()}")
    return Row(path, step.type, verdict, ", ".join(remarks))


def _ended(record: StepRecord) -> tuple[Verdict, str]:
    if record.status == "skipped":
        return "skipped", f"skipped: {record.reason}"
    if record.status == "failed":
        said = "" if record.error is None else f": {record.error.type}: {record.error.message}"
        return "fails", f"fails{said}"
    return ("cached", "from the cache") if record.cached else ("computed", "known already")


def _to_do(step: Step) -> tuple[Verdict, str]:
    match step:
        case ApprovalStep():
            return "asks", "asks for a decision"
        case WaitStep():
            return "waits", _wait(step)
        case ActivityStep():
            return "calls", f"calls the activity {step.activity}"
        case WorkflowStep():
            verb = "starts a run of" if step.detach else "runs"
            return ("starts" if step.detach else "opens"), f"{verb} {step.definition}"
        case GroupStep():
            return "opens", {"sequential": "in order", "parallel": "side by side", "race": "until one is done"}[
                step.mode
            ]
        case AgentStep():
            return "runs", "runs" + ("" if step.provider is None else f" by {step.provider}")
        case _:
            return ("runs", "runs") if step.queue != "none" else ("computes", "is computed")


def _wait(step: WaitStep) -> str:
    if step.signal is not None:
        limit = "" if step.timeout is None else f", at most {format_duration(step.timeout)}"
        return f"waits for the signal {step.signal}{limit}"
    return f"waits until {step.until}" if step.until is not None else f"waits {step.duration}"


def _remarks(step: Step, path: str, record: StepRecord | None, book: Book) -> Iterator[str]:
    if step.is_cached and record is None:
        yield "unless it is in the cache then"
    elif step.is_cached:
        yield "not in the cache"
    if step.for_each is not None:
        items = None if record is None else record.items
        if items is None:
            yield "for each item"
        else:
            done = sum(
                1 for key in book.records if key.startswith(f"{path}[") and key.endswith("]") and _is_done(book, key)
            )
            yield f"for {len(items.keys)} items" + (f", {done} known already" if done else "")
    if step.loop is not None:
        yield f"at most {step.loop.max_iterations} passes"
    if step.approval is not None:
        yield "asks before"
    if step.accept is not None:
        yield "asks after"


def _is_done(book: Book, path: str) -> bool:
    record = book.get(path)
    return record is not None and record.status == "completed"
