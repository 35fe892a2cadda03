"""How the steps of one list follow each other: in order with jumps, side by side, as a race, or by what they need.

A list hands a tree of files on. In order, each step starts from the tree of the one before; with `needs`, from
the join of its needs' trees. The first failure that stops a list cancels what still runs in it, in declared
order, and waits until it is gone; the error is that of the first in declared order among those that failed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from definitions.errors import StepFailure
from definitions.records import StepError
from definitions.routes import handlers
from definitions.steps import Step
from workflows import starts
from workflows.failures import step_failure
from workflows.frames import Frame
from workflows.joins import join, side_by_side
from workflows.ledger import ENDED_STEP
from workflows.places import END, RunFailed, Visit

if TYPE_CHECKING:
    from workflows.interpreter import Interpreter


async def run_list(interpreter: Interpreter, steps: Sequence[Step], frame: Frame, tree: str | None) -> str | None:
    """Run a list to its end; return the tree after it. Raises StepFailure or RunFailed."""
    if any(step.needs is not None for step in steps):
        return await _by_needs(interpreter, steps, frame, tree)
    return await _in_order(interpreter, steps, frame, tree)


async def run_branches(
    interpreter: Interpreter, steps: Sequence[Step], frame: Frame, tree: str | None
) -> dict[str, str | None]:
    """Run steps side by side, each from the same tree; return the trees after, by id, in declared order."""
    ends: dict[str, Visit] = {}

    async def branch(step: Step) -> bool:
        ends[step.id] = await interpreter.visit(step, frame, tree)
        return True

    await side_by_side([lambda step=step: branch(step) for step in steps])
    return {step.id: ends[step.id].tree for step in steps}


async def run_race(
    interpreter: Interpreter, steps: Sequence[Step], frame: Frame, tree: str | None, path: str
) -> str | None:
    """Run steps side by side until the first has completed; return its tree. The others are cancelled and gone.

    Raises StepFailure where none completed and one failed, with the error of the first in declared order.
    """
    known = interpreter.book.get(path)
    if known is not None and known.winner is not None:
        return _won(interpreter, steps, frame, known.winner, tree)
    await interpreter.host.may_start(is_race=True)
    ends: dict[int, Visit] = {}
    failures: dict[int, StepFailure | RunFailed] = {}
    news = asyncio.Event()

    async def branch(number: int, step: Step) -> None:
        try:
            visit = ends[number] = await interpreter.visit(step, frame, tree)
            if visit.record.status == "failed" and visit.record.error is not None:
                failures[number] = step_failure(visit.record.error)
        except (StepFailure, RunFailed) as failure:
            failures[number] = failure
        finally:
            news.set()

    tasks = [asyncio.create_task(branch(number, step)) for number, step in enumerate(steps)]
    try:
        winner = await _first_completed(tasks, ends, failures, news)
        if winner is not None:
            interpreter.book.update(path, winner=steps[winner].id)
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    defects = [result for result in results if isinstance(result, Exception)]
    if defects:
        raise defects[0]
    if winner is None and failures:
        raise failures[min(failures)]
    return tree if winner is None else ends[winner].tree


def _won(interpreter: Interpreter, steps: Sequence[Step], frame: Frame, winner: str, tree: str | None) -> str | None:
    """Return the tree of a race that was decided before the run went on in another history."""
    for step in steps:
        _end_loser(interpreter, frame.prefix + step.id)
    record = interpreter.book.get(frame.prefix + winner)
    return tree if record is None or record.tree is None else record.tree


def _end_loser(interpreter: Interpreter, path: str) -> None:
    """Record as cancelled what the winner was to end, where that was still open when the run went on elsewhere."""
    for inside, record in [*interpreter.book.below(path), (path, interpreter.book.get(path))]:
        if record is not None and record.status not in ENDED_STEP:
            interpreter.cancel(inside)


async def _first_completed(
    tasks: Sequence[asyncio.Task[None]],
    ends: dict[int, Visit],
    failures: dict[int, StepFailure | RunFailed],
    news: asyncio.Event,
) -> int | None:
    """Return the number of the first branch that completed, ties by declared order; None where none did.

    Raises RunFailed where a branch fails the run before.
    """
    while True:
        completed = [number for number, visit in ends.items() if visit.record.status == "completed"]
        if completed:
            return min(completed)
        for failure in failures.values():
            if isinstance(failure, RunFailed):
                raise failure
        if all(task.done() for task in tasks):
            return None
        await news.wait()
        news.clear()
        await asyncio.sleep(0)  # all that ended at the same moment count as equally early


async def _in_order(interpreter: Interpreter, steps: Sequence[Step], frame: Frame, tree: str | None) -> str | None:
    positions = {step.id: index for index, step in enumerate(steps)}
    by_jump_only = handlers(steps)
    taken: dict[str, StepError] = {}
    index, came_from = starts.enter(interpreter, steps, frame), None
    while index < len(steps):
        step = steps[index]
        if step.id in by_jump_only and came_from is None:
            index += 1
            continue
        visit = await interpreter.visit(step, frame, tree, entered_from=came_from)
        tree, came_from = visit.tree, None
        if visit.target is None and step.id in by_jump_only:
            if step.end == "failed" and step.id in taken:
                raise step_failure(taken[step.id])
            break
        if visit.target == END:
            break
        if visit.target is None:
            index += 1
            continue
        if visit.record.status == "failed" and visit.record.error is not None:
            taken[visit.target] = visit.record.error
        came_from = frame.path(step.id, frame.visits[step.id])
        index = positions[visit.target]
    return tree


async def _by_needs(interpreter: Interpreter, steps: Sequence[Step], frame: Frame, tree: str | None) -> str | None:
    needs = effective_needs(steps)
    ends: dict[str, Visit] = {}
    ended = {step.id: asyncio.Event() for step in steps}

    async def branch(step: Step) -> bool:
        for need in needs[step.id]:
            await ended[need].wait()
        trees = {need: ends[need].tree for need in needs[step.id]}
        start = await join(interpreter, frame.prefix + step.id, tree, trees)
        ends[step.id] = await interpreter.visit(step, frame, start, _blocked(step, ends))
        ended[step.id].set()
        return ends[step.id].target is None

    await side_by_side([lambda step=step: branch(step) for step in steps])
    needed = {need for step in steps if step.id in ends for need in needs[step.id]}
    last = {step.id: ends[step.id].tree for step in steps if step.id in ends and step.id not in needed}
    return await join(interpreter, frame.prefix + steps[-1].id, tree, last)


def effective_needs(steps: Sequence[Step]) -> dict[str, list[str]]:
    """Return what each step waits for: its `needs`, else the step before."""
    needs: dict[str, list[str]] = {}
    for before, step in zip([None, *steps], steps, strict=False):
        implied = [] if before is None else [before.id]
        needs[step.id] = implied if step.needs is None else list(step.needs)
    return needs


def _blocked(step: Step, ends: dict[str, Visit]) -> str | None:
    """Why a step must be skipped: a need that it names failed or was skipped (unless it asks `always()`)."""
    if step.needs is None or (step.when is not None and "always()" in step.when.replace(" ", "")):
        return None
    for need in step.needs:
        status = ends[need].record.status
        if status in ("failed", "skipped"):
            return f"`{need}`, which it needs, " + ("failed" if status == "failed" else "was skipped")
    return None
