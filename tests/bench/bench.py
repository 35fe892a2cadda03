"""The benchmarks: both sides in turn in one run, medians, the ratio.

`make bench`, or `python -m tests.bench.bench NAME…` for some of them.
"""

import asyncio
import contextlib
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path

from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError

from definitions.messages import EventsQuery
from tests.bench.baseline import FanOutByHand, ParallelByHand, SequentialByHand
from tests.bench.stage import (
    BINARY,
    ELSEWHERE,
    Stage,
    history_length,
    in_turn,
    median_ms,
    percentile,
    sequence,
    stage,
    timed,
)

ROUNDS = int(os.environ.get("PERDURE_BENCH_ROUNDS", "7"))
STEPS = 20
GATE = {"name": "gate", "workspace": {"from": "none"}, "steps": [{"id": "ok", "type": "approval"}]}
PERDURE = [sys.executable, "-c", "from client.cli import main; main()"]


def say(name: str, figure: str, bound: str = "") -> None:
    """Print a line of the table, in Markdown."""
    print(f"| {name:<56} | {figure:<42} | {bound:<40} |", flush=True)  # noqa: T201


def say_where() -> None:
    """Print what the figures were measured on, and the table's head."""
    said = subprocess.run([BINARY, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{machine}, temporalio {version('temporalio')}, {said}, load {os.getloadavg()[0]:.1f}\n")  # noqa: T201
    say("what", "measured", "bound")
    say("---", "---", "---")


async def overhead(scene: Stage, server: str) -> None:
    """Twenty shell steps against the hand-written workflow on the same server."""
    times = await in_turn(
        ROUNDS,
        hand_1=lambda: scene.by_hand(SequentialByHand, 1, "shell_by_hand"),
        hand=lambda: scene.by_hand(SequentialByHand, STEPS, "shell_by_hand"),
        ours_1=lambda: scene.ours(sequence(1)),
        ours=lambda: scene.ours(sequence(STEPS)),
    )
    hand_1, hand, ours_1, ours = (median_ms(times[name]) for name in ("hand_1", "hand", "ours_1", "ours"))
    per_hand, per_ours = (hand - hand_1) / (STEPS - 1), (ours - ours_1) / (STEPS - 1)
    whole = f"hand {hand:.0f} ms, ours {ours:.0f} ms"
    say(
        f"{STEPS} shell steps, {server}: whole run",
        whole,
        f"{ours / hand:.2f} x; of one step: {hand_1:.0f}, {ours_1:.0f}",
    )
    each = f"hand {per_hand:.1f} ms, ours {per_ours:.1f} ms"
    say(f"each further shell step, {server}", each, f"{per_ours / per_hand:.2f} x (at most 1.10)")


def pure(count: int) -> dict:
    """Return a definition whose steps cost no event."""
    steps: list[dict] = []
    for number in range(count):
        steps.append({"id": f"v{number}", "type": "set", "values": {"x": f"{{{{ {number} + 1 }}}}"}})
        steps.append({"id": f"a{number}", "type": "assert", "condition": f"steps.v{number}.outputs.x == {number + 1}"})
        steps.append({"id": f"w{number}", "type": "set", "values": {"x": 1}, "when": "1 > 2"})
    return {"name": "pure", "workspace": {"from": "none"}, "steps": steps}


async def events(scene: Stage) -> None:
    """What a run costs in history."""
    runs = {count: await history_length(await scene.ours(sequence(count))) for count in (1, STEPS)}
    per_attempt = (runs[STEPS] - runs[1]) / (STEPS - 1)
    say("events per attempt", f"{per_attempt:.1f}", "at most 6")
    say("events besides", f"{runs[1] - per_attempt:.0f}", "at most 20")
    few, many = [await history_length(await scene.ours(pure(count))) for count in (1, 30)]
    say("events of 87 more set, assert and skipped steps", f"{many - few}", "0")


async def embedded(folder: Path) -> None:
    """The embedded default against the stock server with the hand-written workflow, servers started anew each round.

    Perdure's activity that does nothing much is an assertion over a file: `evaluate`, no process.
    """
    hand: dict[str, list[float]] = {}
    ours: dict[str, list[float]] = {}
    for number in range(ROUNDS):
        async with stage(folder / f"stock{number}", tuned=False) as stock:
            await stock.by_hand(SequentialByHand, STEPS, "shell_by_hand")
            await note_times(hand, arms_by_hand(stock))
        async with stage(folder / f"tuned{number}", tuned=True) as tuned:
            await tuned.ours(sequence(STEPS))
            await note_times(ours, arms_of_ours(tuned))
    for name, seconds in hand.items():
        slow, quick = statistics.median(seconds), statistics.median(ours[name])
        say(f"embedded, {name}", f"stock by hand {slow:.2f} s, ours {quick:.2f} s", f"{slow / quick:.1f} x faster")


Arms = dict[str, Callable[[], Awaitable[object]]]


async def note_times(times: dict[str, list[float]], arms: Arms) -> None:
    """Time each arm once."""
    for name, run in arms.items():
        times.setdefault(name, []).append(await timed(run))


def arms_by_hand(scene: Stage) -> Arms:
    """Return what the hand-written workflow does."""
    return {
        f"{STEPS} shell steps in a row (goal 3)": lambda: scene.by_hand(SequentialByHand, STEPS, "shell_by_hand"),
        "100 no-op activities at once (goal 5)": lambda: scene.by_hand(ParallelByHand, 100, "nothing_by_hand"),
        "50 runs at once of 10 no-ops (goal 2)": lambda: asyncio.gather(
            *[scene.by_hand(SequentialByHand, 10, "nothing_by_hand") for _ in range(50)]
        ),
        "50 runs at once of 10 shell steps": lambda: asyncio.gather(
            *[scene.by_hand(SequentialByHand, 10, "shell_by_hand") for _ in range(50)]
        ),
    }


def arms_of_ours(scene: Stage) -> Arms:
    """Return the same, as definitions."""
    fan = {"id": "g", "type": "group", "mode": "parallel", "merge": "outputs", "steps": no_ops(100)}
    return {
        f"{STEPS} shell steps in a row (goal 3)": lambda: scene.ours(sequence(STEPS)),
        "100 no-op activities at once (goal 5)": lambda: scene.ours(empty_run([fan])),
        "50 runs at once of 10 no-ops (goal 2)": lambda: asyncio.gather(
            *[scene.ours(empty_run(no_ops(10))) for _ in range(50)]
        ),
        "50 runs at once of 10 shell steps": lambda: asyncio.gather(*[scene.ours(sequence(10)) for _ in range(50)]),
    }


def no_ops(count: int) -> list[dict]:
    """Return steps that cost an activity and no process."""
    return [{"id": f"n{n}", "type": "assert", "condition": 'not file_exists("none")'} for n in range(count)]


def empty_run(steps: list[dict]) -> dict:
    """Return a definition of these steps over an empty workspace."""
    return {"name": "empty", "workspace": {"from": "empty"}, "steps": steps}


async def crowd(scene: Stage) -> None:
    """A hundred runs at once; queries and controls under load."""
    begin = time.perf_counter()
    handles = [await scene.start(sequence(10)) for _ in range(100)]
    results = await asyncio.gather(*[handle.result() for handle in handles])
    completed = sum(1 for result in results if result["status"] == "completed")
    say("100 runs at once of 10 steps", f"{completed} completed in {time.perf_counter() - begin:.1f} s", "all")


async def throughput(scene: Stage, server: str) -> None:
    """Two hundred runs at once of ten shell steps, by hand and as a definition, on the same server."""
    times = await in_turn(
        3,
        hand=lambda: asyncio.gather(*[scene.by_hand(SequentialByHand, 10, "shell_by_hand") for _ in range(200)]),
        ours=lambda: asyncio.gather(*[scene.ours(sequence(10)) for _ in range(200)]),
    )
    hand, ours = statistics.median(times["hand"]), statistics.median(times["ours"])
    figure = f"hand {2000 / hand:.0f}, ours {2000 / ours:.0f} steps/s"
    say(f"200 runs at once of 10 shell steps, {server}", figure, f"{hand / ours:.2f} of it (at least 0.9)")


async def fan_out(scene: Stage) -> None:
    """A thousand items at 50 side by side, the very same activity by hand and by a definition, at the same place.

    On the workflow's own queue the server hands some activities over with the answer to the workflow (eager), which
    saves it work; so a fan-out on the own queue is compared with one on the own queue, and elsewhere with elsewhere.
    """
    items = [str(number) for number in range(1000)]

    async def ours(**place: str) -> None:
        call = {"type": "activity", "activity": "nothing_by_hand", "arguments": ["{{ item }}"], **place}
        fan = {
            "name": "fan",
            "workspace": {"from": "none"},
            "inputs": {"items": {"type": "array"}},
            "steps": [{"id": "f", **call, "for_each": {"items": "{{ inputs.items }}", "concurrency": 50}}],
        }
        await (await scene.start(fan, inputs={"items": items})).result()

    times = await in_turn(
        ROUNDS,
        hand=lambda: scene.by_hand(FanOutByHand, 1000, 50),
        ours=ours,
        hand_elsewhere=lambda: scene.by_hand(FanOutByHand, 1000, 50, ELSEWHERE),
        ours_elsewhere=lambda: ours(task_queue=ELSEWHERE),
    )
    for place, end in (("on the own queue", ""), ("on another queue", "_elsewhere")):
        hand, by_definition = (statistics.median(times[arm + end]) for arm in ("hand", "ours"))
        ratio = statistics.median(
            one / other for one, other in zip(times["hand" + end], times["ours" + end], strict=True)
        )
        figure = f"hand {1000 / hand:.0f}, ours {1000 / by_definition:.0f} items/s"
        share = f"{hand / by_definition:.2f} of it, {ratio:.2f} round by round (at least 0.9)"
        say(f"1,000 items, 50 side by side, {place}", figure, share)


async def queries(scene: Stage) -> None:
    """The status query, idle and under 200 runs."""
    waiting = await scene.start(GATE)
    while not await waiting.query("gates"):
        await asyncio.sleep(0.05)
    idle = [await timed(lambda: waiting.query("status")) for _ in range(200)]
    say(
        "status query, idle",
        f"p50 {percentile(idle, 0.5):.1f} ms, p95 {percentile(idle, 0.95):.1f} ms",
        "p95 under 20 ms",
    )
    handles = [await scene.start(sequence(10, "sleep 0.2")) for _ in range(200)]
    loaded: list[float] = []
    while len(loaded) < 200:
        loaded.append(await timed(lambda: waiting.query("status")))
        await asyncio.sleep(0.02)
    say(
        "status query, 200 runs",
        f"p50 {percentile(loaded, 0.5):.1f} ms, p95 {percentile(loaded, 0.95):.1f} ms",
        "p95 under 100 ms",
    )
    await waiting.signal("decide", {"gate": "ok", "verdict": "approve", "by": "bench"})
    await asyncio.gather(*[handle.result() for handle in handles])


async def controls(scene: Stage) -> None:
    """Time from the command to its effect."""
    effects: dict[str, list[float]] = {"pause": [], "resume": [], "decide": [], "cancel": []}
    for _ in range(ROUNDS):
        await one_of_each(scene, effects)
    for name, seconds in effects.items():
        figure = f"median {median_ms(seconds):.0f} ms, worst {max(seconds) * 1000:.0f} ms"
        say(f"{name}: from the command to its effect", figure, "under 1 s")


async def one_of_each(scene: Stage, effects: dict[str, list[float]]) -> None:
    """Pause, resume and cancel a run of short steps, and decide at a gate; note the seconds."""
    handle = await scene.start(sequence(200, "sleep 0.05"))
    await events_after(handle, "step_completed", 0)
    effects["pause"].append(await timed(lambda: handle.execute_update("pause", {"by": "bench"})))
    last = len(await handle.query("events", EventsQuery(after=0, limit=5000)))
    effects["resume"].append(await timed(lambda: resumed(handle, last)))
    effects["cancel"].append(await timed(lambda: cancelled(handle)))
    gate = await scene.start(GATE)
    while not await gate.query("gates"):
        await asyncio.sleep(0.02)
    effects["decide"].append(await timed(lambda: decided(gate)))


async def events_after(handle, kind: str, after: int) -> None:
    """Wait for an event of a kind."""
    while True:
        found = await handle.query("events", EventsQuery(after=after, limit=5000))
        if any(event["type"] == kind for event in found):
            return
        await asyncio.sleep(0.01)


async def resumed(handle, last: int) -> None:
    """Resume and wait for a step to start."""
    await handle.execute_update("resume", {"by": "bench"})
    await events_after(handle, "step_started", last)


async def cancelled(handle) -> None:
    """Cancel and wait for the end."""
    await handle.signal("cancel", {"by": "bench"})
    with contextlib.suppress(WorkflowFailureError):
        await handle.result()
    state = (await handle.describe()).status
    assert state is WorkflowExecutionStatus.CANCELED, state


async def decided(handle) -> None:
    """Decide and wait for the end."""
    await handle.execute_update("decide", {"gate": "ok", "verdict": "approve", "by": "bench"})
    await handle.result()


def commands(folder: Path) -> None:
    """What the command costs before it does anything."""
    path = folder / "sixty.yaml"
    steps = "\n".join(f"  - {{id: s{n}, type: shell, command: 'echo {{{{ inputs.x }}}} {n}'}}" for n in range(60))
    path.write_text(f"name: sixty\ninputs: {{x: {{default: a}}}}\nsteps:\n{steps}\n")
    for name, arguments, bound in (
        ("--help", ["--help"], "under 150 ms"),
        ("validate, 60 steps", ["validate", str(path)], "under 300 ms"),
    ):
        seconds: list[float] = []
        for _ in range(ROUNDS):
            begin = time.perf_counter()
            subprocess.run([*PERDURE, *arguments], check=True, capture_output=True)
            seconds.append(time.perf_counter() - begin)
        say(f"perdure {name}", f"median {median_ms(seconds):.0f} ms", bound)


async def main(names: list[str]) -> None:
    """Run the named benchmarks, or all."""
    with tempfile.TemporaryDirectory(prefix="perdure-bench-") as name:
        folder = Path(name)
        wanted = names or [
            "commands",
            "events",
            "overhead",
            "overhead-stock",
            "crowd",
            "fan-out",
            "throughput",
            "throughput-stock",
            "queries",
            "controls",
            "embedded",
        ]
        say_where()
        if "commands" in wanted:
            commands(folder)
        async with stage(folder / "one", tuned=True) as scene:
            for kind, run in (
                ("events", events),
                ("crowd", crowd),
                ("fan-out", fan_out),
                ("queries", queries),
                ("controls", controls),
            ):
                if kind in wanted:
                    await run(scene)
            if "overhead" in wanted:
                await overhead(scene, "embedded server")
            if "throughput" in wanted:
                await throughput(scene, "embedded server")
        if not {"overhead-stock", "throughput-stock"}.isdisjoint(wanted):
            async with stage(folder / "two", tuned=False) as scene:
                if "overhead-stock" in wanted:
                    await overhead(scene, "stock server")
                if "throughput-stock" in wanted:
                    await throughput(scene, "stock server")
        if "embedded" in wanted:
            await embedded(folder)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
    sys.stdout.flush()
    os._exit(0)  # the SDK's core can abort at interpreter exit
