"""How the steps of one list follow each other: in order, side by side, or as soon as what they need has ended.

A list hands a tree of files on. In order, each step starts from the tree of the one before; with `needs`, from
the join of its needs' trees. The first failure that stops a list cancels what still runs in it, in declared
order, and waits until it is gone; the error is that of the first in declared order among those that failed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from definitions.errors import StepFailure
from definitions.records import MergeCall
from definitions.steps import Step
from workflows.interpreter import Interpreter, Place, RunFailed, Visit


async def run_list(interpreter: Interpreter, steps: Sequence[Step], prefix: str, tree: str | None) -> str | None:
    """Run a list to its end; return the tree after it. Raises StepFailure or RunFailed."""
    if any(step.needs is not None for step in steps):
        return await _by_needs(interpreter, steps, prefix, tree)
    for step in steps:
        visit = await interpreter.visit(step, Place(prefix + step.id, tree))
        tree = visit.tree
        if not visit.goes_on:
            break
    return tree


async def run_branches(
    interpreter: Interpreter, steps: Sequence[Step], prefix: str, tree: str | None
) -> dict[str, str | None]:
    """Run steps side by side, each from the same tree; return the trees after, by id, in declared order."""
    ends: dict[str, Visit] = {}

    async def branch(step: Step) -> bool:
        ends[step.id] = await interpreter.visit(step, Place(prefix + step.id, tree))
        return True

    await _side_by_side([lambda step=step: branch(step) for step in steps])
    return {step.id: ends[step.id].tree for step in steps}


async def join(interpreter: Interpreter, path: str, base: str | None, branches: dict[str, str | None]) -> str | None:
    """Return the tree in which the branches' changes to `base` are together."""
    changed = {name: tree for name, tree in branches.items() if tree is not None and tree != base}
    if base is None or not changed:
        return base
    if len(set(changed.values())) == 1:
        return next(iter(changed.values()))
    await interpreter.host.may_start()
    return await interpreter.host.merge(MergeCall(run=interpreter.journal.run, path=path, base=base, branches=changed))


async def _by_needs(interpreter: Interpreter, steps: Sequence[Step], prefix: str, tree: str | None) -> str | None:
    needs = effective_needs(steps)
    ends: dict[str, Visit] = {}
    ended = {step.id: asyncio.Event() for step in steps}

    async def branch(step: Step) -> bool:
        for need in needs[step.id]:
            await ended[need].wait()
        trees = {need: ends[need].tree for need in needs[step.id]}
        start = await join(interpreter, prefix + step.id, tree, trees)
        ends[step.id] = await interpreter.visit(step, Place(prefix + step.id, start), _blocked(step, ends))
        ended[step.id].set()
        return ends[step.id].goes_on

    await _side_by_side([lambda step=step: branch(step) for step in steps])
    needed = {need for step in steps for need in needs[step.id]}
    last = {step.id: ends[step.id].tree for step in steps if step.id in ends and step.id not in needed}
    return await join(interpreter, prefix + steps[-1].id, tree, last)


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


async def _side_by_side(branches: Sequence[Callable[[], Awaitable[bool]]]) -> None:
    """Run branches at the same time; a failure, or a branch that gives False, cancels the others.

    Tasks are kept and cancelled in list order: sets would make another order on replay.
    """
    tasks: list[asyncio.Task[None]] = []
    failures: dict[int, StepFailure | RunFailed] = {}

    async def guarded(number: int, branch: Callable[[], Awaitable[bool]]) -> None:
        try:
            goes_on = await branch()
        except (StepFailure, RunFailed) as failure:
            failures[number] = failure
            goes_on = False
        if not goes_on:
            for other, task in enumerate(tasks):
                if other != number:
                    task.cancel()

    tasks.extend(asyncio.create_task(guarded(number, branch)) for number, branch in enumerate(branches))
    results = await asyncio.gather(*tasks, return_exceptions=True)
    if failures:
        raise failures[min(failures)]
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
            raise result
