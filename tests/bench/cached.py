"""Benchmarks of the cache: `python -m tests.bench.cached [ROUNDS]`.

A wholly cached run of twenty steps from the command to its exit, beside a command that asks for help; a cached step
in fast-forward; a look-up, hit and miss in turn, on the store at `PERDURE_BENCH_STORE` (absent: a folder).
"""

import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from activities.cache.keys import cache_key
from activities.cache.lookup import Hit, look_up
from activities.cache.records import Producer
from activities.cache.saving import save
from activities.fast_forward import FastForward
from activities.registry import built_in_executors
from activities.reruns import recorded_report
from activities.run_step import StepRunner
from activities.store.interface import Store
from activities.store.opening import open_store
from activities.workspace.checkouts import Checkouts
from definitions.models import Definition

STEPS = 20
COMMAND = [sys.executable, "-c", "from client.cli import main; main()"]
TEXT = "name: twenty\nsteps:\n" + "".join(
    f"  - {{id: s{n}, type: shell, command: 'echo {n} > f{n}', cache: {{inputs: [src]}}}}\n" for n in range(STEPS)
)


def say(what: str, figure: str) -> None:
    """Print a line of the table, in Markdown."""
    print(f"| {what:<56} | {figure:<60} |", flush=True)  # noqa: T201


def seconds(work: Callable[[], object]) -> float:
    """Return how long something takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def summed(times: list[float], unit: float = 1000, name: str = "ms") -> str:
    """Return median and 95th percentile."""
    ordered = sorted(times)
    p95 = ordered[min(len(ordered) - 1, round(len(ordered) * 0.95))]
    return f"{statistics.median(times) * unit:.2f} {name}, p95 {p95 * unit:.2f} {name}, best {ordered[0] * unit:.2f}"


def command_line(folder: Path, rounds: int) -> None:
    """Measure the command, and what a step costs in fast-forward."""
    home = folder / "home"
    environment = {**os.environ, "PERDURE_HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[2])}
    environment |= {"PYTHONPYCACHEPREFIX": str(folder / "pyc")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed Perdure has its bytecode
    work = folder / "work"
    (work / "src").mkdir(parents=True)
    (work / "src/a").write_text("1")
    (work / "twenty.yaml").write_text(TEXT)

    def perdure(*arguments: str) -> None:
        subprocess.run([*COMMAND, *arguments], cwd=work, env=environment, check=True, capture_output=True)

    try:
        for _ in range(2):
            perdure("run", "./twenty.yaml")
        perdure("run", "./twenty.yaml", "--id", "cached")
        runs, helps = [], []
        for _ in range(rounds):
            runs.append(seconds(lambda: perdure("run", "./twenty.yaml")))
            helps.append(seconds(lambda: perdure("--help")))
    finally:
        perdure("dev", "stop")
    say("a wholly cached run of 20 steps, command to exit", summed(runs, 1, "s"))
    say("`perdure --help`, in turn with it", summed(helps, 1, "s"))
    asyncio.run(fast_forward(open_store(home / "store"), folder, rounds))


async def fast_forward(store: Store, folder: Path, rounds: int) -> None:
    """Measure a cached step in fast-forward."""
    report = recorded_report(store, "cached")
    assert report is not None
    assert report.prepared is not None
    definition = Definition.model_validate(report.prepared.definition)
    runner = StepRunner(store, Checkouts(folder / "checkouts", store), folder, built_in_executors())
    forward = FastForward(store, runner)
    times: list[float] = []
    for _ in range(rounds * 3):
        begun = time.perf_counter()
        book = await forward.walk(report.prepared, definition, datetime.now(UTC))
        times.append((time.perf_counter() - begun) / STEPS)
        assert sum(record.cached for record in book.records.values()) == STEPS
    say("a cached step after fast-forward", summed(times[1:]))


def look_ups(store: Store, rounds: int) -> None:
    """Measure look-ups; each hit has an output in a file of its own."""
    hits, misses = [], []
    mark = os.urandom(4).hex()
    keys = [cache_key({"type": "shell", "command": f"{mark} {number}"}) for number in range(rounds * 20)]
    for number, key in enumerate(keys):
        producer = Producer(execution_id="bench", definition_id="bench", path=f"s{number}")
        digest = store.write_blob(f"{mark} {number}".encode())
        artifact = {"$file": "f", "digest": digest, "size": 9}
        moment = datetime.now(UTC)
        save(
            store,
            key,
            before=None,
            after=None,
            outputs={},
            artifacts={"f": artifact},
            produced_by=producer,
            created_at=moment,
        )
    for key in keys:
        other = cache_key({"type": "shell", "command": f"no {key.digest}"})
        hits.append(seconds(lambda key=key: look_up(store, key, None)))
        misses.append(seconds(lambda other=other: look_up(store, other, None)))
        assert isinstance(look_up(store, key, None), Hit)
    say(f"look-up, a hit, {store.location[:30]}", summed(hits))
    say(f"look-up, a miss, {store.location[:30]}", summed(misses))


def main() -> None:
    """Measure all."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    say("what", f"measured (load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores)")
    say("---", "---")
    with tempfile.TemporaryDirectory(prefix="perdure-bench-") as name:
        folder = Path(name)
        look_ups(open_store(os.environ.get("PERDURE_BENCH_STORE") or folder / "store"), rounds)
        with contextlib.suppress(KeyboardInterrupt):
            command_line(folder, rounds)


if __name__ == "__main__":
    main()
