import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from definitions.errors import EnvironmentUnfit
from worker import dev_server, leases, processes
from worker.dev_record import ServerRecord
from worker.dev_server import Ports
from worker.server_binary import ServerBinary

BINARY = ServerBinary(Path("/opt/temporal"), (1, 29), "temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)")
BEFORE = ServerRecord(pid=1, started="s", port=1, ui_port=None, version="v", binary="/b")


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_ports_before_are_taken_again_when_free():
    port, ui_port = free_port(), free_port()

    assert dev_server.choose_ports(BEFORE.model_copy(update={"port": port, "ui_port": ui_port})) == Ports(port, ui_port)


def test_usual_ports_are_taken_when_free(monkeypatch: pytest.MonkeyPatch):
    port, ui_port = free_port(), free_port()
    monkeypatch.setattr(dev_server, "PORT", port)
    monkeypatch.setattr(dev_server, "UI_PORT", ui_port)

    assert dev_server.choose_ports(None) == Ports(port, ui_port)


def test_other_ports_are_taken_when_strangers_hold_the_usual_ones(monkeypatch: pytest.MonkeyPatch, taken: int):
    monkeypatch.setattr(dev_server, "PORT", taken)
    monkeypatch.setattr(dev_server, "UI_PORT", taken)

    ports = dev_server.choose_ports(BEFORE.model_copy(update={"port": taken}))

    assert taken not in (ports.server, ports.ui)
    assert ports.server != ports.ui


def test_web_ui_takes_another_port_when_the_server_has_its_usual_one(monkeypatch: pytest.MonkeyPatch):
    port = free_port()
    monkeypatch.setattr(dev_server, "PORT", port)
    monkeypatch.setattr(dev_server, "UI_PORT", port)

    ports = dev_server.choose_ports(None)

    assert ports.server == port
    assert ports.ui != port


def test_command_line_binds_locally_and_keeps_what_was_acknowledged():
    argv = dev_server.server_arguments(BINARY, Path("/h/temporal.db"), Ports(7233, 8233))

    assert argv[:3] == ["/opt/temporal", "server", "start-dev"]
    assert argv[argv.index("--ip") + 1] == "127.0.0.1"
    assert argv[argv.index("--db-filename") + 1] == "/h/temporal.db"
    assert argv[argv.index("--ui-port") + 1] == "8233"
    assert {"journal_mode=WAL", "synchronous=FULL", "matching.useNewMatcher=true"} <= set(argv)
    assert "PerdureStatus=Keyword" in argv


def test_command_line_is_headless_when_there_is_no_port_for_the_web_ui():
    argv = dev_server.server_arguments(BINARY, Path("/h/temporal.db"), Ports(7233, None))

    assert "--headless" in argv
    assert "--ui-port" not in argv


def test_settings_of_the_temporal_cli_are_hidden_from_the_server():
    assert dev_server.server_environment({"PATH": "/bin", "TEMPORAL_ADDRESS": "prod:7233"}) == {"PATH": "/bin"}


def test_start_is_refused_when_another_process_holds_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    real = leases.take
    monkeypatch.setattr(leases, "take", lambda path, _: real(path))
    with leases.exclusive(tmp_path / "server.lock", timedelta(0)), pytest.raises(EnvironmentUnfit, match="database"):
        dev_server.launch(tmp_path, BINARY, {})


def test_strangers_port_is_not_taken_for_ours_when_the_process_does_not_listen(tmp_path: Path, taken: int):
    (tmp_path / "logs").mkdir()
    silent = processes.start_detached(
        ["sleep", "300"], log=tmp_path / "logs" / "server.log", environment={"PATH": "/bin:/usr/bin"}, folder=tmp_path
    )
    server = BEFORE.model_copy(update={"pid": silent.pid, "started": silent.started, "port": taken})
    try:
        with pytest.raises(EnvironmentUnfit, match="it left no message"):
            dev_server.wait_ready(tmp_path, server, timedelta(milliseconds=100))
    finally:
        dev_server.stop(tmp_path, server)

    assert not processes.is_alive(silent)
