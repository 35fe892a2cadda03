"""Branches side by side, and the join of what they changed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from definitions.errors import StepFailure
from definitions.records import MergeCall
from workflows.places import RunFailed

if TYPE_CHECKING:
    from workflows.interpreter import Interpreter


async def join(
    interpreter: Interpreter, path: str, base: str | None, branches: dict[str, str | None], *, texts: bool = False
) -> str | None:
    """Return the tree in which the branches' changes to `base` are together; `texts`: also inside of files."""
    changed = {name: tree for name, tree in branches.items() if tree is not None and tree != base}
    if base is None or not changed:
        return base
    if len(set(changed.values())) == 1:
        return next(iter(changed.values()))
    await interpreter.host.may_start()
    call = MergeCall(run=interpreter.journal.run, path=path, base=base, branches=changed, texts=texts)
    return await interpreter.host.merge(call)


async def side_by_side(branches: Sequence[Callable[[], Awaitable[bool]]]) -> None:
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
