import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

import pytest

from client.commands import run as run_module
from client.starting import environment_of
from definitions.loader import load
from definitions.statuses import Status

pytestmark = pytest.mark.server

HELLO = """
name: hello
description: Greets
workspace: {from: none}
inputs: {who: {default: world}}
steps:
  - {id: greet, type: shell, command: "echo hello"}
  - {id: check, type: assert, condition: 'steps.greet.outputs.stdout == "hello"'}
"""
FAILING = """
name: failing
workspace: {from: none}
steps:
  - {id: build, type: shell, command: "echo first; echo cannot build; exit 3"}
"""
FLAGGED = FAILING.replace('exit 3"', 'exit 3", on_failure: continue')
GATED = """
name: gated
workspace: {from: none}
steps:
  - {id: plan_ok, type: approval, message: "Do it?", show: {plan: "line 1"}}
  - {id: after, type: shell, command: "echo done"}
"""
ENDLESS = """
name: endless
workspace: {from: none}
steps:
  - {id: hold, type: shell, command: "sleep 600"}
"""


def new_id() -> str:
    return f"run-{uuid.uuid4().hex[:8]}"


def test_run_ends_with_zero_and_says_each_transition(settled, cli, write):
    ran = cli("run", write(HELLO))
    assert ran.code == 0, ran.err
    assert "greet  completed" in ran.err
    assert ran.err.splitlines()[0] == f"server {settled.address}, namespace default"
    assert ran.err.splitlines()[-1].startswith("completed  hello-")
    assert ran.out == ""


def test_run_json_is_events_without_gaps_and_last_the_record(settled, cli, write):
    run_id = new_id()
    ran = cli("run", write(HELLO), "--json", "--id", run_id)
    lines = [json.loads(line) for line in ran.out.splitlines()]
    assert [line["sequence"] for line in lines[:-1]] == list(range(1, len(lines)))
    assert lines[-2]["type"] == "run_completed"
    assert (lines[-1]["execution_id"], lines[-1]["status"]) == (run_id, "completed")
    assert Status.model_validate(lines[-1]).steps["greet"].outputs == {"stdout": "hello", "exit_code": 0}


def test_run_fails_with_step_reason_log_and_next_command_when_a_step_fails(settled, cli, write):
    run_id = new_id()
    ran = cli("run", write(FAILING), "--id", run_id)
    assert ran.code == 1
    assert "error[exit]: step `build`: the script ended with exit code 3" in ran.err
    assert "    | cannot build" in ran.err
    assert f"next: perdure logs {run_id} build" in ran.err


def test_completed_run_with_a_failed_step_is_a_failure_only_when_strict(settled, cli, write):
    file = write(FLAGGED)
    lenient, strict = cli("run", file), cli("run", file, "--strict")
    assert (lenient.code, strict.code) == (0, 1)
    assert "failed on the way: build" in lenient.err


def test_run_is_started_with_inputs_of_file_and_command_line(settled, cli, write, tmp_path):
    (tmp_path / "in.yaml").write_text("who: file\n")
    run_id = new_id()
    assert cli("run", write(HELLO), "--inputs", "in.yaml", "-i", "who=line", "--id", run_id).code == 0
    assert json.loads(cli("show", run_id, "--json").out)["inputs"] == {"who": "line"}


def test_id_that_is_taken_is_refused_and_nothing_started(settled, cli, write):
    run_id = new_id()
    assert cli("run", write(HELLO), "--id", run_id).code == 0
    again = cli("run", write(HELLO), "--id", run_id)
    assert again.code == 2
    assert f"error[taken-id]: a run called `{run_id}` exists already" in again.err


def test_detach_prints_the_id_and_watch_ends_with_the_exit_code_of_the_run(settled, cli, write):
    started = cli("run", write(FAILING), "--detach")
    assert started.code == 0
    watched = cli("watch", started.out.strip())
    assert watched.code == 1
    assert "build  failed  exit: the script ended with exit code 3" in watched.err


def test_detach_json_prints_a_record(settled, cli, write):
    record = json.loads(cli("run", write(HELLO), "--detach", "--json").out)
    assert (record["definition_id"], record["status"]) == ("hello", "pending")


def test_watching_an_ended_run_tells_all_its_events(settled, cli, write):
    run_id = new_id()
    cli("run", write(HELLO), "--id", run_id)
    watched = cli("watch", run_id, "--json")
    events = [json.loads(line) for line in watched.out.splitlines()][:-1]
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert events[0]["type"] == "run_started"


def test_watch_says_that_there_is_no_such_run(settled, cli):
    ran = cli("watch", "never-was")
    assert ran.code == 2
    assert "error[unknown-run]: no run is called `never-was`" in ran.err


def test_timeout_ends_the_watching_not_the_run_when_a_gate_waits(settled, cli, write):
    run_id = new_id()
    ran = cli("run", write(GATED), "--id", run_id, "--timeout", "1s")
    assert ran.code == 5
    assert "plan_ok  waits for a decision: Do it?" in ran.err
    assert "plan: line 1" in ran.err
    assert f"perdure approve {run_id} plan_ok" in ran.err
    assert f"come back: perdure watch {run_id}" in ran.err
    assert json.loads(cli("show", run_id, "--json").out)["status"] == "waiting_approval"


def test_timeout_with_json_ends_with_the_record_as_it_is(settled, cli, write):
    ran = cli("run", write(GATED), "--timeout", "500ms", "--json")
    assert ran.code == 5
    assert json.loads(ran.out.splitlines()[-1])["status"] == "waiting_approval"


def test_rejected_run_ends_with_four_and_cancelled_with_three(settled, cli, write):
    rejected = cli("run", write(GATED), "--detach").out.strip()
    cancelled = cli("run", write(ENDLESS), "--detach").out.strip()
    wait_for(lambda: cli("gates", rejected).out)
    assert cli("reject", rejected, "--reason", "not now").code == 0
    assert cli("cancel", cancelled, "--reason", "wrong branch").code == 0
    assert cli("watch", rejected).code == 4
    assert cli("watch", cancelled).code == 3


def test_bad_definition_is_seven_and_no_server_is_asked(cli, write, monkeypatch):
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    ran = cli("run", write("name: x\nsteps: [{id: a, type: shel, command: b}]"))
    assert ran.code == 7
    assert "error[" in ran.err
    assert "server" not in ran.err


def test_bad_inputs_are_seven_and_all_are_named(cli, write):
    ran = cli("run", write(HELLO), "-i", "wo=1")
    assert ran.code == 7
    assert "unknown-input" in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--provider", "codex"], "the provider `codex` is planned"),
        (["--provider", "claude"], "no provider is called `claude`"),
        (["--workspace", "nowhere"], "`nowhere` is not a folder"),
        (["--inputs", "nowhere.yaml"], "the file `nowhere.yaml` does not exist"),
        (["--timeout", "soon"], "a duration is a number with a unit"),
        (["--id", "a b"], "cannot be the id of a run"),
    ],
)
def test_wrong_option_values_are_usage_errors(cli, write, arguments, said):
    ran = cli("run", write(HELLO), *arguments)
    assert ran.code == 2
    assert said in ran.err


def test_script_must_be_a_mapping(cli, write, tmp_path):
    (tmp_path / "s.yaml").write_text("- a\n")
    ran = cli("run", write(HELLO), "--script", str(tmp_path / "s.yaml"))
    assert ran.code == 7
    assert "holds no mapping" in ran.err


def test_env_names_that_a_definition_uses_are_taken_from_the_caller():
    text = """
name: e
steps:
  - {id: a, type: group, steps: [{id: b, type: shell, command: "echo {{ env.ONE }}"}]}
  - {id: c, type: assert, condition: 'env.TWO == "x"'}
"""
    definition = load(text, "e.yaml").definition
    assert definition is not None
    assert environment_of(definition, {"ONE": "1", "OTHER": "2"}) == {"ONE": "1"}


def wait_for(condition, limit: float = 20.0):
    deadline = time.monotonic() + limit
    while not (found := condition()):
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.02)
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_detaches_and_says_how_to_come_back(settled, cli, write, number):
    run_id = new_id()
    argv = [sys.executable, "-c", "from client.cli import main; main()", "run", write(GATED), "--id", run_id]
    environment = {**os.environ, "PYTHONPATH": str(Path(run_module.__file__).parents[2])}
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    said: list[str] = []
    reader = threading.Thread(target=lambda: said.extend(process.stderr or ()))
    reader.start()
    try:
        wait_for(lambda: any("waits for a decision" in line for line in said))
        process.send_signal(number)
        assert process.wait(10) == 130
    finally:
        process.kill()
        reader.join()
        process.communicate()
    assert f"detached; the run goes on: {run_id}\n" in said
    assert f"  come back: perdure watch {run_id}\n" in said
    assert json.loads(cli("show", run_id, "--json").out)["status"] == "waiting_approval"


def test_terminal_gets_a_tree_that_is_redrawn_and_the_last_words(settled, write):
    master, slave = pty.openpty()
    argv = [sys.executable, "-c", "from client.cli import main; main()", "run", write(HELLO)]
    root = str(Path(run_module.__file__).parents[2])
    environment = {key: value for key, value in os.environ.items() if key != "CI"}
    environment |= {"PYTHONPATH": root, "TERM": "xterm-256color"}
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=slave, env=environment, cwd=settled.store)
    os.close(slave)
    said = b""
    try:
        with contextlib.suppress(OSError):  # how Linux tells that the other side is closed
            while content := os.read(master, 4096):
                said += content
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate()
        os.close(master)
    text = said.decode()
    assert "✓" in text
    assert "greet" in text
    assert "completed  hello-" in text
    assert "\x1b[?25h" in text, "the cursor is shown again"
