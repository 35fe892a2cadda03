import os
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.deadlines import eventually
from worker import processes
from worker.processes import ProcessIdentity

IGNORES_TERM = (
    "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); signal.pause()"
)
WITH_CHILD = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], start_new_session=True)
print(child.pid, flush=True)
child.wait()
"""


def start(tmp_path: Path, script: str, **variables: str) -> tuple[ProcessIdentity, Path]:
    log = tmp_path / "log"
    identity = processes.start_detached(
        [sys.executable, "-c", script], log=log, environment={**os.environ, **variables}, folder=tmp_path
    )
    return identity, log


def test_process_is_alive_until_it_has_ended(tmp_path: Path):
    identity, _ = start(tmp_path, "import signal; signal.pause()")

    assert processes.is_alive(identity)
    assert os.getsid(identity.pid) == identity.pid
    assert processes.end(identity, timedelta(seconds=5))
    assert not processes.is_alive(identity)


def test_stranger_is_neither_taken_for_it_nor_ended_when_the_id_is_used_again():
    stranger = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    with stranger:
        recorded = ProcessIdentity(stranger.pid, "another start")

        assert not processes.is_alive(recorded)
        processes.end(recorded, timedelta(seconds=1))

        assert stranger.poll() is None
        stranger.kill()


def test_nobody_is_identified_when_the_id_is_free_or_a_zombie():
    ended = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)

    assert processes.identify(ended.pid) is None
    ended.wait()
    assert processes.identify(ended.pid) is None
    assert processes.identify(0) is None


def test_process_ends_hard_when_it_ignores_the_polite_way(tmp_path: Path):
    identity, log = start(tmp_path, IGNORES_TERM)
    eventually(lambda: log.read_text() == "on\n")

    assert not processes.end(identity, timedelta(milliseconds=100))
    assert not processes.is_alive(identity)


def test_children_of_other_sessions_end_too_when_their_parent_is_ended(tmp_path: Path):
    identity, log = start(tmp_path, WITH_CHILD)
    eventually(lambda: log.read_text().strip().isdigit())
    child = processes.identify(int(log.read_text()))
    assert child in processes.descendants(identity.pid)

    processes.end(identity, timedelta(seconds=5))

    assert processes.identify(int(log.read_text())) != child


def test_failure_is_seen_when_the_program_ends_at_once(tmp_path: Path):
    identity, _ = start(tmp_path, "raise SystemExit(3)")

    assert processes.wait_gone([identity], timedelta(seconds=5))


def test_error_is_raised_when_there_is_no_program(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        processes.start_detached([str(tmp_path / "no")], log=tmp_path / "log", environment={}, folder=tmp_path)


def test_listener_is_told_apart_when_another_process_listens():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]

        assert processes.owns_listener(os.getpid(), port)
        assert processes.owns_listener(os.getppid(), port) is False
        assert processes.owns_listener(2**30, port) is None


def test_listener_is_told_apart_when_its_descriptors_come_and_go():
    """os.listdir lists its own descriptor, gone when it is read: `None` here would be "the system does not tell"."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        answers = {processes.owns_listener(os.getpid(), listener.getsockname()[1]) for _ in range(50)}

    assert answers == {True}


def test_signal_is_harmless_when_the_process_goes_first(monkeypatch: pytest.MonkeyPatch):
    identity = processes.identify(os.getpid())
    assert identity is not None

    def gone(pid: int, number: int) -> None:
        raise ProcessLookupError

    monkeypatch.setattr(os, "kill", gone)
    monkeypatch.setattr(processes, "wait_gone", lambda *_: True)
    monkeypatch.setattr(processes, "descendants", lambda _: [])

    assert processes.end(identity, timedelta(0))


def test_identity_is_made_with_ps_when_there_is_no_procfs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "platform", "darwin")

    identity = processes.identify(os.getpid())

    assert identity is not None
    assert identity == processes.identify(os.getpid())
    assert processes.identify(2**22 - 1) is None
    child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    with child:
        assert child.pid in {below.pid for below in processes.descendants(os.getpid())}
        child.kill()


def test_output_is_flushed_and_the_code_kept_when_a_process_leaves():
    script = "import worker.processes as p, atexit; atexit.register(print, 'never'); print('said', end=''); p.leave(7)"
    root = Path(processes.__file__).parent.parent

    left = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True)

    assert (left.returncode, left.stdout) == (7, "said")


def test_output_is_flushed_before_the_end(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]):
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    sys.stdout.write("said")

    processes.leave(3)

    assert codes == [3]
    assert capfd.readouterr().out == "said"
