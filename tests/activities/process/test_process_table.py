import os
import signal
import subprocess
from pathlib import Path

from activities.process import process_table


def test_a_process_is_read_when_its_name_holds_brackets_and_blanks(tmp_path: Path) -> None:
    program = tmp_path / "a ) R (b"
    program.symlink_to("/bin/sleep")
    process = subprocess.Popen([program, "60"], start_new_session=True)
    try:
        found = process_table.read(process.pid)
    finally:
        process.kill()
        process.wait()
    assert found is not None
    assert (found.pid, found.parent, found.session) == (process.pid, os.getpid(), process.pid)


def test_none_is_read_when_there_is_no_such_process() -> None:
    assert process_table.read(999_999_999) is None
    assert process_table.children(999_999_999) == []
    assert not process_table.has_variable(999_999_999, b"A=b")


def test_a_process_is_not_killed_when_its_start_time_differs() -> None:
    process = subprocess.Popen(["sleep", "60"])
    try:
        found = process_table.read(process.pid)
        assert found is not None
        process_table.kill(process_table.Process(found.pid, 0, 0, found.start_time + 1, is_zombie=False))
        assert process.poll() is None
        process_table.kill(found)
        assert process.wait(5) == -signal.SIGKILL
    finally:
        process.kill()
        process.wait()


def test_killing_and_reaping_is_no_fault_when_the_process_is_gone() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    gone = process_table.Process(process.pid, 0, 0, 1, is_zombie=True)
    process_table.kill(gone)
    process_table.reap(gone)


def test_members_are_found_through_generations_and_sessions() -> None:
    process = subprocess.Popen(
        ["bash", "-c", "setsid bash -c 'sleep 60; true'; true"], start_new_session=True, stdout=subprocess.PIPE
    )
    try:
        names: set[str] = set()
        for _ in range(500):
            found = process_table.members({process.pid}, b"NO=such")
            names = {Path(f"/proc/{member.pid}/comm").read_text().strip() for member in found}
            if "sleep" in names:
                break
        assert {"bash", "sleep"} <= names
    finally:
        for member in process_table.members({process.pid}, b"NO=such"):
            process_table.kill(member)
        process.communicate()
