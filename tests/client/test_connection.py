import json

import pytest

from client import connection, machine_checks
from client.connection import connect, offline_store, run_connected
from client.endpoint import Endpoint
from client.exit_codes import ExitCode
from client.output import Problem
from definitions.errors import EnvironmentUnfit
from tests.support.plugin_packages import greeting


async def address(found):
    return found.client.service_client.config.target_host


def test_unreachable_server_is_six_with_the_address(cli, monkeypatch, tmp_path):
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    monkeypatch.setenv("PERDURE_STORE", str(tmp_path))
    ran = cli("list")
    assert ran.code == 6
    assert "error[no-server]: the server at `127.0.0.1:1` cannot be reached" in ran.err
    assert "WARN" not in ran.err


def test_named_server_without_a_store_is_refused_with_the_variable(cli, monkeypatch):
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    for command in (["list"], ["diff", "x"]):
        ran = cli(*command)
        assert (ran.code, "`PERDURE_STORE`" in ran.err) == (2, True)


def test_profile_that_is_not_there_is_refused(cli, monkeypatch, tmp_path):
    monkeypatch.setenv("PERDURE_STORE", str(tmp_path))
    ran = cli("list", "--profile", "nobody")
    assert (ran.code, "error[profile-unreadable]: the profile `nobody`" in ran.err) == (2, True)


@pytest.mark.server
def test_profile_of_the_temporal_cli_is_used(cluster, monkeypatch, tmp_path):
    config = tmp_path / "temporal.toml"
    config.write_text(f'[profile.team]\naddress = "{cluster.address}"\nnamespace = "default"\n')
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(config))
    monkeypatch.setenv("PERDURE_STORE", str(tmp_path))
    assert run_connected(address, "team") == cluster.address


@pytest.mark.server
def test_embedded_endpoint_is_used_when_no_server_is_named(cluster, monkeypatch, tmp_path):
    endpoint = Endpoint(cluster.address, "default", "q", str(tmp_path), "http://ui", is_embedded=True)
    monkeypatch.setattr("client.dev.ensure", lambda: endpoint)
    found = run_connected(itself, None)
    assert found.endpoint is endpoint
    assert found.store.location == str(tmp_path)


async def itself(found):
    return found


async def test_server_that_cannot_be_started_is_six_with_the_remedy(monkeypatch):
    def unfit():
        raise EnvironmentUnfit("no binary", "install it")

    monkeypatch.setattr("client.dev.ensure", unfit)
    with pytest.raises(Problem) as caught:
        await connect(None)
    assert (caught.value.code, caught.value.remedy) == (ExitCode.NO_SERVER, "install it")


async def test_server_that_does_not_answer_in_time_is_six(monkeypatch):
    import asyncio

    async def for_ever(*_arguments, **_options):
        await asyncio.Event().wait()

    monkeypatch.setattr("temporalio.client.Client.connect", for_ever)
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 0.01)
    monkeypatch.setattr("client.dev.ensure", lambda: Endpoint("h:1", "n", "q", "s", None, is_embedded=True))
    with pytest.raises(Problem) as caught:
        await connect(None)
    assert "no answer within 0.01 s" in caught.value.message


@pytest.mark.server
def test_server_error_in_the_middle_is_six(settled):
    from temporalio.service import RPCError, RPCStatusCode

    async def fail(_connection):
        raise RPCError("went away", RPCStatusCode.UNAVAILABLE, b"")

    with pytest.raises(Problem) as caught:
        run_connected(fail, None)
    assert (caught.value.code, "went away" in caught.value.message) == (6, True)


def test_offline_store_is_that_of_the_embedded_default_when_nothing_is_set(monkeypatch, tmp_path):
    monkeypatch.setenv("PERDURE_HOME", str(tmp_path))
    assert offline_store(None).location == str(tmp_path / "store")


# --- doctor ---------------------------------------------------------------------------------------------


def test_doctor_checks_the_embedded_default_and_starts_nothing(cli, monkeypatch, tmp_path):
    monkeypatch.setenv("PERDURE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    ran = cli("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(ran.out)}
    assert checks["python"]["state"] == "ok"
    assert checks["store"]["message"] == str(tmp_path / "store")
    assert checks["claude-code"]["state"] == "warning"
    assert checks["embedded server"]["message"].startswith("not running")


@pytest.mark.server
def test_doctor_asks_the_named_server(settled, cli):
    said = cli("doctor").out
    assert f"ok      server: {settled.address}, namespace default, queue {settled.task_queue}" in said


def test_doctor_is_one_when_something_needed_is_missing(cli, monkeypatch, tmp_path):
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    (tmp_path / "file").touch()
    monkeypatch.setenv("PERDURE_STORE", str(tmp_path / "file"))
    ran = cli("doctor")
    assert ran.code == 1
    assert "failed  server: the server at `127.0.0.1:1`" in ran.out
    assert "failed  store: " in ran.out
    monkeypatch.delenv("PERDURE_STORE")
    assert "failed  store: a server is named, but not the store" in cli("doctor").out


def test_doctor_finds_an_agent_and_an_old_python(monkeypatch, tmp_path):
    program = tmp_path / "claude"
    program.touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert next(iter(machine_checks.agent_checks())).message == str(program)
    monkeypatch.setattr(machine_checks, "LOWEST_PYTHON", (99, 0))
    assert machine_checks.python_check().state == "failed"


async def test_server_that_is_not_healthy_yet_is_asked_again(monkeypatch):
    answers = [RuntimeError("Frontend is not healthy yet"), "a client"]

    async def answer(*_arguments, **_options):
        found = answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr("temporalio.client.Client.connect", answer)
    monkeypatch.setattr(connection, "NOT_HEALTHY_PAUSE_SECONDS", 0)
    assert await connection.open_client({"target_host": "h:1"}) == "a client"


def test_doctor_says_which_packages_bring_step_types_and_which_clash(tmp_path):
    assert list(machine_checks.package_checks()) == []
    with greeting(tmp_path / "kind-words"):
        (fine,) = machine_checks.package_checks()
        with greeting(tmp_path / "warm-words"):
            (clash,) = machine_checks.package_checks()
    assert (fine.state, fine.message) == ("ok", "packages bring `greet`")
    assert (clash.state, clash.remedy) == ("warning", "uninstall all but one")
