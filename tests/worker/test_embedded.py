"""The embedded default for real: servers and workers are started, killed, replaced and ended."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import uuid
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter

from definitions.errors import EnvironmentUnfit
from tests.support.deadlines import eventually
from tests.support.embedded_homes import Home
from worker import dev_record, dev_server, embedded, processes
from worker.dev_record import DevRecord
from worker.embedded import Running
from worker.processes import ProcessIdentity
from worker.settings import Settings

pytestmark = pytest.mark.server


async def connect(running: Running) -> Client:
    return await Client.connect(running.server.address, data_converter=pydantic_data_converter)


async def start(running: Running, command: str) -> WorkflowHandle[object, dict[str, object]]:
    definition = {
        "name": "probe",
        "workspace": {"from": "none"},
        "steps": [{"id": "a", "type": "shell", "command": command}],
    }
    client = await connect(running)
    return await client.start_workflow(
        "perdure.run",
        {"definition": definition, "caller_environment": {"PATH": os.environ["PATH"]}},
        id=f"probe-{uuid.uuid4().hex}",
        task_queue=running.worker.task_queue,
        result_type=dict,
    )


async def final_status(handle: WorkflowHandle[object, dict[str, object]]) -> object:
    return (await handle.result())["status"]


def kill(identity: ProcessIdentity) -> None:
    os.kill(identity.pid, signal.SIGKILL)
    eventually(lambda: not processes.is_alive(identity))


async def test_run_completes_and_the_next_command_reuses_all_when_started_from_nothing(home: Home):
    first = home.bring_up()

    assert await final_status(await start(first, "true")) == "completed"
    assert home.bring_up() == first
    assert home.said == ["starting the embedded Temporal server", "starting the embedded worker"]
    assert home.settings.home.stat().st_mode & 0o077 == 0


async def test_namespace_keeps_closed_runs_and_knows_our_attributes_when_started(shared: Home):
    from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
    from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest

    from definitions.messages import SEARCH_ATTRIBUTES

    client = await connect(shared.bring_up())

    namespace = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace="default"))
    attributes = await client.operator_service.list_search_attributes(ListSearchAttributesRequest(namespace="default"))
    assert namespace.config.workflow_execution_retention_ttl.seconds == dev_server.RETENTION.total_seconds()
    assert set(SEARCH_ATTRIBUTES) <= set(attributes.custom_attributes)


async def test_run_goes_on_with_the_same_worker_when_the_server_was_killed(shared: Home, tmp_path: Path):
    before = shared.bring_up()
    handle = await start(before, f"while [ ! -e {tmp_path}/go ]; do sleep 0.05; done")
    eventually(lambda: processes.descendants(before.worker.pid))

    kill(before.server.identity)
    after = shared.bring_up()
    (tmp_path / "go").touch()

    assert after.server.pid != before.server.pid
    assert after.server.port == before.server.port
    assert after.worker == before.worker
    again = (await connect(after)).get_workflow_handle(handle.id, result_type=dict)
    assert await final_status(again) == "completed"


async def test_server_is_kept_when_the_worker_was_killed(shared: Home):
    before = shared.bring_up()

    kill(before.worker.identity)
    after = shared.bring_up()

    assert after.server == before.server
    assert after.worker.pid != before.worker.pid
    assert await final_status(await start(after, "true")) == "completed"


async def test_run_is_still_there_when_server_and_worker_were_killed(shared: Home):
    before = shared.bring_up()
    client = await connect(before)
    waiting = await client.start_workflow("not.served", id="waits", task_queue="nobody")

    kill(before.worker.identity)
    kill(before.server.identity)
    after = shared.bring_up()

    described = await (await connect(after)).get_workflow_handle(waiting.id).describe()
    assert described.status == WorkflowExecutionStatus.RUNNING
    assert await final_status(await start(after, "true")) == "completed"


def test_one_server_is_shared_when_two_commands_start_at_once(home: Home):
    script = (
        "import os, sys; sys.path.insert(0, sys.argv[1])\n"
        "from client.dev import ensure\n"
        "print(ensure(report=lambda _: None).address)"
    )
    commands = [
        subprocess.Popen(
            [sys.executable, "-P", "-c", script, str(home.code)],
            env=home.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    addresses = {command.communicate(timeout=60)[0].strip() for command in commands}

    assert {command.returncode for command in commands} == {0}
    assert len(addresses) == 1
    record = dev_record.read(home.settings.home)
    assert record.server is not None
    assert addresses == {record.server.address}


def test_worker_is_replaced_when_the_code_changed(shared: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    before = shared.bring_up()
    newer = tmp_path / "newer"
    shutil.copytree(shared.code, newer)
    (newer / "worker" / "settings.py").touch()
    monkeypatch.setattr(embedded, "CODE_ROOT", newer)

    after = shared.bring_up()

    assert after.server == before.server
    assert after.worker.pid != before.worker.pid
    assert not processes.is_alive(before.worker.identity)
    assert "stopping: no new steps are taken" in (shared.settings.home / "logs" / "worker.log").read_text()


@pytest.mark.parametrize("content", [None, b"{"])
def test_no_second_server_opens_the_database_when_the_record_is_lost(shared: Home, content: bytes | None):
    before = shared.bring_up()
    path = shared.settings.home / "dev.json"
    path.unlink() if content is None else path.write_bytes(content)

    after = shared.bring_up()

    assert not processes.is_alive(before.server.identity)
    assert not processes.is_alive(before.worker.identity)
    assert processes.is_alive(after.server.identity)
    assert processes.is_alive(after.worker.identity)


def test_stranger_is_left_alone_when_the_recorded_ids_were_used_again(home: Home):
    stranger = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    with stranger:
        before = home.bring_up()
        embedded.end(home.settings)
        reused = {"pid": stranger.pid, "started": "long ago"}
        dev_record.write(
            home.settings.home,
            DevRecord(server=before.server.model_copy(update=reused), worker=before.worker.model_copy(update=reused)),
        )

        after = home.bring_up()

        assert stranger.poll() is None
        assert after.server.pid != stranger.pid
        stranger.kill()


async def test_no_process_is_left_when_stopped_with_a_step_running(shared: Home, tmp_path: Path):
    running = shared.bring_up()
    await start(running, f"setsid sleep 300 & echo $! > {tmp_path}/pid; wait")
    eventually(lambda: len(processes.descendants(running.worker.pid)) >= 2)
    steps = processes.descendants(running.worker.pid)

    assert embedded.end(shared.settings)

    assert not any(map(processes.is_alive, [*steps, running.worker.identity, running.server.identity]))
    assert not embedded.end(shared.settings)


async def test_no_process_is_left_when_stopped_after_the_worker_was_killed(shared: Home):
    running = shared.bring_up()
    await start(running, "sleep 300")
    eventually(lambda: len(processes.descendants(running.worker.pid)) >= 1)
    steps = processes.descendants(running.worker.pid)
    kill(running.worker.identity)

    embedded.end(shared.settings)

    assert not any(map(processes.is_alive, steps))


def test_same_ports_are_taken_when_started_again(shared: Home):
    before = shared.bring_up()
    embedded.end(shared.settings)

    after = shared.bring_up()

    assert (after.server.port, after.server.ui_port) == (before.server.port, before.server.ui_port)


def test_another_port_is_taken_when_a_stranger_was_quicker(home: Home, monkeypatch: pytest.MonkeyPatch):
    choose = dev_server.choose_ports
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        port = stranger.getsockname()[1]
        said = iter([port])
        monkeypatch.setattr(
            dev_server, "choose_ports", lambda before: replace(found := choose(before), server=next(said, found.server))
        )

        running = home.bring_up()

    assert running.server.port != port
    assert running.worker.address == running.server.address


def test_nothing_is_started_again_when_it_was_ended_on_purpose(shared: Home):
    shared.bring_up()
    assert embedded.heal(shared.settings, shared.environment, shared.said.append) is not None
    embedded.end(shared.settings)

    assert embedded.heal(shared.settings, shared.environment, shared.said.append) is None


def test_worker_is_started_again_when_it_died(shared: Home):
    before = shared.bring_up()
    kill(before.worker.identity)

    after = embedded.heal(shared.settings, shared.environment, shared.said.append)

    assert after is not None
    assert after.worker.pid != before.worker.pid


def test_server_is_replaced_when_it_lives_but_does_not_answer(shared: Home, monkeypatch: pytest.MonkeyPatch):
    before = shared.bring_up()
    monkeypatch.setattr(embedded, "_ANSWER_LIMIT", timedelta(milliseconds=200))
    real = dev_server.is_listening
    monkeypatch.setattr(
        dev_server, "is_listening", lambda port: processes.identify(before.server.pid) is None and real(port)
    )

    after = shared.bring_up()

    assert not processes.is_alive(before.server.identity)
    assert after.server.pid != before.server.pid


def test_remedy_is_told_when_the_home_cannot_be_written_at_the_end(shared: Home, monkeypatch: pytest.MonkeyPatch):
    def read_only(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as patch:
        patch.setattr(dev_record, "write", read_only)
        with pytest.raises(EnvironmentUnfit, match="Read-only file system"):
            embedded.end(shared.settings)


def test_refusal_names_both_when_another_store_or_queue_is_asked_for(shared: Home, tmp_path: Path):
    shared.bring_up()

    for name, value in (("PERDURE_STORE", str(tmp_path / "other")), ("PERDURE_TASK_QUEUE", "other")):
        settings = Settings.embedded({**shared.environment, name: value})
        with pytest.raises(EnvironmentUnfit) as refusal:
            embedded.bring_up(settings, shared.environment, shared.said.append)
        assert value in refusal.value.message
        assert "perdure dev stop" in refusal.value.remedy


def test_workers_own_words_are_told_when_it_cannot_serve(home: Home):
    settings = Settings.embedded({**home.environment, "PERDURE_STORE": "s3://bucket/prefix"})

    with pytest.raises(EnvironmentUnfit, match="s3"):
        embedded.bring_up(settings, home.environment, home.said.append)

    record = dev_record.read(settings.home)
    assert record.worker is not None
    assert not processes.is_alive(record.worker.identity)


def test_log_is_quoted_when_the_worker_dies_at_its_start(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    broken = tmp_path / "broken"
    shutil.copytree(home.code, broken)
    (broken / "worker" / "service.py").write_text("raise RuntimeError('this build is broken')")
    monkeypatch.setattr(embedded, "CODE_ROOT", broken)

    with pytest.raises(EnvironmentUnfit, match="this build is broken") as refusal:
        home.bring_up()

    assert "worker.log" in refusal.value.remedy


def test_log_is_quoted_when_the_server_does_not_start(home: Home, tmp_path: Path):
    (home.settings.home / "logs").mkdir(parents=True)
    (home.settings.home / "temporal.db").write_bytes(b"this is no database" * 100)

    with pytest.raises(EnvironmentUnfit, match="Temporal server did not start") as refusal:
        home.bring_up()

    assert "server.log" in refusal.value.remedy
    assert "database" in refusal.value.message
    worker = dev_record.read(home.settings.home).worker
    assert worker is None or not processes.is_alive(worker.identity)


def test_remedy_is_told_when_the_home_folder_cannot_be_made(home: Home, tmp_path: Path):
    (tmp_path / "file").write_text("")
    settings = Settings.embedded({**home.environment, "PERDURE_HOME": str(tmp_path / "file" / "home")})

    with pytest.raises(EnvironmentUnfit, match="cannot be written") as refusal:
        embedded.bring_up(settings, home.environment, home.said.append)

    assert "PERDURE_HOME" in refusal.value.remedy


def test_nothing_starts_when_the_disk_is_full(home: Home, monkeypatch: pytest.MonkeyPatch):
    full = shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)

    with pytest.raises(EnvironmentUnfit, match=r"disk of .* is full"):
        home.bring_up()

    assert not (home.settings.home / "temporal.db").exists()


def test_refusal_says_so_when_another_command_holds_the_lock_too_long(home: Home, monkeypatch: pytest.MonkeyPatch):
    from worker import leases

    home.settings.home.mkdir(parents=True)
    monkeypatch.setattr(embedded, "_LOCK_LIMIT", timedelta(0))

    holding = leases.exclusive(home.settings.home / "dev.lock", timedelta(0))
    with holding, pytest.raises(EnvironmentUnfit, match=r"dev\.lock"):
        home.bring_up()


def test_nothing_is_ended_or_made_when_there_is_no_home(home: Home):
    assert not embedded.end(home.settings)
    assert not home.settings.home.exists()


def test_record_is_json_for_other_tools_when_running(shared: Home):
    running = shared.bring_up()

    content = json.loads((shared.settings.home / "dev.json").read_text())

    assert content["server"]["pid"] == running.server.pid
    assert content["worker"]["task_queue"] == "perdure"


def test_worker_ends_when_a_stranger_serves_at_its_servers_address(home: Home):
    running = home.bring_up()
    os.kill(running.server.pid, signal.SIGKILL)
    eventually(lambda: not processes.is_alive(running.server.identity))

    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        port = ("127.0.0.1", running.server.port)

        def is_bound() -> bool:
            with contextlib.suppress(OSError):
                stranger.bind(port)
                stranger.listen()
                return True
            return not processes.is_alive(running.worker.identity)  # somebody was quicker: as strange as we are

        eventually(is_bound)
        eventually(lambda: not processes.is_alive(running.worker.identity))
