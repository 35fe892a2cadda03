"""What a shell step costs in processor time: ours, its processes', the server's; by hand and as a definition.

`python -m tests.bench.cost [RUNS STEPS]`: with more than one run these go side by side.

Wall time on a busy machine says little; the processor's time is what is left when everything waits for it. The time
of the step's own processes is that of those that were waited for; in a namespace they are its first process's
children, whose time the kernel adds up all the same.
"""

import asyncio
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.bench.baseline import SequentialByHand
from tests.bench.stage import BINARY, Stage, sequence, stage

ROUNDS = int(os.environ.get("PERDURE_BENCH_ROUNDS", "5"))


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds."""

    wall: float
    worker: float
    processes: float
    server: float


def now(server: psutil.Process) -> Cost:
    """Return what was spent so far."""
    own, below, theirs = (
        resource.getrusage(resource.RUSAGE_SELF),
        resource.getrusage(resource.RUSAGE_CHILDREN),
        server.cpu_times(),
    )
    return Cost(
        time.perf_counter(),
        own.ru_utime + own.ru_stime,
        below.ru_utime + below.ru_stime,
        theirs.user + theirs.system,
    )


async def spent(server: psutil.Process, run: Callable[[], Awaitable[object]]) -> Cost:
    """Return what a call costs."""
    before = now(server)
    await run()
    after = now(server)
    return Cost(
        after.wall - before.wall,
        after.worker - before.worker,
        after.processes - before.processes,
        after.server - before.server,
    )


def arms(scene: Stage, runs: int, steps: int) -> dict[str, Callable[[], Awaitable[object]]]:
    """Return the two sides."""
    return {
        "by hand": lambda: asyncio.gather(
            *[scene.by_hand(SequentialByHand, steps, "shell_by_hand") for _ in range(runs)]
        ),
        "Perdure": lambda: asyncio.gather(*[scene.ours(sequence(steps)) for _ in range(runs)]),
    }


async def main(runs: int, steps: int) -> None:
    """Measure both sides in turn, after a round that does not count; print the medians of a step."""
    with tempfile.TemporaryDirectory(prefix="perdure-cost-") as name:
        async with stage(Path(name), tuned=True) as scene:
            server = server_process()
            costs: dict[str, list[Cost]] = {}
            for number in range(ROUNDS + 1):
                for arm, run in arms(scene, runs, steps).items():
                    cost = await spent(server, run)
                    if number:
                        costs.setdefault(arm, []).append(cost)
            for arm, found in costs.items():
                say(arm, found, runs * steps)


def server_process() -> psutil.Process:
    """Return the server that this process has started."""
    return next(child for child in psutil.Process().children() if child.exe() == os.path.realpath(BINARY))


def say(arm: str, costs: list[Cost], steps: int) -> None:
    """Print what a step costs in milliseconds."""
    figures = {
        field: statistics.median(getattr(cost, field) for cost in costs) * 1000 / steps for field in Cost.__slots__
    }
    shown = "  ".join(f"{field} {figure:6.2f}" for field, figure in figures.items())
    processor = sum(figure for field, figure in figures.items() if field != "wall")
    print(f"{arm:<8} ms a step: {shown}  processor together {processor:6.2f}", flush=True)  # noqa: T201


if __name__ == "__main__":
    counts = [int(argument) for argument in sys.argv[1:]] or [1, 100]
    asyncio.run(main(*counts))
    sys.stdout.flush()
    os._exit(0)  # the SDK's core can abort at interpreter exit
