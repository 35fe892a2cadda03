import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from definitions.errors import EnvironmentUnfit
from tests.support.waiting import eventually
from worker import dev_server, leases, processes, rehearsal
from worker.processes import ProcessIdentity

HOLDER = """
import os, sys
from pathlib import Path
from worker import processes, rehearsal
with rehearsal.passing_server(Path(sys.argv[1]), os.environ, print):
    print("server", *[child.pid for child in processes.descendants(os.getpid())], flush=True)
    sys.stdin.read()
"""


def never(text: str) -> None:
    raise AssertionError(f"it said `{text}`")


@pytest.mark.server
def test_the_server_is_gone_when_its_block_ends(tmp_path: Path) -> None:
    before = processes.descendants(os.getpid())
    with rehearsal.passing_server(tmp_path, os.environ, never) as address:
        port = int(address.rpartition(":")[2])
        (server,) = (child for child in processes.descendants(os.getpid()) if child not in before)
        assert processes.owns_listener(server.pid, port) is not False
    assert not processes.is_alive(server)


@pytest.mark.server
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own signal on a socket")
async def test_the_server_is_gone_when_its_process_is_killed(tmp_path: Path) -> None:
    holder = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    try:
        said = holder.stdout.readline().split()
        assert said[0] == "server"
        server = processes.identify(int(said[1]))
        assert server is not None
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        holder.stdin.close()
        holder.stdout.close()

    async def is_gone() -> bool:
        return not processes.is_alive(server)

    await eventually(is_gone, seconds=10)


def test_the_log_is_quoted_when_the_server_does_not_start(tmp_path: Path) -> None:
    program = tmp_path / "temporal"
    program.write_text(
        "#!/bin/sh\ncase $* in *version*) echo temporal version 1.5.1;; *) echo no disk >&2; exit 1;; esac\n"
    )
    program.chmod(0o755)
    with (
        pytest.raises(EnvironmentUnfit, match="did not start: no disk"),
        rehearsal.passing_server(tmp_path, {**os.environ, "PERDURE_TEMPORAL_BIN": str(program)}, never),
    ):
        raise AssertionError("it started")


def test_another_port_is_tried_when_the_first_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []

    def taken(home: Path, identity: ProcessIdentity, port: int) -> None:
        tries.append(port)
        raise dev_server.PortTaken("address already in use", "try again")

    monkeypatch.setattr(rehearsal, "_wait_ready", taken)
    with pytest.raises(dev_server.PortTaken), rehearsal.passing_server(tmp_path, os.environ, never):
        raise AssertionError("it started")
    assert len(tries) == 3


def test_a_taken_port_is_told_from_other_trouble_when_the_log_says_so(tmp_path: Path) -> None:
    (tmp_path / "server.log").write_text("listen tcp: bind: address already in use\n")
    with pytest.raises(dev_server.PortTaken):
        rehearsal._wait_ready(tmp_path, ProcessIdentity(0, "nobody"), 1)


@pytest.mark.server
async def test_a_worker_that_cannot_start_says_why_when_its_store_cannot_be_written(client, tmp_path: Path) -> None:
    (tmp_path / "work").write_text("a file in the way")
    with pytest.raises(OSError, match="work"):
        async with rehearsal.rehearsing(client, tmp_path, "rehearsal-broken", object, {}):
            raise AssertionError("it started")


def test_what_a_killed_process_left_is_removed_when_the_next_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rehearsal.tempfile, "tempdir", str(tmp_path))
    long_ago = 1_700_000_000
    for name in ("perdure-test-old", "perdure-test-held", "perdure-test-young"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "in-use.lock").touch()
        if name != "perdure-test-young":
            os.utime(tmp_path / name / "in-use.lock", (long_ago, long_ago))
    (tmp_path / "perdure-test-foreign").mkdir()
    (tmp_path / "perdure-test-link").symlink_to(tmp_path / "perdure-test-held")
    held = leases.take(tmp_path / "perdure-test-held" / "in-use.lock")
    assert held is not None
    with rehearsal.passing_home() as home:
        there = {path.name for path in tmp_path.iterdir()} - {home.name}
    os.close(held)
    assert there == {"perdure-test-held", "perdure-test-young", "perdure-test-foreign", "perdure-test-link"}
    assert not home.exists()


def test_the_way_out_is_said_when_there_is_no_place_for_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rehearsal.tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(EnvironmentUnfit, match="no temporary folder"), rehearsal.passing_home():
        raise AssertionError("it was made")
