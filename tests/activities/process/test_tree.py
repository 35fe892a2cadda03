"""Nothing is left of a tree: after its end, a timeout, a cancel, the death of the worker."""

import asyncio
import os
import signal
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import pytest

from activities.process import process_table
from activities.process.isolation import Isolation, probe
from activities.process.running import run_process
from activities.process.strays import sweep
from activities.process.tree import ProcessExit
from tests.activities.process.conftest import ENVIRONMENT, Mark, until

FLIGHTS = {
    "setsid": "setsid sleep {0} &",
    "nohup": "nohup sleep {0} >nohup.log 2>&1 &",
    "double fork": "(setsid bash -c 'sleep {0} & disown' &)",
    "ignoring signals": "(trap '' TERM INT HUP; sleep {0}; sleep {0}; sleep {0}) &",
    "closed streams": "setsid sleep {0} <&- >&- 2>&- &",
    "stopped": "sleep {0} & kill -STOP $!",
}


def flights(mark: Mark) -> str:
    return "\n".join(script.format(mark.seconds) for script in FLIGHTS.values())


@pytest.mark.parametrize("flight", FLIGHTS)
async def test_children_are_gone_when_the_program_has_ended(
    tmp_path: Path, mark: Mark, isolation: Isolation, flight: str
) -> None:
    script = FLIGHTS[flight].format(mark.seconds) + "\nsleep 0.1; exit 4"
    ended = await run_process(["bash", "-c", script], cwd=tmp_path, env=ENVIRONMENT, isolation=isolation)
    assert (ended.code, mark.sleepers()) == (4, [])


async def test_the_whole_tree_is_gone_after_a_timeout(tmp_path: Path, mark: Mark, isolation: Isolation) -> None:
    script = f"trap '' TERM; {flights(mark)}\nwhile :; do sleep {mark.seconds}; done"
    started = time.monotonic()
    ended = await run_process(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=ENVIRONMENT,
        timeout=timedelta(seconds=0.4),
        grace=timedelta(seconds=0.2),
        isolation=isolation,
    )
    assert (ended, mark.sleepers()) == (ProcessExit(None, signal.SIGKILL, timed_out=True), [])
    assert time.monotonic() - started < 5


async def test_a_program_may_end_by_itself_within_the_grace(tmp_path: Path, isolation: Isolation) -> None:
    script = "trap 'echo bye; exit 9' TERM; while :; do sleep 0.02; done"
    stdout = bytearray()
    ended = await run_process(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=ENVIRONMENT,
        on_stdout=stdout.extend,
        timeout=timedelta(seconds=0.3),
        isolation=isolation,
    )
    assert (ended, bytes(stdout)) == (ProcessExit(9, None, timed_out=True), b"bye\n")


async def test_the_first_signal_is_the_one_asked_for(tmp_path: Path, isolation: Isolation) -> None:
    script = "trap 'exit 21' INT; trap 'exit 22' TERM; while :; do sleep 0.02; done"
    ended = await run_process(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=ENVIRONMENT,
        timeout=timedelta(seconds=0.3),
        first_signal=signal.SIGINT,
        isolation=isolation,
    )
    assert ended.code == 21


async def start(script: str, folder: Path, mark: Mark, isolation: Isolation) -> "asyncio.Task[ProcessExit]":
    running = asyncio.create_task(
        run_process(
            ["bash", "-c", script], cwd=folder, env=ENVIRONMENT, grace=timedelta(seconds=0.2), isolation=isolation
        )
    )
    await until(lambda: (folder / "ready").exists() and mark.sleepers(), "the program runs")
    return running


async def test_the_tree_is_gone_before_a_cancel_is_raised(tmp_path: Path, mark: Mark, isolation: Isolation) -> None:
    script = f"trap '' TERM; {flights(mark)}\ntouch ready; sleep {mark.seconds}"
    running = await start(script, tmp_path, mark, isolation)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert mark.sleepers() == []


async def test_a_second_cancel_does_not_stop_the_cleaning_up(tmp_path: Path, mark: Mark, isolation: Isolation) -> None:
    running = await start(f"trap '' TERM; touch ready; sleep {mark.seconds}; sleep 9", tmp_path, mark, isolation)
    for _ in range(5):
        running.cancel()
        await asyncio.sleep(0.02)
    with pytest.raises(asyncio.CancelledError):
        await running
    assert mark.sleepers() == []


async def test_nothing_is_left_when_cancelled_at_any_moment_of_the_start(
    tmp_path: Path, mark: Mark, isolation: Isolation
) -> None:
    for turns in range(24):
        running = asyncio.create_task(
            run_process(
                ["sleep", mark.seconds],
                cwd=tmp_path,
                env=ENVIRONMENT,
                grace=timedelta(seconds=0.05),
                isolation=isolation,
            )
        )
        for _ in range(turns):
            await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert mark.sleepers() == []


async def test_a_child_that_holds_the_output_does_not_hold_the_caller(
    tmp_path: Path, mark: Mark, isolation: Isolation
) -> None:
    started = time.monotonic()
    stdout = bytearray()
    ended = await run_process(
        ["bash", "-c", f"sleep {mark.seconds} & echo done"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        on_stdout=stdout.extend,
        isolation=isolation,
    )
    assert (ended.code, bytes(stdout), mark.sleepers()) == (0, b"done\n", [])
    assert time.monotonic() - started < 3


async def test_a_child_that_ends_soon_after_the_program_is_waited_for_no_longer(
    tmp_path: Path, isolation: Isolation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.process.tree._QUIET", 20.0)
    started = time.monotonic()
    await run_process(["bash", "-c", "sleep 0.2 & sleep 0.1 &"], cwd=tmp_path, env=ENVIRONMENT, isolation=isolation)
    assert time.monotonic() - started < 8


async def test_a_child_that_prints_for_ever_is_ended(
    tmp_path: Path, mark: Mark, isolation: Isolation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.process.tree._LONGEST_LINGER", 0.5)
    script = f"(while :; do echo x; sleep 0.01 {mark.seconds}e-12; done) &"
    started = time.monotonic()
    ended = await run_process(["bash", "-c", script], cwd=tmp_path, env=ENVIRONMENT, isolation=isolation)
    assert ended.code == 0
    assert time.monotonic() - started < 4


async def test_a_script_that_signals_its_own_group_ends_as_without_us(tmp_path: Path, isolation: Isolation) -> None:
    ended = await run_process(
        ["bash", "-c", "trap 'exit 5' TERM; sleep 30 & kill 0; wait"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        isolation=isolation,
    )
    assert ended.code == 5


async def test_a_program_that_kills_everything_it_sees_reaches_nothing_of_ours(tmp_path: Path, mark: Mark) -> None:
    script = f"{flights(mark)}\nsleep 0.1; kill -KILL -1; kill -KILL 1; exit 6"
    ended = await run_process(["bash", "-c", script], cwd=tmp_path, env=ENVIRONMENT, isolation=probe())
    assert (ended.code, mark.sleepers()) == (6, [])


async def test_a_program_that_kills_its_own_group_leaves_nothing(tmp_path: Path, mark: Mark) -> None:
    script = f"{flights(mark)}\nsleep 0.1; kill -KILL 0"  # `unshare` is in that group
    ended = await run_process(["bash", "-c", script], cwd=tmp_path, env=ENVIRONMENT, isolation=probe())
    assert ended.signal == signal.SIGKILL
    await until(lambda: not mark.sleepers(), "all is gone", 2)


async def test_the_tree_is_killed_when_the_namespace_cannot_be_looked_into(
    tmp_path: Path, mark: Mark, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = await start(f"trap '' TERM; touch ready; sleep {mark.seconds}", tmp_path, mark, probe())
    monkeypatch.setattr(process_table, "children", lambda pid: [])
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await until(lambda: not mark.sleepers(), "all is gone", 5)


async def test_the_kill_of_a_namespace_from_outside_is_told_as_such(tmp_path: Path, mark: Mark) -> None:
    running = await start(f"touch ready; sleep {mark.seconds}; true", tmp_path, mark, probe())
    ours = set(process_table.children(os.getpid()))
    for pid in ours:
        for first in process_table.children(pid):
            os.kill(first, signal.SIGKILL)
    ended = await running
    assert (ended.signal, mark.sleepers()) == (signal.SIGKILL, [])


WORKER = """
import asyncio, sys
from pathlib import Path
from activities.process.isolation import probe, without_namespace
from activities.process.running import run_process
from activities.process.strays import sweep
sweep(Path(sys.argv[1]))
isolation = probe() if sys.argv[2] == "namespace" else without_namespace("a test")
env = {"PATH": sys.argv[3]}
asyncio.run(run_process(["bash", "-c", sys.argv[4]], cwd=Path(sys.argv[1]), env=env, isolation=isolation))
"""


async def killed_worker(folder: Path, kind: str, script: str, mark: Mark, prefix: tuple[str, ...] = ()) -> None:
    """Start a Python process that runs `script`, and kill it once it runs."""
    argv = [*prefix, sys.executable, "-c", WORKER, str(folder), kind, os.environ["PATH"], script]
    worker = await asyncio.create_subprocess_exec(*argv, cwd=Path(__file__).parents[3])
    try:
        await until(lambda: (folder / "ready").exists() and mark.sleepers(), "the worker's program runs", 30)
    finally:
        worker.kill()
        await worker.wait()


async def test_nothing_survives_a_killed_worker_in_a_namespace(tmp_path: Path, mark: Mark) -> None:
    script = f"trap '' TERM HUP; {flights(mark)}\ntouch ready; sleep {mark.seconds}; sleep 9"
    await killed_worker(tmp_path, "namespace", script, mark)
    await until(lambda: not mark.sleepers(), "all is gone", 5)


async def test_nothing_survives_a_killed_worker_that_is_not_root(mark: Mark) -> None:
    assert os.geteuid() == 0 or probe().needs_user_namespace
    prefix = () if os.geteuid() else ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--")
    script = f"trap '' TERM HUP; {flights(mark)}\ntouch ready; sleep {mark.seconds}; sleep 9"
    with tempfile.TemporaryDirectory() as home:  # not below `tmp_path`, which only its owner may enter
        os.chmod(home, 0o777)
        await killed_worker(Path(home), "namespace", script, mark, prefix)
        await until(lambda: not mark.sleepers(), "all is gone", 5)


async def test_the_next_worker_ends_what_a_killed_one_left_without_a_namespace(tmp_path: Path, mark: Mark) -> None:
    script = f"trap '' TERM HUP; {flights(mark)}\ntouch ready; sleep {mark.seconds}; sleep 9"
    await killed_worker(tmp_path, "subreaper", script, mark)
    assert mark.sleepers()
    ended = sweep(tmp_path)
    assert ended
    await until(lambda: not mark.sleepers(), "all is gone", 5)
