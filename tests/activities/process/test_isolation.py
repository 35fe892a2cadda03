import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from activities.process import isolation
from activities.process.isolation import Isolation


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    isolation.probe.cache_clear()
    yield
    isolation.probe.cache_clear()


def fake_unshare(folder: Path, body: str) -> None:
    (folder / "unshare").write_text(f"#!/bin/sh\n{body}\n")
    (folder / "unshare").chmod(0o755)


def test_a_namespace_is_chosen_here_and_asked_for_once() -> None:
    found = isolation.probe()
    assert (found.kind, found.reason) == ("namespace", "")
    assert isolation.probe() is found


def test_the_reason_is_told_when_there_is_no_unshare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, subreaper: Isolation
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = isolation.probe()
    assert (found.kind, found.reason) == ("subreaper", "no `unshare` on PATH")


def test_the_reason_is_told_when_namespaces_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, subreaper: Isolation
) -> None:
    fake_unshare(tmp_path, "echo 'unshare failed: Operation not permitted' >&2; exit 1")
    monkeypatch.setenv("PATH", str(tmp_path))
    found = isolation.probe()
    assert found.kind == "subreaper"
    assert found.reason == "`unshare` is refused here: unshare failed: Operation not permitted"


def test_the_reason_is_told_when_unshare_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, subreaper: Isolation
) -> None:
    fake_unshare(tmp_path, "exec /bin/sleep 60")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(isolation, "_PROBE_TIMEOUT", 0.05)
    assert "timed out" in isolation.probe().reason


def test_a_namespace_without_its_own_proc_is_taken_when_that_cannot_be_mounted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_unshare(tmp_path, 'case "$*" in *--mount-proc*) exit 1;; esac; exec /usr/bin/unshare "$@"')
    monkeypatch.setenv("PATH", str(tmp_path))
    found = isolation.probe()
    assert found.kind == "namespace"
    assert "--mount-proc" not in found.prefix


@pytest.mark.parametrize("user", [0, 1000])
def test_a_namespace_of_users_is_used_when_we_are_not_root(monkeypatch: pytest.MonkeyPatch, user: int) -> None:
    monkeypatch.setattr("os.geteuid", lambda: user)
    assert isolation.probe().needs_user_namespace == (user != 0)


def test_only_the_group_is_left_when_the_system_is_not_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert isolation.probe().kind == "group"
