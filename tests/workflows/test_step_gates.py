import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from definitions.messages import Decide
from definitions.records import Decision, Gate, Ledger, Resumption, StepResult
from tests.support.playing_host import START, Played, PlayingHost, play, reload
from workflows import gates
from workflows.ledger import Book

APPROVAL = """
steps:
  - id: deploy
    type: shell
    command: deploy
    approval: {message: "Deploy {{ inputs.version }}?", show: {version: "{{ inputs.version }}"}, timeout: 1h}
inputs: {version: {default: "1.2"}}
"""
ACCEPT = """
steps:
  - id: plan
    type: shell
    command: "plan {{ default(steps.plan.feedback, 'anew') }}"
    store: {plan: "{{ result.stdout }}"}
    accept: {doc_type: plan, on_reject: %s, timeout: 1h}
  - {id: after, type: shell, command: "echo {{ docs.plan }}"}
"""
Said = tuple[str, str, str | None]


class DecidingHost(PlayingHost):
    """A host whose people say one thing after the other, whatever gate is open; then nobody comes in time."""

    def __init__(self, said: Sequence[Said] = (), **keys: object) -> None:
        super().__init__(**keys)  # pyright: ignore[reportArgumentType]
        self.said = list(said)
        self.gates: list[Gate] = []

    async def decision(self, gate: Gate) -> Decision | None:
        self.gates.append(gate)
        assert self.book is not None
        found = gates.accepted_decision(self.book, gate)
        if found is not None or not self.said:
            return found
        expected, verdict, comment = self.said.pop(0)
        assert gate.gate == expected
        message = Decide.model_validate({"gate": gate.gate, "verdict": verdict, "by": "ana", "comment": comment})
        assert gates.take(self.book, message, None, self.now()).accepted
        return gates.accepted_decision(self.book, gate)


class Killed(BaseException):
    """The worker is gone."""


async def played(text: str, *said: Said, **keys: object) -> tuple[Played, DecidingHost]:
    host = DecidingHost(said, **keys)
    return await play(text, host, inputs={"version": "1.2"}), host


# --- before a step ----------------------------------------------------------------------------------------


async def test_step_runs_when_its_gate_is_approved():
    run, host = await played(APPROVAL, ("deploy", "approve", "fine"))
    assert run.ending.state == "completed"
    assert host.calls == ["deploy"]
    assert host.gates[0].message == "Deploy 1.2?"
    assert host.gates[0].show == {"version": "1.2"}
    assert host.gates[0].deadline == START + timedelta(hours=1)
    kinds = [event.type for event in host.events]
    assert kinds == ["step_started", "approval_required", "approval_decided", "step_completed"]


async def test_run_is_rejected_when_the_gate_before_a_step_is():
    run, host = await played(APPROVAL, ("deploy", "reject", "friday"))
    assert run.ending.state == "rejected"
    assert run.ending.error is not None
    assert run.ending.error.message == "gate `deploy` was rejected by `ana`: friday"
    assert host.calls == []


async def test_run_is_rejected_when_the_gate_before_a_step_runs_out_of_time():
    run, host = await played(APPROVAL)
    assert run.ending.state == "rejected"
    assert host.calls == []


async def test_step_runs_when_the_end_of_time_approves():
    run, host = await played(APPROVAL.replace("timeout: 1h", "timeout: 1h, on_timeout: approve"))
    assert run.ending.state == "completed"
    assert host.calls == ["deploy"]


async def test_gate_is_not_asked_when_the_step_is_skipped():
    run, host = await played(APPROVAL.replace("command: deploy", "command: deploy\n    when: 1 > 2"))
    assert run.status("deploy") == "skipped"
    assert host.gates == []


async def test_gate_is_asked_once_when_the_step_is_tried_again():
    text = APPROVAL.replace("command: deploy", "command: deploy\n    retry: {max_attempts: 2}")
    from definitions.errors import ErrorClass, StepFailure

    failing = [StepFailure(ErrorClass.EXIT, "no"), StepResult(outputs={})]
    run, host = await played(text, ("deploy", "approve", None), answers={"deploy": failing})
    assert run.ending.state == "completed"
    assert host.calls == ["deploy", "deploy"]
    assert len(host.gates) == 1


async def test_gate_is_asked_once_for_all_items_and_passes():
    text = """
steps:
  - id: each
    type: shell
    command: "echo {{ item }}"
    for_each: {items: [a, b]}
    loop: {max_iterations: 2}
    approval: {}
    accept: {}
"""
    run, host = await played(text, ("each", "approve", None), ("each/accept", "approve", None))
    assert run.ending.state == "completed"
    assert host.calls == ["each[0]#1", "each[0]#2", "each[1]#1", "each[1]#2"]
    assert [gate.gate for gate in host.gates] == ["each", "each/accept"]


async def test_step_fails_when_what_its_gate_shows_cannot_be_evaluated():
    text = APPROVAL.replace('"{{ inputs.version }}"}', '"{{ int(inputs.version) + 1 }}"}')
    run, _ = await played(text)
    assert run.ending.state == "failed"
    assert run.ending.error is not None
    assert (run.ending.error.step, run.ending.error.type) == ("deploy", "expression")


async def test_gate_is_asked_again_when_a_held_step_is_retried():
    text = APPROVAL.replace("command: deploy", "command: deploy\n    on_failure: pause")
    again = {"deploy": [Resumption(action="retry", by="bob")]}
    run, host = await played(text, ("deploy", "reject", "no"), ("deploy", "approve", None), resumptions=again)
    assert run.ending.state == "completed"
    assert host.calls == ["held deploy", "deploy"]


# --- after a step -----------------------------------------------------------------------------------------


async def test_step_has_completed_when_what_it_made_is_accepted():
    run, host = await played(ACCEPT % "fail", ("plan/accept", "approve", None))
    assert run.ending.state == "completed"
    gate = host.gates[0]
    assert (gate.gate, gate.doc_type, gate.scope_id, gate.show) == ("plan/accept", "plan", None, {"plan": "plan"})
    record = run.book.records["plan"]
    assert (record.status, record.produced, record.gate) == ("completed", False, None)
    assert record.acceptance is not None
    assert run.book.decisions[0].doc_type == "plan"
    kinds = [f"{event.type} {event.step}" for event in host.events[:5]]
    assert kinds == [
        "step_started plan", "approval_required plan", "approval_decided plan", "step_completed plan",
        "step_started after",
    ]  # fmt: skip


async def test_run_is_rejected_when_what_a_step_made_is_not_accepted():
    run, host = await played(ACCEPT % "fail", ("plan/accept", "reject", "too thin"))
    assert run.ending.state == "rejected"
    assert run.ending.error is not None
    assert run.ending.error.message == "gate `plan/accept` was rejected by `ana`: too thin"
    assert host.calls == ["plan"]
    assert run.book.records["plan"].documents == {}


async def test_step_is_visited_again_with_the_comment_when_it_is_sent_back():
    text = ACCEPT % "rework"
    answers = {"plan": StepResult(outputs={"stdout": "one"}, tree="t1")}
    run, host = await played(
        text, ("plan/accept", "reject", "more"), ("plan@2/accept", "approve", None), answers=answers
    )
    assert run.ending.state == "completed"
    assert host.calls == ["plan", "plan@2", "after"]
    assert host.step_calls[0].values == {"steps": {}}
    assert host.step_calls[1].values == {"steps": {"plan": {"feedback": "more"}}}
    assert [call.tree for call in host.step_calls] == ["t0", "t1", "t1"]
    assert run.book.records["plan@2"].entered_from == "plan"
    assert (run.book.records["plan"].reworked, run.book.records["plan"].handled) == (True, True)
    assert host.step_calls[2].values == {"docs": {"plan": "plan@2"}}


@pytest.mark.parametrize(
    "body",
    [
        "type: shell, command: \"work {{ default(steps.fix.feedback, 'anew') }}\"",
        "type: group, steps: [{id: work, type: shell, command: \"work {{ default(steps.fix.feedback, 'anew') }}\"}]",
    ],
    ids=["step", "group"],
)
@pytest.mark.parametrize("each", ["", "for_each: {items: [a]}, "], ids=["once", "items"])
async def test_every_pass_reads_the_comment_when_a_loop_is_sent_back(body: str, each: str):
    text = f"""
steps:
  - {{id: fix, {body}, {each}loop: {{max_iterations: 3}}, accept: {{on_reject: rework}}}}
"""
    said = [("fix/accept", "reject", "more"), ("fix@2/accept", "reject", "less"), ("fix@3/accept", "approve", "good")]
    run, host = await played(text, *said)
    assert run.ending.state == "completed"
    seen = [call.values["steps"] for call in host.step_calls]
    assert seen[0] == {}
    assert seen[1:3] == [{"fix": {"feedback": None}}] * 2
    assert seen[3:] == [{"fix": {"feedback": "more"}}] * 3 + [{"fix": {"feedback": "less"}}] * 3


async def test_comment_is_there_for_until_and_for_what_is_shown_when_a_loop_is_sent_back():
    text = """
steps:
  - id: fix
    type: shell
    command: work
    loop: {max_iterations: 3, until: "default(steps.fix.feedback, '') == 'stop at once'", on_exhausted: continue}
    accept: {on_reject: rework, show: {answers: "{{ default(steps.fix.feedback, 'nothing') }}"}}
"""
    run, host = await played(text, ("fix/accept", "reject", "stop at once"), ("fix@2/accept", "approve", None))
    assert run.ending.state == "completed"
    assert host.calls == ["fix#1", "fix#2", "fix#3", "fix@2#1"]
    assert [gate.show for gate in host.gates] == [{"answers": "nothing"}, {"answers": "stop at once"}]


async def test_rejection_is_final_when_the_visits_are_used_up():
    said = [(f"plan{visit}/accept", "reject", "no") for visit in ("", "@2", "@3")]
    run, host = await played(ACCEPT % "rework", *said)
    assert run.ending.state == "rejected"
    assert host.calls == ["plan", "plan@2", "plan@3"]


async def test_nothing_is_written_again_when_nobody_comes_in_time():
    run, host = await played(ACCEPT % "rework")
    assert run.ending.state == "rejected"
    assert host.calls == ["plan"]


async def test_a_rejection_is_not_tried_again_when_the_step_has_a_retry():
    text = (ACCEPT % "fail").replace(
        'type: shell\n    command: "plan', 'type: shell\n    retry: {}\n    command: "plan'
    )
    run, host = await played(text, ("plan/accept", "reject", None))
    assert run.ending.state == "rejected"
    assert host.calls == ["plan"]


async def test_a_handler_takes_over_when_what_a_step_made_is_not_accepted():
    text = """
steps:
  - {id: draft, type: shell, command: draft, accept: {}, on_failure: sorry}
  - {id: send, type: shell, command: send}
  - {id: sorry, type: set, values: {said: "{{ steps.draft.feedback }}"}}
"""
    run, host = await played(text, ("draft/accept", "reject", "no"))
    assert run.ending.state == "completed"
    assert run.book.records["sorry"].outputs == {"said": "no"}
    assert host.calls == ["draft"]


@pytest.mark.parametrize(
    ("top", "own", "anyone", "users"),
    [
        ("{plan: {users: [ada]}}", "", False, ["ada"]),
        ("{plan: {users: [ada]}}", ", acceptors: {users: [bob]}", False, ["bob"]),
        ("{plan: {users: [ada]}}", ", acceptors: any", True, []),
        ("{other: {users: [ada]}}", "", True, []),
    ],
)
async def test_who_accepts_follows_from_the_step_then_from_the_type(top: str, own: str, anyone: bool, users: list[str]):
    text = f"acceptors: {top}" + (ACCEPT % "fail").replace("doc_type: plan", f"doc_type: plan{own}")
    _, host = await played(text)
    assert (host.gates[0].anyone, host.gates[0].users) == (anyone, users)


async def test_each_item_has_decisions_of_its_own_when_the_gate_is_inside():
    text = """
steps:
  - id: epics
    type: group
    for_each: {items: [{id: E/1}, {id: E-2}], as: epic, scope: epic}
    steps:
      - {id: design, type: shell, command: "d {{ default(steps.design.feedback, '') }}",
         store: {design: "{{ result.stdout }}"}, accept: {doc_type: design, on_reject: rework}}
  - {id: all, type: set, values: {one: "{{ docs.epic['E/1'].design }}"}}
"""
    run, host = await played(
        text,
        ("epics[E%2F1]/design/accept", "approve", None),
        ("epics[E-2]/design/accept", "reject", "more"),
        ("epics[E-2]/design@2/accept", "approve", None),
    )
    assert run.ending.state == "completed"
    assert [decision.scope_id for decision in run.book.decisions] == ["E/1", "E-2", "E-2"]
    assert run.book.records["all"].outputs == {"one": "epics[E%2F1]/design"}
    assert host.step_calls[2].values["steps"] == {"design": {"feedback": "more"}}


async def test_documents_inside_are_gone_when_a_group_is_not_accepted():
    text = """
steps:
  - id: work
    type: group
    accept: {show: {all: "{{ result }}"}}
    on_failure: continue
    steps:
      - {id: write, type: shell, command: w, store: {text: "{{ result.stdout }}"}}
  - {id: after, type: set, values: {text: "{{ default(docs.text, 'none') }}"}}
"""
    run, host = await played(text, ("work/accept", "reject", None))
    assert host.gates[0].show == {"all": {"write": {"stdout": "work/write"}}}
    assert run.book.records["after"].outputs == {"text": "none"}


@pytest.mark.parametrize("mode", ["parallel", "race"])
async def test_a_branch_is_reworked_alone(mode: str):
    text = f"""
steps:
  - id: both
    type: group
    mode: {mode}
    steps:
      - {{id: a, type: shell, command: a, accept: {{on_reject: rework}}}}
  - {{id: after, type: shell, command: b}}
"""
    run, host = await played(text, ("both/a/accept", "reject", None), ("both/a@2/accept", "approve", None))
    assert run.ending.state == "completed"
    assert host.calls == ["both/a", "both/a@2", "after"]
    assert host.step_calls[-1].tree == "t0"


async def test_what_ran_and_was_not_accepted_is_undone():
    text = """
steps:
  - {id: deploy, type: shell, command: up, accept: {}, compensate: {type: shell, command: down}}
"""
    run, host = await played(text, ("deploy/accept", "reject", "it is slow"))
    assert run.ending.state == "rejected"
    assert host.calls == ["deploy", "deploy/compensate/undo_deploy"]


async def test_step_fails_when_what_is_to_be_accepted_cannot_be_shown():
    text = (ACCEPT % "fail").replace("doc_type: plan", 'doc_type: plan, show: {x: "{{ int(result.stdout) }}"}')
    run, _ = await played(text)
    assert run.ending.state == "failed"
    assert run.ending.error is not None
    assert run.ending.error.step == "plan"


async def test_a_held_step_runs_anew_when_what_it_made_was_not_accepted():
    text = (ACCEPT % "fail").replace("    accept:", "    on_failure: pause\n    accept:")
    run, host = await played(
        text,
        ("plan/accept", "reject", "no"),
        ("plan/accept", "reject", "no"),
        ("plan/accept", "approve", None),
        resumptions={"plan": [Resumption(), Resumption()]},
    )
    assert run.ending.state == "completed"
    assert host.calls == ["plan", "held plan", "plan", "held plan", "plan", "after"]


# --- what dies --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [APPROVAL, ACCEPT % "rework"])
async def test_a_run_goes_on_the_same_way_when_its_worker_dies_at_any_call(text: str):
    names = ("deploy",) if "deploy" in text else ("plan/accept", "plan@2/accept")
    said: list[Said] = [(name, "approve" if name == names[-1] else "reject", "more") for name in names]
    whole, _ = await played(text, *said)

    for moment in range(1, 8):
        host = DecidingHost(said)
        ledger = await _until(text, host, moment)
        if ledger is None:
            break
        host.events.clear()
        run = await play(text, host, inputs={"version": "1.2"}, ledger=reload(ledger))
        assert run.ending.state == "completed"
        assert {path: record.status for path, record in run.book.records.items()} == {
            path: record.status for path, record in whole.book.records.items()
        }
        assert [decision.gate for decision in run.book.decisions] == list(names)
    else:
        raise AssertionError("the run has fewer effects than that")


async def _until(text: str, host: DecidingHost, moment: int) -> Ledger | None:
    """Return the ledger as it is when the run is killed at its so manieth effect; None where it has fewer."""
    count = 0
    frozen: list[Ledger] = []

    def counted(name: str) -> None:
        effect = getattr(host, name)

        async def counting(*arguments: object) -> object:
            nonlocal count
            count += 1
            if count == moment:
                assert host.book is not None
                frozen.append(host.book.freeze())
                raise Killed
            return await effect(*arguments)

        setattr(host, name, counting)

    for name in ("run_step", "decision"):
        counted(name)
    try:
        await play(text, host, inputs={"version": "1.2"})
    except Killed:
        for name in ("run_step", "decision"):
            delattr(host, name)
        return frozen[0]
    return None


async def test_gate_is_gone_when_the_run_is_cancelled():
    for text, path in ((APPROVAL, "deploy"), (ACCEPT % "fail", "plan")):
        host = PlayingHost()
        playing = asyncio.create_task(play(text, host, inputs={"version": "1.2"}))
        await host.opened.wait()
        playing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await playing
        assert host.book is not None
        assert host.book.records[path].status == "cancelled"


async def test_the_same_words_count_again_when_a_gate_opens_again():
    first = Gate(gate="plan", message="?", digest="d", opened_at=START)
    host = Book(Ledger())
    host.update("plan", gate=first, status="waiting_approval")
    said = Decide(gate="plan", verdict="reject", by="ana", comment="no")
    assert gates.take(host, said, None, START).accepted
    assert gates.take(host, said, None, START).message == "this decision was recorded before"
    later = first.model_copy(update={"decisions_before": 1})
    host.update("plan", gate=later)
    gates.take(host, said, None, START)
    assert gates.accepted_decision(host, later) is not None
    assert len(host.decisions) == 2
