"""What a cluster does in how much time: the figures of `perdure bench`.

Only runs of small definitions that every worker has (`definitions/catalog/measures`) are started, so nothing needs to
be set up and nothing is left but their histories. Both ends of each figure are seen from here: the way to the server
and back is part of it, as it is for everybody who uses the cluster.
"""

from __future__ import annotations

import asyncio
import secrets
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from client.controls import send_control
from client.starting import user_name
from definitions.messages import WORKFLOW_TYPE, Decide, RunInput

if TYPE_CHECKING:
    from temporalio.client import WorkflowHandle

    from client.connection import Connection

ONE, MANY, GATE = "perdure-measure-1", "perdure-measure-20", "perdure-measure-gate"
STEPS = 20
QUERIES = 100
OPEN_SECONDS = 30
"""How long a gate may take to open: without a worker it never does."""

Unit = Literal["ms", "runs/s", "steps/s"]


class Silent(Exception):
    """No worker took a run within `OPEN_SECONDS`."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing measured."""

    name: str
    unit: Unit
    median: float
    worst: float | None = None
    """The 95th percentile of the queries, the slowest of the rest; None where there is one measurement only."""
    count: int = 1
    """How many measurements it is made from."""


async def measure(connection: Connection, rounds: int, runs: int, tell: Callable[[str], None]) -> list[Figure]:
    """Return the figures of a cluster; `tell` hears what is measured now.

    Raises:
        Silent: no worker took the first run.
    """
    tell("a first run that does not count")
    gate = await _opened(connection)
    tell(f"runs of 1 and of {STEPS} steps, {rounds} of each in turn")
    ones, many = await _in_turn(connection, rounds)
    tell(f"{QUERIES} queries")
    queries = [await _seconds(lambda: gate.query("status")) for _ in range(QUERIES)]
    tell("decisions")
    decisions = [await _seconds(lambda: _decided(connection, gate))]
    for _ in range(rounds - 1):
        another = await _opened(connection)
        decisions.append(await _seconds(lambda another=another: _decided(connection, another)))
    tell(f"{runs} runs of {STEPS} steps at once")
    crowd = await _seconds(lambda: asyncio.gather(*[_run(connection, MANY) for _ in range(runs)]))
    each = [(more - one) / (STEPS - 1) for one, more in zip(ones, many, strict=True)]
    return [
        _milliseconds("a run of one step", ones),
        _milliseconds("each further step", each),
        _milliseconds("status query", queries, worst=sorted(queries)[int(0.95 * QUERIES)]),
        _milliseconds("from a decision to the end of its run", decisions),
        Figure(f"{runs} runs of {STEPS} steps at once", "steps/s", runs * STEPS / crowd, count=runs),
    ]


async def _opened(connection: Connection) -> WorkflowHandle[object, object]:
    """Return a run whose gate is open."""
    handle = await _start(connection, GATE)

    async def is_open() -> None:
        while not await handle.query("gates"):  # noqa: ASYNC110 - the server has nothing to wait for
            await asyncio.sleep(0.02)

    try:
        await asyncio.wait_for(is_open(), OPEN_SECONDS)
    except TimeoutError:
        await handle.terminate("perdure bench: no worker took it")
        raise Silent from None
    return handle


async def _decided(connection: Connection, handle: WorkflowHandle[object, object]) -> None:
    decision = Decide(gate="gate", verdict="approve", by=user_name(), comment="perdure bench")
    await send_control(connection, handle.id, "decide", decision)
    await handle.result()


async def _in_turn(connection: Connection, rounds: int) -> tuple[list[float], list[float]]:
    """Return the seconds of short and of long runs, one of each a round; the first round does not count."""
    ones: list[float] = []
    many: list[float] = []
    for _ in range(rounds + 1):
        ones.append(await _seconds(lambda: _run(connection, ONE)))
        many.append(await _seconds(lambda: _run(connection, MANY)))
    return ones[1:], many[1:]


async def _run(connection: Connection, definition: str) -> None:
    await (await _start(connection, definition)).result()


async def _start(connection: Connection, definition: str) -> WorkflowHandle[object, object]:
    request = RunInput(definition=definition, starter=user_name())
    return await connection.client.start_workflow(
        WORKFLOW_TYPE,
        request.model_dump(mode="json", exclude_defaults=True),
        id=f"{definition}-{secrets.token_hex(6)}",
        task_queue=connection.endpoint.task_queue,
    )


async def _seconds(work: Callable[[], Awaitable[object]]) -> float:
    begin = time.perf_counter()
    await work()
    return time.perf_counter() - begin


def _milliseconds(name: str, seconds: Sequence[float], worst: float | None = None) -> Figure:
    slowest = max(seconds) if worst is None else worst
    return Figure(name, "ms", statistics.median(seconds) * 1000, slowest * 1000, len(seconds))
