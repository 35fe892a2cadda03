import json
import subprocess
from types import SimpleNamespace

import pytest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from client import starting
from client.open_gates import find_gates
from client.starting import new_execution_id, start_run, static_details, user_name
from tests.client.test_run_command import GATED, HELLO, new_id, wait_for

pytestmark = pytest.mark.server
WITH_FILES = HELLO.replace("workspace: {from: none}\n", "")


def test_workspace_is_snapshot_at_start_and_its_notes_are_said(settled, cli, write, tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "a.txt").write_text("x")
    subprocess.run(["mkfifo", str(folder / "pipe")], check=True)
    run_id = new_id()
    ran = cli("run", write(WITH_FILES), "--workspace", str(folder), "--id", run_id)
    assert ran.code == 0, ran.err
    assert "pipe" in ran.err
    status = json.loads(cli("show", run_id, "--json").out)
    assert status["tree_before"] == status["tree"]
    assert cli("diff", run_id).err == "the run changed no files\n"


def test_home_folder_is_refused_and_nothing_started(settled, cli, write, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    run_id = new_id()
    ran = cli("run", write(WITH_FILES), "--workspace", str(tmp_path), "--id", run_id)
    assert (ran.code, "is a home folder" in ran.err) == (1, True)
    assert cli("show", run_id).code == 2


def refused_once(monkeypatch, *errors):
    """Have the server refuse starts; return what each start asked for."""
    asked, original, waiting = [], Client.start_workflow, list(errors)

    async def start(self, *arguments, **options):
        asked.append(options)
        if waiting:
            raise waiting.pop(0)
        return await original(self, *arguments, **options)

    monkeypatch.setattr(Client, "start_workflow", start)
    return asked


def invalid(text):
    return RPCError(text, RPCStatusCode.INVALID_ARGUMENT, b"")


def test_run_is_started_without_search_attributes_where_the_namespace_has_none(settled, cli, write, monkeypatch):
    message = "Namespace default has no mapping defined for search attribute PerdureDefinition"
    asked = refused_once(monkeypatch, invalid(message))
    assert cli("run", write(HELLO)).code == 0
    assert [options["search_attributes"] is None for options in asked] == [False, True]


@pytest.mark.parametrize("errors", [[invalid("too big")], [invalid("no search attribute"), invalid("too big")]])
def test_refused_start_is_told_with_the_servers_reason(settled, cli, write, monkeypatch, errors):
    refused_once(monkeypatch, *errors)
    ran = cli("run", write(HELLO))
    assert (ran.code, "error[start-refused]: the server refused to start the run: too big" in ran.err) == (1, True)


def test_details_for_the_web_ui_hold_inputs_and_cannot_be_broken_out_of(write):
    from client.request_files import require_definition

    definition = require_definition(write(HELLO)).definition
    text = static_details(definition, {"who": "`x` | y\n# z"}, "r-1")
    assert text.splitlines()[-1] == "| `who` \u00a0 | `'x' \u2502 y # z` |"
    assert "`perdure watch r-1`" in text
    assert "| input" not in static_details(definition, {}, "r-1")


def test_ids_name_the_definition_and_the_day_and_differ():
    first, second = new_execution_id("fix"), new_execution_id("fix")
    assert first != second
    assert first.startswith("fix-20")


def test_user_without_a_name_is_unknown(monkeypatch):
    def nameless():
        raise KeyError("uid not found")

    monkeypatch.setattr(starting.getpass, "getuser", nameless)
    assert user_name() == "unknown"


async def test_caller_environment_goes_along_only_to_the_embedded_default(monkeypatch, write, tmp_path):
    from client.request_files import require_definition

    sent = []

    async def take(_connection, _execution_id, message, _definition):
        sent.append(message)

    monkeypatch.setattr(starting, "send_start", take)
    monkeypatch.setenv("VIRTUAL_ENV", "/venv")
    request = starting.Request(require_definition(write(HELLO)), {}, tmp_path)
    for is_embedded in (True, False):
        connection = SimpleNamespace(endpoint=SimpleNamespace(is_embedded=is_embedded))
        await start_run(connection, request)
    assert sent[0].caller_environment["VIRTUAL_ENV"] == "/venv"
    assert sent[1].caller_environment is None


def test_gates_are_found_among_all_live_runs_where_the_namespace_has_no_attributes(settled, cli, write, monkeypatch):
    run_id = new_id()
    cli("run", write(GATED), "--id", run_id, "--detach")
    wait_for(lambda: cli("gates", run_id).out)
    original = find_gates.__globals__["_ids"]

    async def without_attributes(connection, listing):
        if "PerdureOpenGates" in listing:
            raise invalid("unknown attribute")
        return [run_id] if run_id in await original(connection, listing) else []

    monkeypatch.setitem(find_gates.__globals__, "_ids", without_attributes)
    wait_for(lambda: run_id in cli("gates").out)
