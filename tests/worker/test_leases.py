import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from worker import leases
from worker.processes import ProcessIdentity


def test_second_taker_is_refused_when_the_lease_is_held(tmp_path: Path):
    first = leases.take(tmp_path / "lock")
    assert first is not None

    assert leases.take(tmp_path / "lock", timedelta(milliseconds=60)) is None

    os.close(first)
    second = leases.take(tmp_path / "lock")
    assert second is not None
    os.close(second)


def test_lease_outlives_the_taker_when_a_child_keeps_it(tmp_path: Path):
    descriptor = leases.take(tmp_path / "lock")
    assert descriptor is not None
    child = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE, pass_fds=[descriptor]
    )
    os.close(descriptor)

    with child:
        assert leases.take(tmp_path / "lock") is None
        child.kill()
    freed = leases.take(tmp_path / "lock", timedelta(seconds=5))

    assert freed is not None
    os.close(freed)


def test_signer_is_known_when_the_lease_was_signed(tmp_path: Path):
    descriptor = leases.take(tmp_path / "lock")
    assert descriptor is not None
    leases.sign(descriptor, ProcessIdentity(123456, "a long text that is cut afterwards"))
    leases.sign(descriptor, ProcessIdentity(12, "b"))
    os.close(descriptor)

    assert leases.signed_by(tmp_path / "lock") == ProcessIdentity(12, "b")


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"pid": "x", "started": 1}', b"\xff"])
def test_nobody_signed_when_the_lease_holds_something_else(tmp_path: Path, content: bytes):
    (tmp_path / "lock").write_bytes(content)

    assert leases.signed_by(tmp_path / "lock") is None
    assert leases.signed_by(tmp_path / "absent") is None


def test_block_is_told_when_it_does_not_hold_the_lease(tmp_path: Path):
    with (
        leases.exclusive(tmp_path / "lock", timedelta(0)) as first,
        leases.exclusive(tmp_path / "lock", timedelta(0)) as second,
    ):
        assert first
        assert not second
    with leases.exclusive(tmp_path / "lock", timedelta(0)) as third:
        assert third


def test_error_is_raised_when_the_system_cannot_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def no_locks(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(leases.fcntl, "flock", no_locks)

    with pytest.raises(OSError, match="No locks available"):
        leases.take(tmp_path / "lock")
