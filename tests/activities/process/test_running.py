"""What a program prints, how it ends, and how much it may cost."""

import asyncio
import os
import resource
import signal
import time
from datetime import timedelta
from pathlib import Path

import pytest

from activities.process import process_table
from activities.process.isolation import Isolation, probe
from activities.process.running import find_program, run_process
from activities.process.tree import PIECE, ProcessExit
from definitions.errors import ErrorClass, StepFailure

ENVIRONMENT = {"PATH": os.environ["PATH"]}


async def run_bash(script: str, folder: Path, isolation: Isolation, **more: object) -> tuple[ProcessExit, bytes, bytes]:
    stdout, stderr = bytearray(), bytearray()
    ended = await run_process(
        ["bash", "-c", script],
        cwd=folder,
        env=ENVIRONMENT,
        on_stdout=stdout.extend,
        on_stderr=stderr.extend,
        isolation=isolation,
        **more,  # pyright: ignore[reportArgumentType]
    )
    return ended, bytes(stdout), bytes(stderr)


async def test_exit_code_and_both_outputs_are_told(tmp_path: Path, isolation: Isolation) -> None:
    ended, stdout, stderr = await run_bash("echo out; echo err >&2; exit 3", tmp_path, isolation)
    assert (ended, stdout, stderr) == (ProcessExit(3, None), b"out\n", b"err\n")
    assert ended.status == 3


async def test_binary_output_is_passed_on_unchanged(tmp_path: Path, isolation: Isolation) -> None:
    content = bytes(range(256)) * 1024 + b"\r\n\xff"
    (tmp_path / "content").write_bytes(content)
    _, stdout, _ = await run_bash("cat content", tmp_path, isolation)
    assert stdout == content


async def test_standard_input_is_read_to_its_end_when_given(tmp_path: Path, isolation: Isolation) -> None:
    content = b"\0\n" * 1_000_000
    ended, stdout, _ = await run_bash("cat | wc -c; cat | wc -c", tmp_path, isolation, stdin=content)
    assert (ended.code, stdout.split()) == (0, [b"2000000", b"0"])


async def test_standard_input_is_empty_when_none_is_given(tmp_path: Path, isolation: Isolation) -> None:
    _, stdout, _ = await run_bash("cat; echo end", tmp_path, isolation)
    assert stdout == b"end\n"


async def test_input_unread_is_no_fault(tmp_path: Path, isolation: Isolation) -> None:
    ended, _, _ = await run_bash("exit 0", tmp_path, isolation, stdin=b"x" * 1_000_000)
    assert ended.code == 0


async def test_a_signal_is_told_when_it_ended_the_program(tmp_path: Path, isolation: Isolation) -> None:
    ended, _, _ = await run_bash("kill -KILL $$", tmp_path, isolation)
    assert (ended, ended.status) == (ProcessExit(None, signal.SIGKILL), 137)


async def test_default_actions_of_signals_work_in_the_program(tmp_path: Path, isolation: Isolation) -> None:
    ended, _, _ = await run_bash("kill -TERM $$; echo survived", tmp_path, isolation)
    assert ended.signal == signal.SIGTERM


async def test_environment_is_the_one_given_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, isolation: Isolation
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    _, stdout, _ = await run_bash("env", tmp_path, isolation)
    names = {line.partition(b"=")[0] for line in stdout.splitlines()}
    assert names <= {b"PATH", b"PWD", b"OLDPWD", b"SHLVL", b"_", b"PERDURE_ATTEMPT"}


async def test_no_file_of_the_worker_is_open_in_the_program(tmp_path: Path, isolation: Isolation) -> None:
    with (tmp_path / "secret").open("w"):
        _, stdout, _ = await run_bash("readlink /proc/$$/fd/*", tmp_path, isolation)
    assert b"secret" not in stdout
    assert b"socket" not in stdout


async def test_a_program_that_closes_its_outputs_is_waited_for(tmp_path: Path, isolation: Isolation) -> None:
    ended, stdout, _ = await run_bash("echo a; exec >&- 2>&-; sleep 0.3; exit 7", tmp_path, isolation)
    assert (ended.code, stdout) == (7, b"a\n")


async def test_output_still_underway_through_a_child_is_read(tmp_path: Path, isolation: Isolation) -> None:
    script = "exec > >(while read -r line; do sleep 0.05; echo \"<$line>\"; done); printf '%s\\n' 1 2 3 4 5 6"
    ended, stdout, _ = await run_bash(script, tmp_path, isolation)
    assert (ended.code, stdout) == (0, b"<1>\n<2>\n<3>\n<4>\n<5>\n<6>\n")


async def test_memory_stays_flat_when_output_is_huge(tmp_path: Path) -> None:
    pieces: list[int] = []
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ended = await run_process(
        ["head", "-c", str(1 << 30), "/dev/zero"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        on_stdout=lambda piece: pieces.append(len(piece)),
    )
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert ended.code == 0
    assert sum(pieces) == 1 << 30
    assert max(pieces) <= PIECE
    assert grown < 20 * 1024  # kilobytes


async def test_a_slow_reader_slows_the_program_down(tmp_path: Path, isolation: Isolation) -> None:
    received = 0
    let_go = asyncio.Event()
    progress = tmp_path / "progress"

    async def slow(piece: bytes) -> None:
        nonlocal received
        received += len(piece)
        await let_go.wait()

    script = 'for i in 1 2 3 4 5 6 7 8; do head -c 1000000 /dev/zero; echo "$i" >> progress; done'
    running = asyncio.create_task(
        run_process(["bash", "-c", script], cwd=tmp_path, env=ENVIRONMENT, on_stdout=slow, isolation=isolation)
    )
    deadline = time.monotonic() + 60
    while not received:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)  # time in which a program that nobody holds back writes all its 8 MB
    assert not progress.exists()
    let_go.set()
    ended = await running
    assert (ended.code, received) == (0, 8_000_000)


async def test_a_failing_reader_ends_the_program(tmp_path: Path, isolation: Isolation) -> None:
    def fail(piece: bytes) -> None:
        raise ValueError("no such event")

    started = time.monotonic()
    with pytest.raises(ValueError, match="no such event"):
        await run_process(
            ["bash", "-c", "echo x; exec sleep 60"],
            cwd=tmp_path,
            env=ENVIRONMENT,
            on_stdout=fail,
            isolation=isolation,
        )
    assert time.monotonic() - started < 5


async def test_a_reader_that_fails_after_the_programs_end_is_heard(tmp_path: Path, isolation: Isolation) -> None:
    async def fail(piece: bytes) -> None:
        await asyncio.sleep(0.1)
        raise ValueError("no such event")

    with pytest.raises(ValueError, match="no such event"):
        await run_process(["echo", "x"], cwd=tmp_path, env=ENVIRONMENT, on_stdout=fail, isolation=isolation)


async def test_a_reader_may_take_longer_than_the_program(
    tmp_path: Path, isolation: Isolation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.process.tree._STUCK", 0.1)
    received = bytearray()

    async def slow(piece: bytes) -> None:
        await asyncio.sleep(0.3)
        received.extend(piece)

    await run_process(["echo", "x"], cwd=tmp_path, env=ENVIRONMENT, on_stdout=slow, isolation=isolation)
    assert received == b"x\n"


async def test_a_timeout_of_the_reader_is_not_taken_for_the_programs(tmp_path: Path) -> None:
    def fail(piece: bytes) -> None:
        raise TimeoutError("the reader's own")

    with pytest.raises(TimeoutError, match="the reader's own"):
        await run_process(
            ["bash", "-c", "echo x; exec sleep 60"],
            cwd=tmp_path,
            env=ENVIRONMENT,
            on_stdout=fail,
            timeout=timedelta(seconds=50),
        )


async def test_many_run_at_once_without_leaving_files_open_or_zombies(tmp_path: Path, isolation: Isolation) -> None:
    await run_bash("true", tmp_path, isolation)
    before = len(os.listdir("/proc/self/fd"))
    results = await asyncio.gather(*[run_bash(f"sleep 0.05 & exit {n}", tmp_path, isolation) for n in range(30)])
    assert [ended.code for ended, _, _ in results] == list(range(30))
    assert len(os.listdir("/proc/self/fd")) <= before
    assert not _zombies()


def _zombies() -> list[int]:
    found = [process_table.read(pid) for pid in process_table.children(os.getpid())]
    return [process.pid for process in found if process is not None and process.is_zombie]


async def test_a_missing_program_is_named_with_the_path_that_was_searched(tmp_path: Path) -> None:
    with pytest.raises(StepFailure, match=r"no program `nosuch` on the PATH `/usr/bin:/bin`") as caught:
        await run_process(["nosuch"], cwd=tmp_path, env={"PATH": "/usr/bin:/bin"})
    assert caught.value.error_class == ErrorClass.NOT_FOUND


async def test_a_file_that_is_not_executable_is_named(tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("#!/bin/sh\n")
    with pytest.raises(StepFailure, match=r"`\./tool` is not an executable file") as caught:
        await run_process(["./tool"], cwd=tmp_path, env=ENVIRONMENT)
    assert caught.value.error_class == ErrorClass.NOT_FOUND


async def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StepFailure, match="is not a folder") as caught:
        await run_process(["true"], cwd=tmp_path / "nowhere", env=ENVIRONMENT)
    assert caught.value.error_class == ErrorClass.WORKSPACE


async def test_arguments_that_are_too_big_are_a_failure_of_the_step(tmp_path: Path, isolation: Isolation) -> None:
    with pytest.raises(StepFailure, match="too big; pass big values by a file"):
        await run_process(["true", "x" * 200_000], cwd=tmp_path, env=ENVIRONMENT, isolation=isolation)


async def test_a_file_that_cannot_be_executed_is_a_failure_of_the_step(tmp_path: Path, subreaper: Isolation) -> None:
    (tmp_path / "tool").write_bytes(b"\x7fELF nonsense")
    (tmp_path / "tool").chmod(0o755)
    with pytest.raises(StepFailure, match="could not be started"):
        await run_process(["./tool"], cwd=tmp_path, env=ENVIRONMENT, isolation=subreaper)


async def test_a_namespace_that_is_refused_is_a_failure_of_the_step(tmp_path: Path) -> None:
    refusing = Isolation("namespace", ("/bin/false",))
    with pytest.raises(StepFailure, match="could not be made") as caught:
        await run_process(["true"], cwd=tmp_path, env=ENVIRONMENT, isolation=refusing)
    assert caught.value.error_class == ErrorClass.SANDBOX


async def test_the_group_alone_ends_what_stays_in_it(tmp_path: Path) -> None:
    ended, stdout, _ = await run_bash("sleep 77 & echo x", tmp_path, Isolation("group"))
    assert (ended.code, stdout) == (0, b"x\n")


def test_programs_are_found_by_the_path_of_the_step(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to("/bin/true")
    found = find_program("python", tmp_path, {"PATH": "bin"})
    assert found == str(tmp_path / "bin" / "python")  # the link itself: a venv is known by its place


async def test_isolation_is_probed_when_none_is_given(tmp_path: Path) -> None:
    stdout = bytearray()
    await run_process(["bash", "-c", "echo $PPID"], cwd=tmp_path, env=ENVIRONMENT, on_stdout=stdout.extend)
    assert (stdout.strip() == b"1") == (probe().kind == "namespace")
