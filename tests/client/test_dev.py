"""`perdure dev`, `perdure worker`, and what other commands ask of this module."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from client import dev
from client.endpoint import Endpoint
from definitions.errors import EnvironmentUnfit
from tests.client.conftest import Cli
from tests.support.deadlines import eventually
from tests.support.embedded_homes import Home, copied_code, embedded_home
from worker import dev_record, embedded, lifetime, processes
from worker.settings import Settings

MAIN = "import sys; sys.path.insert(0, sys.argv.pop(1)); from client.cli import main; main()"


@pytest.fixture(scope="module")
def module_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with embedded_home(tmp_path_factory.mktemp("dev"), copied_code(tmp_path_factory.mktemp("code"))) as home:
        yield home


@pytest.fixture
def home(module_home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setattr(embedded, "CODE_ROOT", module_home.code)
    monkeypatch.setenv("PERDURE_HOME", str(module_home.settings.home))
    monkeypatch.setenv("PERDURE_GRACEFUL_SHUTDOWN", "500ms")
    return module_home


@contextlib.contextmanager
def foreground(home: Home) -> Generator[subprocess.Popen[str]]:
    """Run `perdure dev`; the block begins when it has shown what runs."""
    shown = subprocess.Popen(
        [sys.executable, "-P", "-c", MAIN, str(home.code), "dev"],
        env=home.environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    with shown:
        try:
            assert shown.stderr is not None
            for line in shown.stderr:
                if "Ctrl-C" in line:
                    break
            yield shown
        finally:
            shown.kill()


@pytest.mark.server
def test_endpoint_is_the_same_when_asked_twice(home: Home):
    said: list[str] = []

    first = dev.ensure(report=said.append)
    second = dev.ensure(home.environment, said.append)

    assert first == second
    assert isinstance(first, Endpoint)
    assert first.is_embedded
    assert first.store == dev.embedded_store_location() == str(home.settings.home / "store")
    assert first.ui_url is not None
    assert (first.namespace, first.task_queue) == ("default", "perdure")
    assert len(said) == 2


@pytest.mark.server
def test_warm_command_imports_no_sdk_and_takes_little_time(home: Home):
    dev.ensure()
    script = (
        "import sys, time; sys.path.insert(0, sys.argv.pop(1))\n"
        "from client.dev import ensure\n"
        "before = time.perf_counter(); ensure(); print(time.perf_counter() - before)\n"
        "assert not {'temporalio', 'boto3', 'yaml'} & set(sys.modules)"
    )

    warm = subprocess.run(
        [sys.executable, "-P", "-c", script, str(home.code)],
        env=home.environment,
        capture_output=True,
        text=True,
        check=True,
    )

    # The target is 50 ms, on a machine that does nothing else; it takes about 5.
    assert float(warm.stdout) < 0.25


@pytest.mark.server
def test_status_tells_what_runs_and_what_does_not(home: Home, cli: Cli):
    endpoint = dev.ensure()

    running = json.loads(cli("dev", "status", "--json").out)
    text = cli("dev", "status").out
    assert cli("dev", "stop").err == "stopped\n"
    stopped = json.loads(cli("dev", "status", "--json").out)

    assert running["address"] == endpoint.address
    assert running["worker"]["is_current"]
    assert endpoint.address in text
    assert f"pid {running['server']['pid']}" in text
    assert stopped["address"] is stopped["server"] is stopped["worker"] is None
    assert "not running" in cli("dev", "status").out
    assert cli("dev", "stop").err == "nothing was running\n"


@pytest.mark.server
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_nothing_is_left_when_the_foreground_is_told_to_stop(home: Home, number: signal.Signals):
    with foreground(home) as shown:
        record = dev_record.read(home.settings.home)
        shown.send_signal(number)
        _, rest = shown.communicate(timeout=30)

    assert shown.returncode == 0
    assert "stopping" in rest
    assert record.server is not None
    assert record.worker is not None
    assert not processes.is_alive(record.server.identity)
    assert not processes.is_alive(record.worker.identity)


@pytest.mark.server
def test_foreground_heals_what_dies_and_ends_when_stopped_elsewhere(home: Home, cli: Cli):
    with foreground(home) as shown:
        worker = dev_record.read(home.settings.home).worker
        assert worker is not None
        os.kill(worker.pid, signal.SIGKILL)

        def is_healed() -> bool:
            now = dev_record.read(home.settings.home).worker
            return now is not None and now.pid != worker.pid and processes.is_alive(now.identity)

        eventually(is_healed)
        cli("dev", "stop")
        _, rest = shown.communicate(timeout=30)

    assert "stopped by `perdure dev stop`" in rest
    assert shown.returncode == 0


@pytest.fixture
def signals() -> Iterator[None]:
    """Give this process its own signal handlers back."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.server
@pytest.mark.usefixtures("signals")
@pytest.mark.parametrize("is_stopped_elsewhere", [False, True])
def test_foreground_shows_where_all_is_until_it_ends(
    home: Home, monkeypatch: pytest.MonkeyPatch, cli: Cli, is_stopped_elsewhere: bool
):
    endpoint = dev.ensure()
    monkeypatch.setattr(dev, "_WATCH_INTERVAL", 0.05)
    heal = embedded.heal

    def end_it(*arguments: Any) -> object:
        if is_stopped_elsewhere:
            embedded.end(home.settings)
        else:
            os.kill(os.getpid(), signal.SIGTERM)
        return heal(*arguments)

    monkeypatch.setattr(embedded, "heal", end_it)

    ran = cli("dev")

    assert ran.code == 0
    for part in (endpoint.address, endpoint.ui_url, endpoint.store):
        assert str(part) in ran.err
    assert ("stopped by `perdure dev stop`" if is_stopped_elsewhere else "stopping") in ran.err
    assert dev_record.read(home.settings.home).worker is None


def test_foreground_says_the_remedy_when_nothing_can_start(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PERDURE_HOME", str(tmp_path / "file"))

    ran = cli("dev")

    assert ran.code == 6
    assert "cannot be written" in ran.err
    assert "PERDURE_HOME" in ran.err


def test_worker_takes_options_before_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cli: Cli):
    served: list[Settings] = []
    monkeypatch.setattr(lifetime, "run", served.append)
    monkeypatch.setenv("PERDURE_STORE", "/elsewhere")
    monkeypatch.setenv("PERDURE_LIGHT_SLOTS", "3")

    ran = cli(
        "worker", "--task-queue", "team", "--store", str(tmp_path), "--profile", "prod", "--definitions", "inline"
    )

    assert ran.code == 0
    (settings,) = served
    assert (settings.task_queue, settings.store, settings.profile) == ("team", str(tmp_path), "prod")
    assert settings.definitions.inline
    assert settings.light_slots == 3
    assert not settings.is_embedded
    assert "team.agent" in ran.err


def test_worker_warns_when_its_store_is_on_this_machine_only(monkeypatch: pytest.MonkeyPatch, cli: Cli):
    monkeypatch.setattr(lifetime, "run", lambda _: None)

    assert "on this machine only" in cli("worker").err


@pytest.mark.parametrize("unfit", [False, True])
def test_embedded_worker_leaves_without_the_interpreters_exit(monkeypatch: pytest.MonkeyPatch, unfit: bool):
    given: list[object] = []

    class Left(BaseException):
        pass

    def leave(code: int) -> None:
        given.append(code)
        raise Left

    def run(settings: Settings, *, address: str, ready: int) -> None:
        given.extend([settings.is_embedded, address, ready])
        if unfit:
            raise EnvironmentUnfit("no store", "make one")

    monkeypatch.setattr(lifetime, "run", run)
    monkeypatch.setattr(processes, "leave", leave)

    with pytest.raises(Left):
        dev.embedded_worker(["--address", "127.0.0.1:7", "--ready", "5"])

    assert given == [True, "127.0.0.1:7", 5, 1 if unfit else 0]


def checks(environment: dict[str, str]) -> dict[str, dev.Check]:
    return {check.name: check for check in dev.doctor_checks(environment)}


def test_doctor_finds_all_well_when_the_program_is_there(tmp_path: Path):
    found = checks({**os.environ, "PERDURE_HOME": str(tmp_path / "home")})

    assert all(check.ok and check.remedy is None for check in found.values())
    assert "Server" in found["temporal server"].detail
    assert "not running" in found["embedded server"].detail
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("has_go", [False, True])
def test_doctor_says_what_would_happen_when_there_is_no_program(tmp_path: Path, has_go: bool):
    if has_go:
        (tmp_path / "go").write_text("#!/bin/sh\n")
        (tmp_path / "go").chmod(0o755)

    server = checks({"PATH": str(tmp_path), "HOME": str(tmp_path)})["temporal server"]

    assert server.ok == has_go
    assert ("built with Go" in server.detail) == has_go
    assert (server.remedy is None) == has_go


def test_doctor_names_the_variable_when_it_means_nothing(tmp_path: Path):
    environment = {"PATH": "", "HOME": str(tmp_path), "PERDURE_TEMPORAL_BIN": "/no/such/program"}

    assert "PERDURE_TEMPORAL_BIN" in checks(environment)["temporal server"].detail
    assert "PERDURE_AGENT_SLOTS" in checks({**environment, "PERDURE_AGENT_SLOTS": "none"})["settings"].detail


def test_doctor_sees_a_home_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    environment = {"PATH": "", "HOME": str(tmp_path), "PERDURE_HOME": str(tmp_path / "home")}
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert not checks(environment)["home folder"].ok

    monkeypatch.undo()
    full = shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    assert checks(environment)["home folder"].remedy == "free some space"


def test_doctor_sees_a_server_that_does_not_answer(tmp_path: Path):
    us = processes.identify(os.getpid())
    assert us is not None
    server = dev_record.ServerRecord(pid=us.pid, started=us.started, port=1, ui_port=2, version="v", binary="/b")
    dev_record.write(tmp_path, dev_record.DevRecord(server=server))

    found = checks({"PATH": "", "HOME": str(tmp_path), "PERDURE_HOME": str(tmp_path)})["embedded server"]

    assert not found.ok
    assert found.remedy == "run `perdure dev stop`"


@pytest.mark.server
def test_doctor_sees_a_server_that_answers(home: Home):
    endpoint = dev.ensure(home.environment)

    found = checks(home.environment)["embedded server"]

    assert found.ok
    assert endpoint.address in found.detail
