import json

import pytest
from temporalio.service import RPCError, RPCStatusCode

from client import controls
from client.connection import run_connected
from client.output import Problem
from definitions.messages import Decide, Pause
from tests.client.test_run_command import ENDLESS, GATED, HELLO, new_id, wait_for

pytestmark = pytest.mark.server


@pytest.fixture
def gated(settled, cli, write):
    """A run that waits at its gate."""
    run_id = new_id()
    cli("run", write(GATED), "--id", run_id, "--detach")
    wait_for(lambda: cli("gates", run_id).out)
    return run_id


def state(cli, run_id):
    return json.loads(cli("show", run_id, "--json").out)["status"]


def test_pause_and_resume_take_effect_and_are_refused_twice(cli, gated):
    assert cli("pause", gated, "--reason", "deploy", "--by", "ana").code == 0
    assert state(cli, gated) == "paused"
    assert "paused: deploy" in cli("show", gated).out
    again = cli("pause", gated)
    assert (again.code, "error[already-paused]" in again.err) == (1, True)
    assert json.loads(cli("resume", gated, "--json").out)["accepted"] is True
    refused = cli("resume", gated)
    assert (refused.code, "error[not-paused]" in refused.err) == (1, True)


def test_approve_finds_the_one_open_gate_and_the_run_goes_on(cli, gated):
    assert cli("approve", gated, "--comment", "fine", "--by", "ana").code == 0
    watched = cli("watch", gated)
    assert watched.code == 0
    assert "plan_ok  approved by ana: fine" in watched.err


def test_unknown_gate_and_ended_run_are_refused_with_their_slugs(cli, gated):
    assert "error[unknown-gate]" in cli("approve", gated, "nothing").err
    assert cli("reject", gated, "plan_ok", "--reason", "no").code == 0
    assert cli("watch", gated).code == 4
    late = cli("approve", gated)
    assert (late.code, "error[already-ended]" in late.err) == (1, True)
    assert "error[already-ended]" in cli("cancel", gated).err


def test_reject_wants_a_reason(cli, gated):
    ran = cli("reject", gated)
    assert (ran.code, "--reason" in ran.err) == (2, True)


def test_decision_is_refused_when_the_gate_shows_something_else(cli, gated):
    ran = cli("approve", gated, "--digest", "0" * 64)
    assert (ran.code, "error[stale-digest]" in ran.err) == (1, True)


def test_gates_lists_what_is_asked_over_all_runs_and_in_json(cli, gated):
    found = wait_for(lambda: [gate for gate in json.loads(cli("gates", "--json").out) if gate["execution_id"] == gated])
    assert found[0]["gate"] == "plan_ok"
    assert found[0]["show"] == {"plan": "line 1"}
    listed = cli("gates", gated).out
    assert listed.splitlines()[0] == f"{gated} plan_ok  Do it?"
    assert "  who: anyone" in listed
    assert "  plan: line 1" in listed


def test_gates_says_that_none_is_open(settled, cli, write):
    run_id = new_id()
    cli("run", write(HELLO), "--id", run_id)
    assert cli("gates", run_id).err == "no gate is open\n"


def test_somebody_who_may_not_decide_is_refused(settled, cli, write):
    run_id = new_id()
    cli("run", write(GATED.replace("message:", "approvers: {users: [ana]}, message:")), "--id", run_id, "--detach")
    wait_for(lambda: cli("gates", run_id).out)
    ran = cli("approve", run_id, "--by", "ben")
    assert (ran.code, "error[refused]: `ben` is not one of `ana`" in ran.err) == (1, True)
    assert json.loads(cli("approve", run_id, "--by", "ana", "--json").out)["status"] == "approve"


def test_cancel_ends_the_process_and_the_run(settled, cli, write):
    run_id = new_id()
    cli("run", write(ENDLESS), "--id", run_id, "--detach")
    wait_for(lambda: json.loads(cli("show", run_id, "--json").out)["steps"])
    assert cli("cancel", run_id).code == 0
    assert cli("watch", run_id).code == 3


def test_control_goes_as_a_signal_when_the_server_has_no_updates(cli, gated, monkeypatch):
    refuse_updates(monkeypatch, RPCError("unknown method", RPCStatusCode.UNIMPLEMENTED, b""))
    ran = cli("approve", gated)
    assert ran.code == 0
    assert "was sent" in ran.err
    monkeypatch.undo()


@pytest.mark.parametrize(
    ("error", "slug", "code"),
    [
        (RPCError("over limit", RPCStatusCode.RESOURCE_EXHAUSTED, b""), "busy", 1),
        (RPCError("late", RPCStatusCode.DEADLINE_EXCEEDED, b""), "no-worker", 1),
        (RPCError("gone", RPCStatusCode.UNAVAILABLE, b""), "no-server", 6),
        (RPCError("workflow execution already completed", RPCStatusCode.NOT_FOUND, b""), "already-ended", 1),
    ],
)
def test_server_errors_are_told_as_what_they_mean(settled, monkeypatch, error, slug, code):
    refuse_updates(monkeypatch, error)
    with pytest.raises(Problem) as caught:
        run_connected(lambda connection: controls.send_control(connection, "r", "pause", Pause()), None)
    assert (caught.value.slug, caught.value.code) == (slug, code)


def test_signal_to_a_run_that_is_not_there_says_so(settled, monkeypatch):
    refuse_updates(monkeypatch, RPCError("no", RPCStatusCode.UNIMPLEMENTED, b""))
    decide = Decide(verdict="approve")
    with pytest.raises(Problem) as caught:
        run_connected(lambda connection: controls.send_control(connection, "nobody", "decide", decide), None)
    assert caught.value.slug == "unknown-run"


def refuse_updates(monkeypatch, error):
    async def refuse(*_arguments, **_options):
        raise error

    monkeypatch.setattr("temporalio.client.WorkflowHandle.execute_update", refuse)
