"""Only proven leftovers of dead workers are ended."""

import json
import os
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from activities.process import process_table, strays
from activities.process.isolation import MARKER

DEAD_WORKER = "1-1"  # pid 1 lives, but has not started in the first tick after boot


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "600"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def note(work: Path, worker: str, **content: object) -> Path:
    folder = work / "strays" / worker
    folder.mkdir(parents=True)
    (folder / "note").write_text(json.dumps(content))
    return folder


def start_time(pid: int) -> int:
    process = process_table.read(pid)
    assert process is not None
    return process.start_time


def test_a_leftover_is_ended_when_pid_and_start_time_match(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    folder = note(tmp_path, DEAD_WORKER, pid=sleeper.pid, start_time=start_time(sleeper.pid), token="t" * 32)
    assert strays.sweep(tmp_path) == [sleeper.pid]
    assert sleeper.wait(5) == -9
    assert not folder.exists()


def test_a_process_is_left_alone_when_its_pid_was_used_again(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    note(tmp_path, DEAD_WORKER, pid=sleeper.pid, start_time=start_time(sleeper.pid) - 1, token="t" * 32)
    assert strays.sweep(tmp_path) == []
    assert sleeper.poll() is None


def test_a_leftover_is_ended_when_it_bears_the_marker(tmp_path: Path) -> None:
    token = secrets.token_hex(16)
    process = subprocess.Popen(["sleep", "600"], env={**os.environ, MARKER: token}, start_new_session=True)
    note(tmp_path, DEAD_WORKER, pid=999_999_999, start_time=1, token=token)
    assert strays.sweep(tmp_path) == [process.pid]
    assert process.wait(5) == -9


def test_nothing_is_ended_when_the_worker_lives(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    worker = f"{os.getppid()}-{start_time(os.getppid())}"
    folder = note(tmp_path, worker, pid=sleeper.pid, start_time=start_time(sleeper.pid), token="t" * 32)
    assert strays.sweep(tmp_path) == []
    assert folder.exists()
    assert sleeper.poll() is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": "x"}', b"\xff", b'{"pid": 1, "start_time": null}'])
def test_a_note_that_was_cut_off_is_passed_over(tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / "strays" / DEAD_WORKER
    folder.mkdir(parents=True)
    (folder / "note").write_bytes(content)
    assert strays.sweep(tmp_path) == []
    assert not folder.exists()


def test_a_folder_of_another_kind_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "strays" / "mine").mkdir(parents=True)
    assert strays.sweep(tmp_path) == []
    assert (tmp_path / "strays" / "mine").exists()


def test_running_trees_are_on_file_until_forgotten(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    strays.sweep(tmp_path)
    noted = strays.register(sleeper.pid, "token")
    assert noted is not None
    content = json.loads(noted.read_bytes())
    assert content == {"pid": sleeper.pid, "start_time": start_time(sleeper.pid), "token": "token"}
    strays.forget(noted)
    strays.forget(noted)
    assert not noted.exists()


def test_nothing_is_noted_when_no_folder_was_swept(sleeper: subprocess.Popen[bytes]) -> None:
    assert strays.register(sleeper.pid, "token") is None
    strays.forget(None)


def test_a_step_goes_on_when_the_note_cannot_be_written(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    strays.sweep(tmp_path)
    registry = strays._registry
    assert registry is not None
    registry.folder.rmdir()
    assert strays.register(sleeper.pid, "token") is None
