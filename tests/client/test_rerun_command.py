import asyncio
import json
import uuid

import pytest

from client.connection import connect
from client.recall import recalled
from definitions.messages import WORKFLOW_TYPE
from tests.client.conftest import Cli, Cluster, Write
from tests.support.threaded_worker import ThreadedWorker

pytestmark = pytest.mark.server

EPICS = """
name: epics
workspace: {{from: none}}
inputs: {{who: {{default: Ada}}}}
steps:
  - id: epics
    type: group
    for_each: {{items: [{{id: E-1}}, {{id: E-2}}, {{id: E-3}}], as: epic, on_error: continue}}
    steps:
      - {{id: design, type: shell, command: "echo {{{{ epic.id }}}} >> {log}"}}
      - {{id: build, type: shell, command: "test {{{{ epic.id }}}} != E-2 || test -e {flag}"}}
  - {{id: report, type: shell, command: "echo {{{{ inputs.who }}}}"}}
"""


def new_id() -> str:
    return f"rerun-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def failed(settled: Cluster, cli: Cli, write: Write, tmp_path) -> str:
    """Run the epics, of which the second fails; return the run's id."""
    run_id = new_id()
    ran = cli("run", write(EPICS.format(log=tmp_path / "log", flag=tmp_path / "flag")), "--id", run_id)
    assert ran.code == 0, ran.err
    return run_id


def test_one_epic_runs_again_and_the_others_do_nothing(failed, cli, tmp_path):
    (tmp_path / "flag").touch()
    again = new_id()
    ran = cli("rerun", failed, "--failed", "--id", again)
    assert ran.code == 0, ran.err
    assert "  reused   epics[E-1]\n  reused   epics[E-2]/design\n  reused   epics[E-3]\n" in ran.err
    assert "  again    epics[E-2]/build  it failed: exit: " in ran.err
    assert "  again    report            it comes after `epics`" in ran.err
    assert (tmp_path / "log").read_text().split() == ["E-1", "E-2", "E-3"]
    status = json.loads(cli("show", again, "--json").out)
    assert (status["status"], status["rerun_of"], status["handled_failures"]) == ("completed", failed, [])
    assert status["steps"]["epics[E-1]"]["kept_from"] == failed
    shown = cli("show", again).out
    assert f"  rerun of {failed}\n" in shown
    assert f"kept from {failed}" in shown
    assert "kept from before" in ran.err.splitlines()[-1]


def test_plan_is_said_before_the_run_starts(failed, cli):
    lines = cli("rerun", failed, "--failed").err.splitlines()
    taken_up = next(number for number, line in enumerate(lines) if line.startswith("takes up"))
    begun = next(number for number, line in enumerate(lines) if line.startswith("run epics-"))
    assert taken_up < begun


def test_dry_run_starts_nothing_and_needs_no_server(failed, cli, monkeypatch):
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    ran = cli("rerun", failed, "--from", "epics[E-3]", "--dry-run")
    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[0] == f"takes up {failed}  (completed)"
    plan = json.loads(cli("rerun", failed, "--failed", "--dry-run", "--json").out)
    assert plan["reused"] == ["epics[E-1]", "epics[E-2]/design", "epics[E-3]"]
    assert [entry["code"] for entry in plan["again"]] == ["failed", "after"]


def test_changed_definition_names_what_no_longer_fits(failed, cli, write, tmp_path):
    text = EPICS.format(log=tmp_path / "log", flag=tmp_path / "flag")
    changed = write(text.replace("|| test -e", "|| ! test -e"))
    plan = json.loads(cli("rerun", failed, "--failed", "--definition", changed, "--dry-run", "--json").out)
    assert plan["changes"] == [{"path": "epics/build", "what": "its `command` is different"}]
    ran = cli("rerun", failed, "--failed", "--definition", changed, "--json")
    assert ran.code == 0, ran.err
    record = json.loads(ran.out.splitlines()[-1])
    assert record["steps"]["epics[E-1]/design"]["kept_from"] == failed
    assert record["steps"]["epics[E-1]/build"]["kept_from"] is None


def test_input_given_anew_runs_what_reads_it(failed, cli):
    ran = cli("rerun", failed, "--failed", "-i", "who=Bo", "--json")
    record = json.loads(ran.out.splitlines()[-1])
    assert record["inputs"] == {"who": "Bo"}
    assert record["steps"]["report"]["outputs"]["stdout"] == "Bo"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--failed", "--from", "report"), 2, "`--failed` and `--from` exclude each other"),
        (("--from", "reprot"), 2, "did you mean `report`?"),
        (("-i", "whoo=x"), 7, "has no input `whoo`"),
        (("--definition", "nowhere.yaml"), 2, "does not exist"),
    ],
)
def test_rerun_is_refused_before_anything_starts(failed, cli, arguments, code, said):
    ran = cli("rerun", failed, *arguments)
    assert ran.code == code
    assert said in ran.err


def test_unknown_run_is_said(settled, cli):
    ran = cli("rerun", "nobody-knows", "--failed")
    assert (ran.code, "error[unknown-run]" in ran.err) == (2, True)


def test_nothing_is_started_when_nothing_would_be_done(settled, cli, write):
    run_id = new_id()
    file = write('name: fine\nworkspace: {from: none}\nsteps:\n  - {id: a, type: shell, command: "true"}\n')
    assert cli("run", file, "--id", run_id).code == 0
    ran = cli("rerun", run_id, "--failed")
    assert (ran.code, "nothing was started" in ran.err) == (0, True)


def test_detached_rerun_prints_its_id(failed, cli):
    again = new_id()
    ran = cli("rerun", failed, "--detach", "--id", again)
    assert ran.out.strip() == again
    assert cli("watch", again).code == 0


def test_rerun_of_a_run_that_lives_says_so(settled, cli, write):
    run_id = new_id()
    text = 'name: gated\nworkspace: {from: none}\nsteps:\n  - {id: ok, type: approval, message: "well?"}\n'
    assert cli("run", write(text), "--timeout", "2s", "--id", run_id).code == 5
    ran = cli("rerun", run_id, "--failed", "--detach", "--id", again := new_id())
    assert ran.code == 0, ran.err
    assert f"{run_id} has not ended and goes on" in ran.err
    for each in (run_id, again):
        cli("cancel", each)


async def test_terminated_run_is_taken_up_from_its_history_alone(cluster, monkeypatch, tmp_path):
    """Nobody serves the queue any more: the history is all there is."""
    queue = f"gone-{uuid.uuid4().hex[:8]}"
    monkeypatch.setenv("TEMPORAL_ADDRESS", cluster.address)
    monkeypatch.setenv("PERDURE_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("PERDURE_TASK_QUEUE", queue)
    worker = ThreadedWorker(cluster.address, queue, tmp_path)
    await asyncio.to_thread(worker.start)
    connection = await connect(None)
    text = """
name: cut
workspace: {from: none}
steps:
  - {id: ok, type: approval, message: "well?"}
  - {id: made, type: shell, command: "echo 1"}
  - {id: hold, type: wait, duration: 1h}
"""
    handle = await connection.client.start_workflow(
        WORKFLOW_TYPE, {"definition": {"text": text}}, id=new_id(), task_queue=queue
    )
    while not await handle.query("gates"):
        await asyncio.sleep(0.02)
    await handle.execute_update("decide", {"verdict": "approve", "by": "ana"})
    while "hold" not in (await handle.query("status"))["steps"]:
        await asyncio.sleep(0.02)
    await asyncio.to_thread(worker.stop)
    await handle.terminate("power cut")
    report = await recalled(connection, handle.id)
    assert report is not None
    assert {path: record.status for path, record in report.ledger.records.items()} == {
        "ok": "completed",
        "made": "completed",
        "hold": "running",
    }
    assert (report.status.status, report.status.error and report.status.error.type) == ("failed", "terminated")
    from client.reruns import recorded_earlier

    earlier = recorded_earlier(connection.store, handle.id)
    assert earlier is not None
    assert earlier.prepared.definition["id"] == "cut"


def test_plan_of_many_items_is_cut_for_people_and_whole_for_programs(settled, cli, write):
    text = """
name: many
workspace: {from: none}
steps:
  - id: each
    type: assert
    condition: "false"
    message: no
    for_each: {items: ITEMS, on_error: continue}
""".replace("ITEMS", str(list(range(32))))
    run_id = new_id()
    assert cli("run", write(text), "--id", run_id).code == 0
    assert "  again    … and 2 more" in cli("rerun", run_id, "--failed", "--dry-run").out
    assert len(json.loads(cli("rerun", run_id, "--failed", "--dry-run", "--json").out)["again"]) == 32
    assert "again" in cli("rerun", run_id, "--dry-run").out


def test_run_that_never_began_is_said_to_have_nothing_to_take_up(settled, cli, write):
    run_id = new_id()
    text = "name: no\ninputs: {f: {type: file}}\nsteps:\n  - {id: a, type: shell, command: 'cat {{ inputs.f }}'}\n"
    assert cli("run", write(text), "-i", "f=nowhere.txt", "--id", run_id).code == 1
    ran = cli("rerun", run_id, "--failed")
    assert (ran.code, "error[not-begun]" in ran.err) == (1, True)
