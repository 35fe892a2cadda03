import json
import sys
from types import SimpleNamespace

import pytest
from temporalio.client import WorkflowQueryFailedError
from temporalio.service import RPCError, RPCStatusCode

from activities.store.keys import encode_name
from activities.store.opening import open_store
from client import runs
from client.cli import run
from client.commands import inspect, logs
from client.output import Problem, coloured, one_line, plain
from client.step_logs import last_lines
from definitions.records import StepError, Usage
from definitions.statuses import Status, StepStatus
from tests.client.test_run_command import FAILING, GATED, HELLO, new_id, wait_for

server = pytest.mark.server


@server
def test_list_shows_runs_newest_first_and_filters_by_state_and_definition(settled, cli, write):
    failing, hello = new_id(), new_id()
    cli("run", write(FAILING.replace("name: failing", "name: listed-failing")), "--id", failing)
    cli("run", write(HELLO.replace("name: hello", "name: listed-hello")), "--id", hello)

    def ids(*options):
        return [line["execution_id"] for line in json.loads(cli("list", "--json", "--limit", "200", *options).out)]

    wait_for(lambda: {failing, hello} <= set(ids("--status", "failed", "--status", "completed")))
    listed = ids()
    assert listed.index(hello) < listed.index(failing)
    assert failing in ids("--status", "failed")
    assert hello not in ids("--status", "failed")
    assert ids("--definition", "listed-hello") == [hello]
    table = cli("list", "--definition", "listed-hello").out.splitlines()
    assert table[0].split() == ["ID", "DEFINITION", "STATUS", "GATES", "STARTED", "DURATION"]
    assert table[1].startswith(f"{hello}  listed-hello  completed")


@server
def test_list_says_on_stderr_that_there_are_none(settled, cli):
    ran = cli("list", "--definition", "nobody-has-this")
    assert (ran.out, ran.err) == ("", "no runs\n")
    assert cli("list", "--definition", "nobody-has-this", "--json").out == "[]\n"


@server
def test_show_prints_steps_error_and_the_next_command(settled, cli, write):
    run_id = new_id()
    cli("run", write(FAILING), "--id", run_id)
    shown = cli("show", run_id)
    assert shown.code == 0
    assert shown.out.startswith(f"failed  {run_id}")
    assert "error[exit]: step `build`: the script ended with exit code 3" in shown.out
    assert f"perdure logs {run_id} build" in shown.out


@server
def test_show_names_the_open_gate_and_its_commands(settled, cli, write):
    run_id = new_id()
    cli("run", write(GATED), "--id", run_id, "--detach")
    wait_for(lambda: cli("gates", run_id).out)
    shown = cli("show", run_id).out
    assert "waits for a decision: plan_ok: Do it?" in shown
    assert f"perdure approve {run_id} plan_ok" in shown


@server
def test_show_reads_the_store_when_the_server_has_forgotten_the_run(settled, cli):
    store = open_store(settled.store)
    forgotten = Status(
        execution_id="old one/2",
        definition_id="d",
        status="rejected",
        error=StepError(type="rejected", message="no", step="ok"),
        steps={"ok": StepStatus(status="failed", type="approval", reason="\x1b[2Jno")},
    )
    run_id = "old-one/2"
    store.write_document(f"runs/{encode_name(run_id)}/run.json", forgotten.model_dump_json().encode())
    shown = cli("show", run_id)
    assert shown.code == 0
    assert "rejected" in shown.out
    assert "\x1b" not in shown.out
    assert cli("watch", run_id).code == 4


@server
def test_unknown_run_is_a_usage_error_for_every_command(settled, cli):
    for arguments in (
        ["show"],
        ["watch"],
        ["logs"],
        ["pause"],
        ["resume"],
        ["cancel"],
        ["approve"],
        ["gates"],
        ["diff"],
    ):
        ran = cli(*arguments, "nobody")
        assert (ran.code, "error[unknown-run]" in ran.err) == (2, True), arguments


@server
def test_logs_print_each_step_with_a_head_and_one_step_bare(settled, cli, write):
    run_id = new_id()
    cli("run", write(FAILING), "--id", run_id)
    assert cli("logs", run_id).out == "==> build <==\nfirst\ncannot build\n"
    assert cli("logs", run_id, "build").out == "first\ncannot build\n"
    assert cli("logs", run_id, "-f").out == "==> build <==\nfirst\ncannot build\n"


@server
def test_logs_say_why_nothing_comes(settled, cli, write):
    run_id = new_id()
    cli("run", write(HELLO), "--id", run_id)
    assert "error[unknown-step]" in cli("logs", run_id, "biuld").err
    assert cli("logs", run_id, "check").err == "nothing was printed\n"


@server
def test_logs_follow_a_live_run_to_its_end(settled, cli, write, tmp_path):
    text = HELLO.replace("echo hello", "echo hello; until test -e go; do sleep 0.02; done").replace(
        "echo", f"cd {tmp_path}; echo"
    )
    run_id = new_id()
    cli("run", write(text), "--id", run_id, "--detach")
    wait_for(lambda: json.loads(cli("show", run_id, "--json").out)["steps"])
    (tmp_path / "go").touch()
    assert cli("logs", run_id, "greet", "-f").out == "hello\n"


def test_logs_on_a_terminal_keep_colour_and_lose_every_other_escape(cli, tmp_path, monkeypatch):
    monkeypatch.setenv("PERDURE_STORE", str(tmp_path))
    store = open_store(tmp_path)
    content = b"\x1b[31mred\x1b[0m \x1b]0;title\x07\x1b[2J\xc2\x9bplain\r\n\xff"
    store.write_document("runs/r/logs/a/1/log-00001", content)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    said = cli("logs", "r", "a").out
    assert said == "\x1b[31mred\x1b[0m plain\n\ufffd"


def test_last_lines_are_of_the_latest_attempt(tmp_path):
    store = open_store(tmp_path)
    store.write_document("runs/r/logs/a/1/log-00001", b"old\n")
    store.write_document("runs/r/logs/a/2/log-00001", b"1\n2\n3\n")
    store.write_document("runs/r/logs/a/2/odd/log", b"ignored")
    assert last_lines(store, "r", "a", 2) == ["2", "3"]
    assert last_lines(store, "r", "b", 2) == []


@pytest.mark.parametrize(
    ("hostile", "safe"),
    [
        ("a\x1b[2Jb", "ab"),
        ("\x1b]52;c;aGk=\x07x", "x"),
        ("\x1bPq#0\x1b\\x", "x"),
        ("a\x9b2Jb", "a2Jb"),
        ("\x1b", ""),
        ("\u202eabc", "abc"),
        ("a\r\nb\rc\td", "a\nb\nc\td"),
    ],
)
def test_plain_text_holds_nothing_that_a_terminal_acts_on(hostile, safe):
    assert plain(hostile) == safe


def test_coloured_text_keeps_colours_only():
    assert coloured("\x1b[1;31mx\x1b[0m\x1b[5A") == "\x1b[1;31mx\x1b[0m"


def test_one_line_is_one_line_and_short():
    assert one_line("a\n b\t\x1b[2Jc") == "a b c"
    assert one_line("x" * 300, 10) == "x" * 9 + "…"


def test_show_tells_what_is_special_about_a_step(capsys):
    steps = {
        "hit": StepStatus(status="completed", cached=True, attempt=1, usage=Usage(usd=0.25), notes=["replaced"]),
        "lost": StepStatus(status="failed", handled=True, error=StepError(type="exit", message="no", step="lost")),
        "left": StepStatus(status="skipped", reason="`when` is false", summary="nothing to do"),
    }
    inspect._show_run(Status(execution_id="r", definition_id="d", status="running", steps=steps))
    said = capsys.readouterr().out
    assert "from the cache, $0.25, replaced" in said
    assert "exit: no, handled" in said
    assert "`when` is false, nothing to do" in said


def test_logs_json_is_a_line_a_piece(cli, tmp_path, monkeypatch):
    monkeypatch.setenv("PERDURE_STORE", str(tmp_path))
    open_store(tmp_path).write_document("runs/r/logs/a%2Fb/2/log-00001", b"x\xff\n")
    assert json.loads(cli("logs", "r", "--json").out) == {"step": "a/b", "attempt": 2, "text": "x\ufffd\n"}


@pytest.mark.parametrize(
    ("ended_as", "recorded", "state"),
    [
        ("COMPLETED", "running", "completed"),
        ("FAILED", "rejected", "rejected"),
        ("FAILED", "running", "failed"),
        ("CANCELED", None, "cancelled"),
        ("TERMINATED", "running", "failed"),
        ("TIMED_OUT", None, "failed"),
        ("RUNNING", "waiting_approval", "waiting_approval"),
        ("CONTINUED_AS_NEW", None, "running"),
    ],
)
def test_listed_state_is_the_servers_on_ended_runs_and_the_runs_own_on_live_ones(ended_as, recorded, state):
    assert runs._state(SimpleNamespace(status=SimpleNamespace(name=ended_as)), recorded) == state


def failing_query(error):
    async def query(*_arguments, **_options):
        raise error

    return SimpleNamespace(handle=lambda _id: SimpleNamespace(query=query))


@pytest.mark.parametrize(
    ("error", "meant"),
    [
        (WorkflowQueryFailedError("unknown query"), runs.NoAnswer),
        (RPCError("no poller seen", RPCStatusCode.FAILED_PRECONDITION, b""), runs.NoAnswer),
        (RPCError("too long", RPCStatusCode.DEADLINE_EXCEEDED, b""), runs.NoAnswer),
        (RPCError("gone", RPCStatusCode.UNAVAILABLE, b""), RPCError),
        (RPCError("no such workflow", RPCStatusCode.NOT_FOUND, b""), Problem),
    ],
)
async def test_query_that_fails_is_told_apart_by_why(error, meant):
    with pytest.raises(meant):
        await runs.query(failing_query(error), "r", "status")


async def test_following_logs_goes_on_while_no_worker_answers(monkeypatch, tmp_path, capsys):
    answers = [runs.NoAnswer("away"), Status(execution_id="r", definition_id="d", status="completed")]

    async def current(*_arguments):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(runs, "current_status", current)
    monkeypatch.setattr(logs, "FOLLOW_SECONDS", 0)
    store = open_store(tmp_path)
    store.write_document("runs/r/logs/a/1/log-00001", b"x\n")
    printer = logs.Printer("a", as_json=False)
    await logs._follow(SimpleNamespace(store=store), "r", "a", printer)
    assert (capsys.readouterr().out, answers) == ("x\n", [])


def test_logs_into_a_file_are_the_bytes_as_they_came(tmp_path, monkeypatch, capsysbinary):
    monkeypatch.setenv("PERDURE_STORE", str(tmp_path))
    open_store(tmp_path).write_document("runs/r/logs/a/1/log-00001", b"\xff\x1b[2Jx\r\n")
    assert run(["logs", "r", "a"]) == 0
    assert capsysbinary.readouterr().out == b"\xff\x1b[2Jx\r\n"
