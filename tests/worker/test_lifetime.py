"""Worker processes claim work folders of their own; the embedded one has exactly one."""

import asyncio
import contextlib
import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest

from definitions.errors import EnvironmentUnfit
from worker import leases, lifetime, log_files, processes
from worker.settings import Settings


def settings(home: Path) -> Settings:
    return Settings.from_environment({"PERDURE_HOME": str(home)})


def test_workers_get_folders_of_their_own_when_they_share_a_home(tmp_path: Path):
    with lifetime.claimed_work(settings(tmp_path)) as first:
        with lifetime.claimed_work(settings(tmp_path)) as second:
            assert first.work.is_dir()
            assert second.work.is_dir()
            assert first.work != second.work
        with lifetime.claimed_work(settings(tmp_path)) as third:
            assert third.work == second.work


def test_claim_is_signed_when_a_worker_is_embedded(tmp_path: Path):
    with lifetime.claimed_work(Settings.embedded({"PERDURE_HOME": str(tmp_path)})) as claimed:
        assert claimed.work == tmp_path / "work"
        assert leases.signed_by(tmp_path / "worker.lock") == processes.identify(os.getpid())


def test_second_worker_is_refused_when_both_are_embedded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lifetime, "_LEASE_WAIT", timedelta(0))
    embedded = Settings.embedded({"PERDURE_HOME": str(tmp_path)})

    with contextlib.ExitStack() as stack:
        stack.enter_context(lifetime.claimed_work(embedded))
        with pytest.raises(EnvironmentUnfit, match="another worker serves"):
            stack.enter_context(lifetime.claimed_work(embedded))


def test_remedy_is_told_when_the_home_cannot_be_made(tmp_path: Path):
    (tmp_path / "file").write_text("")

    with pytest.raises(EnvironmentUnfit, match="cannot be written"), lifetime.claimed_work(settings(tmp_path / "file")):
        pass


@pytest.mark.server
async def test_embedded_worker_serves_until_the_signal_when_all_is_well(
    dev_server: str, task_queue: str, tmp_path: Path
):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "server.log").write_bytes(b"x" * (log_files.LIMIT + 1))
    environment = {"PERDURE_HOME": str(tmp_path), "PERDURE_TASK_QUEUE": task_queue}
    answer, ready = os.pipe()
    loop = asyncio.get_running_loop()
    with lifetime.claimed_work(Settings.embedded(environment)) as claimed:
        living = asyncio.create_task(lifetime._live(claimed, dev_server, ready))
        said = await asyncio.to_thread(os.read, answer, 100)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(living, 20)
    os.close(answer)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)

    assert said.decode() == lifetime.READY
    assert (tmp_path / "logs" / "server.log").stat().st_size == 0
    assert (tmp_path / "logs" / "server.log.1").exists()


async def test_worker_leaves_when_told_to_stop_before_any_server_answers(tmp_path: Path):
    loop = asyncio.get_running_loop()
    with lifetime.claimed_work(settings(tmp_path)) as claimed:
        living = asyncio.create_task(lifetime._live(claimed, "127.0.0.1:1", None))
        loop.call_later(0.3, os.kill, os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(living, 20)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)


def test_reason_is_told_on_the_pipe_when_a_worker_cannot_serve(tmp_path: Path):
    (tmp_path / "file").write_text("")
    answer, ready = os.pipe()

    with pytest.raises(EnvironmentUnfit):
        lifetime.run(settings(tmp_path / "file"), ready=ready)

    said = lifetime.UnfitMessage.model_validate_json(os.read(answer, 4096))
    os.close(answer)
    assert "cannot be written" in said.message
    assert "PERDURE_HOME" in said.remedy


def test_worker_goes_on_when_nobody_reads_the_pipe_any_more(tmp_path: Path):
    answer, ready = os.pipe()
    os.close(answer)
    (tmp_path / "file").write_text("")

    with pytest.raises(EnvironmentUnfit):
        lifetime.run(settings(tmp_path / "file"), ready=ready)
    with contextlib.suppress(OSError):
        os.close(ready)
