import json
import uuid

import pytest

from activities.store.opening import open_store
from client.earlier_logs import earlier_logs
from definitions.records import Ledger, StepRecord
from tests.client.conftest import Cli
from tests.client.test_run_command import wait_for


def new_id() -> str:
    return f"logs-{uuid.uuid4().hex[:8]}"


def test_log_is_read_where_the_record_says_when_a_step_came_from_another_run(tmp_path):
    store = open_store(tmp_path)
    store.write_document("runs/old/logs/a/2/log-00001", b"two\n")
    store.write_document("runs/old/logs/a/1/log-00001", b"one\n")
    store.write_document("runs/new/logs/b/1/log-00001", b"mine\n")
    steps = {
        "a": StepRecord(status="completed", log="runs/old/logs/a/2", kept_from="old"),
        "b": StepRecord(status="completed", log="runs/new/logs/b/1"),
        "c": StepRecord(status="completed", kept_from="old"),
    }
    (found,) = earlier_logs(store, "new", None, steps)
    assert (found.step, found.run, found.is_kept) == ("a", "old", True)
    assert [(chunk.step, chunk.attempt, chunk.key) for chunk in found.chunks] == [
        ("a", 2, "runs/old/logs/a/2/log-00001")
    ]
    assert earlier_logs(store, "new", "c", steps) == []


def test_log_is_found_under_the_same_path_when_the_inside_of_what_was_kept_is_put_away(tmp_path):
    store = open_store(tmp_path)
    store.write_document("runs/old/logs/epics%5BE-1%5D%2Fdesign/1/log-00001", b"design\n")
    steps = {"epics[E-1]": StepRecord(status="completed", kept_from="old")}
    (found,) = earlier_logs(store, "new", "epics[E-1]/design", steps)
    assert (found.run, [chunk.step for chunk in found.chunks]) == ("old", ["epics[E-1]/design"])
    assert earlier_logs(store, "new", "epics[E-2]/design", steps) == []


def test_record_with_a_strange_log_is_passed_over(tmp_path):
    steps = {"a": StepRecord(status="completed", log="somewhere/else"), "b": StepRecord(log="runs/x/logs/b/first")}
    assert earlier_logs(open_store(tmp_path), "new", None, steps) == []


def test_cached_step_says_which_run_printed_its_log(cli: Cli, tmp_path, monkeypatch):
    monkeypatch.setenv("PERDURE_STORE", str(tmp_path))
    store = open_store(tmp_path)
    ledger = Ledger(records={"a": StepRecord(status="completed", cached=True, log="runs/old/logs/a/1")})
    store.write_document("runs/new/ledger.json", ledger.model_dump_json().encode())
    store.write_document("runs/old/logs/a/1/log-00001", b"built\n")
    ran = cli("logs", "new", "a")
    assert ran.out == "built\n"
    assert ran.err == "note: `a` was made by the run `old` and found in the cache\n"


@pytest.mark.server
def test_logs_of_a_rerun_show_what_kept_steps_printed(settled, cli: Cli, write, tmp_path):
    text = (
        "name: kept\nworkspace: {from: none}\nsteps:\n"
        "  - {id: all, type: group, for_each: {items: [x, y]}, "
        "steps: [{id: say, type: shell, command: 'echo {{ item }}'}]}\n"
        f"  - {{id: bad, type: shell, command: 'echo mine; test -e {tmp_path}/flag'}}\n"
    )
    first, again = new_id(), new_id()
    assert cli("run", write(text), "--id", first).code == 1
    assert cli("rerun", first, "--failed", "--id", again).code == 1
    one = cli("logs", again, "all[0]/say")
    assert (one.out, one.err) == ("x\n", f"note: `all[0]/say` was made by the run `{first}` and kept\n")
    both = cli("logs", again, "all")
    assert both.out == "==> all[0]/say <==\nx\n==> all[1]/say <==\ny\n"
    assert both.err == f"note: `all[0]/say` to `all[1]/say` (2 steps) were made by the run `{first}` and kept\n"
    assert cli("logs", again, "all", "-f").out == both.out
    lines = [json.loads(line) for line in cli("logs", again, "all[1]", "--json").out.splitlines()]
    assert lines == [{"step": "all[1]/say", "attempt": 1, "text": "y\n", "run": first}]
    whole = cli("logs", again)
    assert whole.out == "==> bad <==\nmine\n"
    assert (
        whole.err
        == f"note: 2 steps were kept or found in the cache; `perdure logs {again} STEP` has what one printed\n"
    )


@pytest.mark.server
def test_logs_of_a_living_rerun_show_what_kept_steps_printed(settled, cli: Cli, write):
    text = (
        "name: kept\nworkspace: {from: none}\nsteps:\n"
        "  - {id: say, type: shell, command: echo said}\n  - {id: ok, type: approval, allow_self: true}\n"
    )
    first, again = new_id(), new_id()
    file = write(text)
    assert cli("run", file, "--id", first, "--timeout", "3s").code == 5
    assert cli("reject", first, "ok", "--reason", "no").code == 0
    wait_for(lambda: "rejected" in cli("show", first).out)
    assert cli("rerun", first, "--failed", "--id", again, "--detach").code == 0
    wait_for(lambda: json.loads(cli("show", again, "--json").out)["pending_approvals"])
    ran = cli("logs", again, "say")
    assert (ran.out, ran.err) == ("said\n", f"note: `say` was made by the run `{first}` and kept\n")
    assert cli("logs", again, "ok").err == "nothing was printed\n"
    assert "error[unknown-step]" in cli("logs", again, "okay").err
    assert cli("cancel", again).code == 0
