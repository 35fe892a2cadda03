"""What a rerun keeps: runs are played, taken up by a plan, and played on from the ledger that it keeps."""

import pytest

from definitions.errors import ErrorClass, StepFailure
from definitions.loader import require
from definitions.records import Ledger, StepRecord, StepResult
from tests.support.playing_host import Played, PlayingHost, play, reload
from workflows.rerun.plan import Earlier, NoSuchStep, Plan, Wanted, plan_rerun

FAILED = Wanted(failed=True)
LIST = """
steps:
  - {id: a, type: shell, command: a}
  - {id: b, type: shell, command: b}
  - {id: c, type: shell, command: c}
"""


def broken(message: str = "no") -> StepFailure:
    return StepFailure(ErrorClass.EXIT, message)


def planned(text: str, played: Played, wanted: Wanted, new: str | None = None, **given) -> Plan:
    definition = require("name: played\n" + text, "old.yaml")
    changed = definition if new is None else require("name: played\n" + new, "new.yaml")
    earlier = Earlier(
        "run-1",
        definition,
        reload(played.book.freeze()),
        inputs=given.get("old_inputs", {}),
        error=played.ending.error,
        lost=given.get("lost", ()),
    )
    inputs = given.get("inputs", given.get("old_inputs", {}))
    return plan_rerun(earlier, changed, {}, wanted, inputs=inputs, env={})


async def rerun(text: str, failing: dict, wanted: Wanted, new: str | None = None, **given) -> tuple[Plan, Played]:
    """Play a definition with steps that fail, then take it up with all going well; return the plan and that run."""
    old_inputs = given.get("old_inputs")
    played = await play(text, PlayingHost(answers=dict(failing)), inputs=old_inputs)
    plan = planned(text, played, wanted, new, **given)
    again = await play(new or text, PlayingHost(), inputs=given.get("inputs", old_inputs), ledger=reload(plan.kept))
    return plan, again


def reasons(plan: Plan) -> dict[str, str]:
    return {path: why.code for path, why in plan.again}


async def test_list_goes_on_at_the_failed_step_when_it_stopped_there():
    plan, again = await rerun(LIST, {"b": broken()}, FAILED)
    assert plan.reused == ("a",)
    assert reasons(plan) == {"b": "failed"}
    assert plan.fresh == ("c",)
    assert again.host.calls == ["b", "c"]
    assert again.ending.state == "completed"
    assert again.book.records["a"].kept_from == "run-1"


async def test_origin_of_a_result_stays_when_a_rerun_is_rerun():
    played = await play(LIST, PlayingHost(answers={"b": broken()}))
    plan = planned(LIST, played, FAILED)
    second = await play(LIST, PlayingHost(answers={"c": broken()}), ledger=plan.kept)
    definition = require("name: played\n" + LIST, "x.yaml")
    third = plan_rerun(Earlier("run-2", definition, second.book.freeze()), definition, {}, FAILED, inputs={}, env={})
    assert {path: record.kept_from for path, record in third.kept.records.items()} == {"a": "run-1", "b": "run-2"}


async def test_nothing_is_kept_when_neither_failed_nor_a_step_is_asked_for():
    plan, again = await rerun(LIST, {"b": broken()}, Wanted())
    assert plan.kept == Ledger(next_order=plan.kept.next_order)
    assert again.host.calls == ["a", "b", "c"]


async def test_completed_run_keeps_everything_when_the_failed_is_asked_for():
    plan, again = await rerun(LIST, {}, FAILED)
    assert (plan.again, plan.fresh, again.host.calls) == ((), (), [])
    assert again.ending.state == "completed"


async def test_everything_after_a_step_runs_again_when_it_is_asked_for():
    plan, again = await rerun(LIST, {}, Wanted(start="b"))
    assert reasons(plan) == {"b": "asked", "c": "after"}
    assert again.host.calls == ["b", "c"]


async def test_only_descendants_run_again_when_steps_have_needs():
    text = """
steps:
  - {id: a, type: shell, command: a, needs: []}
  - {id: b, type: shell, command: b, needs: []}
  - {id: c, type: shell, command: c, needs: [a]}
  - {id: d, type: shell, command: d, needs: [b]}
  - {id: e, type: shell, command: e, needs: [c, d]}
"""
    plan, again = await rerun(text, {}, Wanted(start="a"))
    assert reasons(plan) == {"a": "asked", "c": "needs", "e": "needs"}
    assert again.host.calls == ["a", "c", "e"]


GROUP = """
steps:
  - id: g
    type: group
    mode: parallel
    steps:
      - {id: left, type: shell, command: l, on_failure: continue}
      - {id: right, type: shell, command: r}
  - {id: after, type: shell, command: a}
"""


async def test_branches_beside_the_failed_one_stay():
    plan, again = await rerun(GROUP, {"g/left": broken()}, FAILED)
    assert plan.reused == ("g/right",)
    assert reasons(plan) == {"g/left": "failed", "after": "after"}
    assert again.host.calls == ["g/left", "after"]


async def test_handled_failure_is_kept_when_a_later_step_is_asked_for():
    plan, again = await rerun(GROUP, {"g/left": broken()}, Wanted(start="after"))
    assert reasons(plan) == {"after": "asked"}
    assert again.host.calls == ["after"]
    assert again.status("g/left") == "failed"


EPICS = """
steps:
  - id: epics
    type: group
    for_each: {items: [{id: E-1}, {id: E-2}, {id: E-3}], on_error: continue, concurrency: 2}
    steps:
      - {id: design, type: shell, command: d}
      - {id: build, type: shell, command: b}
  - {id: report, type: shell, command: r}
"""


async def test_only_the_failed_item_runs_when_others_completed():
    plan, again = await rerun(EPICS, {"epics[E-2]/build": broken()}, FAILED)
    assert plan.reused == ("epics[E-1]", "epics[E-2]/design", "epics[E-3]")
    assert reasons(plan) == {"epics[E-2]/build": "failed", "report": "after"}
    assert again.host.calls == ["epics[E-2]/build", "report"]
    outputs = again.book.records["epics"].outputs
    assert outputs is not None
    assert all(outputs[key] is not None for key in ("E-1", "E-2", "E-3"))


async def test_items_that_had_not_begun_run_when_one_stopped_the_rest():
    text = EPICS.replace("on_error: continue, concurrency: 2", "on_error: stop")
    _, again = await rerun(text, {"epics[E-2]/design": broken()}, FAILED)
    assert again.host.calls == [
        "epics[E-2]/design",
        "epics[E-2]/build",
        "epics[E-3]/design",
        "epics[E-3]/build",
        "report",
    ]


async def test_one_item_runs_anew_when_it_is_asked_for():
    _, again = await rerun(EPICS, {}, Wanted(start="epics[E-1]"))
    assert again.host.calls == ["epics[E-1]/design", "epics[E-1]/build", "report"]


async def test_step_runs_in_every_item_when_its_declared_path_is_asked_for():
    _, again = await rerun(EPICS, {}, Wanted(start="epics/build"))
    assert sorted(again.host.calls) == ["epics[E-1]/build", "epics[E-2]/build", "epics[E-3]/build", "report"]


async def test_items_stay_as_they_were_frozen_when_the_step_goes_on():
    plan, _ = await rerun(EPICS, {"epics[E-2]/build": broken()}, FAILED)
    record = plan.kept.records["epics"]
    assert (record.status, record.items and record.items.keys) == ("pending", ["E-1", "E-2", "E-3"])


LOOP = """
steps:
  - id: fix
    type: group
    loop: {max_iterations: 3, until: 'steps.test.outputs.stdout == "ok"'}
    steps:
      - {id: edit, type: shell, command: e}
      - {id: test, type: shell, command: t}
  - {id: after, type: shell, command: a}
"""
OK = StepResult(outputs={"stdout": "ok"})


async def test_loop_goes_on_in_the_pass_that_failed():
    host = PlayingHost(answers={"fix#2/test": OK})
    played = await play(LOOP, PlayingHost(answers={"fix#2/test": broken()}))
    plan = planned(LOOP, played, FAILED)
    assert plan.reused == ("fix#1", "fix#2/edit")
    again = await play(LOOP, host, ledger=reload(plan.kept))
    assert host.calls == ["fix#2/test", "after"]
    assert again.book.records["fix"].iteration == 2


async def test_later_passes_are_made_again_when_an_earlier_one_is_asked_for():
    played = await play(LOOP, PlayingHost(answers={"fix#3/test": OK}))
    plan = planned(LOOP, played, Wanted(start="fix#2/test"))
    host = PlayingHost(answers={"fix#2/test": OK})
    await play(LOOP, host, ledger=reload(plan.kept))
    assert reasons(plan) == {"fix#2/test": "asked", "fix#3": "after", "after": "after"}
    assert host.calls == ["fix#2/test", "after"]


async def test_last_pass_is_made_again_when_the_loop_was_used_up():
    played = await play(LOOP, PlayingHost())
    plan = planned(LOOP, played, FAILED)
    assert plan.reused == ("fix#1", "fix#2")
    host = PlayingHost(answers={"fix#3/test": OK})
    again = await play(LOOP, host, ledger=reload(plan.kept))
    assert host.calls == ["fix#3/edit", "fix#3/test", "after"]
    assert again.ending.state == "completed"


async def test_loop_goes_on_with_another_pass_when_more_are_allowed_now():
    more = LOOP.replace("max_iterations: 3", "max_iterations: 4")
    played = await play(LOOP, PlayingHost())
    plan = planned(LOOP, played, FAILED, more)
    host = PlayingHost(answers={"fix#4/test": OK})
    again = await play(more, host, ledger=reload(plan.kept))
    assert host.calls == ["fix#4/edit", "fix#4/test", "after"]
    assert again.ending.state == "completed"


async def test_loop_starts_anew_when_fewer_passes_are_allowed_now():
    fewer = LOOP.replace("max_iterations: 3", "max_iterations: 2")
    played = await play(LOOP, PlayingHost())
    assert reasons(planned(LOOP, played, FAILED, fewer)) == {"fix": "changed"}


JUMPS = """
steps:
  - {id: fix, type: shell, command: f}
  - {id: test, type: shell, command: t, on_failure: fix}
  - {id: close, type: shell, command: c}
"""


async def test_failure_that_a_later_visit_made_good_is_kept():
    plan, again = await rerun(JUMPS, {"test": broken(), "close": broken()}, FAILED)
    assert plan.reused == ("fix", "test", "fix@2", "test@2")
    assert again.host.calls == ["close"]


async def test_latest_visit_is_made_again_when_visits_were_used_up():
    failing = {"test": broken(), "test@2": broken(), "test@3": broken()}
    plan, again = await rerun(JUMPS, failing, FAILED)
    assert reasons(plan) == {"test@3": "failed"}
    assert again.host.calls == ["test@3", "close"]
    assert again.ending.state == "completed"


HANDLER = """
steps:
  - {id: build, type: shell, command: b, on_failure: tell}
  - {id: ship, type: shell, command: s}
  - {id: tell, type: shell, command: t}
"""


async def test_handler_is_not_entered_again_when_the_step_goes_well_now():
    plan, again = await rerun(HANDLER, {"build": broken()}, FAILED)
    assert reasons(plan) == {"build": "failed", "tell": "entered"}
    assert again.host.calls == ["build", "ship"]
    assert again.ending.state == "completed"


UNDONE = """
steps:
  - {id: plan, type: shell, command: p}
  - {id: deploy, type: shell, command: d, compensate: {type: shell, command: u}}
  - {id: check, type: shell, command: c}
"""


async def test_undone_step_runs_again_and_what_undid_it_is_forgotten():
    plan, again = await rerun(UNDONE, {"check": broken()}, FAILED)
    assert reasons(plan) == {"deploy": "undone", "check": "after"}
    assert list(plan.kept.records) == ["plan"]
    assert again.host.calls == ["deploy", "check"]


async def test_kept_step_is_undone_when_the_rerun_fails():
    text = UNDONE.replace("command: c}", "command: c, on_failure: continue}\n  - {id: last, type: shell, command: l}")
    played = await play(text, PlayingHost(answers={"check": broken()}))
    plan = planned(text, played, FAILED)
    again = await play(text, PlayingHost(answers={"last": broken()}), ledger=reload(plan.kept))
    assert again.host.calls == ["check", "last", "deploy/compensate/undo_deploy"]


RACE = """
steps:
  - id: r
    type: group
    mode: race
    steps:
      - {id: quick, type: shell, command: q}
      - {id: slow, type: shell, command: s}
  - {id: after, type: shell, command: a}
"""


async def test_race_stays_decided_when_what_comes_after_failed():
    plan, again = await rerun(RACE, {"after": broken(), "r/slow": broken()}, FAILED)
    assert plan.reused == ("r",)
    assert again.host.calls == ["after"]


async def test_all_of_a_race_runs_again_when_nobody_won():
    plan, again = await rerun(RACE, {"r/quick": broken(), "r/slow": broken()}, FAILED)
    assert {"r/quick", "r/slow"} <= set(again.host.calls)
    assert plan.reused == ()


async def test_step_runs_again_when_it_had_not_ended():
    played = await play(LIST, PlayingHost())
    ledger = played.book.freeze()
    records = {**ledger.records, "b": ledger.records["b"].model_copy(update={"status": "running"})}
    del records["c"]
    definition = require("name: played\n" + LIST, "x.yaml")
    earlier = Earlier("run-1", definition, ledger.model_copy(update={"records": records}))
    plan = plan_rerun(earlier, definition, {}, FAILED, inputs={}, env={})
    assert reasons(plan) == {"b": "unfinished"}
    assert plan.again[0][1].text == "it had not ended"


async def test_step_runs_again_when_its_files_are_lost():
    played = await play(LIST, PlayingHost(answers={"c": broken()}))
    assert reasons(planned(LIST, played, FAILED, lost=["b"])) == {"b": "lost", "c": "after"}


async def test_step_that_the_error_names_runs_again_when_it_completed():
    text = LIST.replace("command: b}", "command: b, on_success: fail}")
    played = await play(text, PlayingHost())
    assert reasons(planned(text, played, FAILED)) == {"b": "failed"}


# --- a changed definition, changed inputs ---------------------------------------------------------------


async def test_changed_step_and_what_follows_run_again():
    plan, again = await rerun(LIST, {"c": broken()}, FAILED, LIST.replace("command: b", "command: bb"))
    assert reasons(plan) == {"b": "changed", "c": "after"}
    assert [(change.place, change.text) for change in plan.changes] == [("b", "its `command` is different")]
    assert again.host.calls == ["b", "c"]


@pytest.mark.parametrize(
    "key", ["name: B", "timeout: 9m", "retry: {max_attempts: 5}", "cache: true", "summary: s", "on_failure: continue"]
)
async def test_result_is_kept_when_only_how_it_is_run_changes(key: str):
    plan, _ = await rerun(LIST, {"c": broken()}, FAILED, LIST.replace("command: b", f"command: b, {key}"))
    assert plan.reused == ("a", "b")


async def test_what_follows_runs_again_when_the_route_of_a_step_changes():
    plan, again = await rerun(LIST, {}, FAILED, LIST.replace("command: a}", "command: a, on_success: c}"))
    assert plan.reused == ("a",)
    assert again.host.calls == ["c"]


async def test_failure_runs_again_when_its_route_changes():
    old = LIST.replace("command: a}", "command: a, on_failure: continue}")
    new = LIST.replace("command: a}", "command: a, on_failure: end}")
    plan, _ = await rerun(old, {"a": broken()}, Wanted(start="c"), new)
    assert reasons(plan)["a"] == "changed"


async def test_steps_behind_run_again_when_a_step_joined():
    new = LIST.replace("  - {id: b,", "  - {id: x, type: shell, command: x}\n  - {id: b,")
    plan, again = await rerun(LIST, {"c": broken()}, FAILED, new)
    assert plan.reused == ("a",)
    assert plan.fresh == ("x",)
    assert again.host.calls == ["x", "b", "c"]


async def test_step_behind_the_last_only_is_run_when_it_joined():
    _, again = await rerun(LIST, {}, FAILED, LIST + "  - {id: x, type: shell, command: x}\n")
    assert again.host.calls == ["x"]


async def test_steps_behind_run_again_when_a_step_was_removed_or_moved():
    removed = LIST.replace("  - {id: a, type: shell, command: a}\n", "")
    plan, again = await rerun(LIST, {"c": broken()}, FAILED, removed)
    assert reasons(plan)["a"] == "changed"
    assert "a" not in again.book.records
    assert again.host.calls == ["b", "c"]
    moved = LIST.replace("id: a, type: shell, command: a", "id: b, type: shell, command: b", 1)
    moved = moved.replace("id: b, type: shell, command: b}\n  - {id: c", "id: a, type: shell, command: a}\n  - {id: c")
    _, again = await rerun(LIST, {"c": broken()}, FAILED, moved)
    assert again.host.calls == ["b", "a", "c"]


async def test_branch_that_joined_runs_alone_beside_those_kept():
    new = GROUP.replace("      - {id: right,", "      - {id: middle, type: shell, command: m}\n      - {id: right,")
    plan, again = await rerun(GROUP, {"after": broken()}, FAILED, new)
    assert again.host.calls == ["g/middle", "after"]
    assert "g/middle" in plan.fresh


async def test_descendants_run_again_when_the_needs_of_a_step_change():
    old = """
steps:
  - {id: a, type: shell, command: a, needs: []}
  - {id: b, type: shell, command: b, needs: []}
  - {id: c, type: shell, command: c, needs: [a]}
"""
    plan, again = await rerun(old, {}, FAILED, old.replace("needs: [a]", "needs: [a, b]"))
    assert reasons(plan) == {"c": "changed"}
    assert again.host.calls == ["c"]


INPUTS = """
inputs: {who: {default: world}, how: {default: loud}}
steps:
  - {id: a, type: shell, command: a}
  - {id: b, type: shell, command: "echo {{ inputs.who }}"}
  - {id: c, type: shell, command: "echo {{ inputs.how }}"}
"""


async def test_steps_that_read_an_input_run_again_when_it_is_given_anew():
    old = {"who": "world", "how": "loud"}
    plan, again = await rerun(INPUTS, {}, FAILED, old_inputs=old, inputs={**old, "how": "soft"})
    assert reasons(plan) == {"c": "changed"}
    assert plan.again[0][1].text == "it reads `inputs.how`, which is given anew"
    assert again.host.calls == ["c"]


async def test_everything_runs_again_when_the_environment_of_all_steps_reads_what_is_given_anew():
    old = {"who": "world", "how": "loud"}
    text = INPUTS.replace("steps:", "env: {WHO: '{{ inputs.who }}'}\nsteps:")
    plan, _ = await rerun(text, {}, FAILED, old_inputs=old, inputs={**old, "who": "you"})
    assert plan.reused == ()
    assert "`env` reads `inputs.who`" in plan.again[0][1].text


async def test_everything_runs_again_when_the_workspace_is_another():
    plan, _ = await rerun(LIST, {}, FAILED, "workspace: {from: empty}" + LIST)
    assert plan.reused == ()


# --- what is asked for ----------------------------------------------------------------------------------


async def test_unknown_step_is_refused_with_what_was_probably_meant():
    played = await play(EPICS, PlayingHost())
    with pytest.raises(NoSuchStep) as caught:
        planned(EPICS, played, Wanted(start="reprot"))
    assert caught.value.remedy == "did you mean `report`?"


async def test_step_by_its_id_alone_is_found_when_it_is_the_only_one():
    _, again = await rerun(EPICS, {}, Wanted(start="build"))
    assert len(again.host.calls) == 4


async def test_undoing_of_a_step_is_no_step_to_begin_from():
    played = await play(UNDONE, PlayingHost(answers={"check": broken()}))
    with pytest.raises(NoSuchStep):
        planned(UNDONE, played, Wanted(start="undo_deploy"))


async def test_step_that_was_never_reached_may_be_asked_for():
    plan, again = await rerun(LIST, {"b": broken()}, Wanted(start="c"))
    assert reasons(plan) == {"b": "failed"}
    assert again.host.calls == ["b", "c"]


def test_long_lists_are_planned_in_time_that_grows_with_their_length():
    definition = require("name: played\n" + LOOP, "x.yaml")
    records = {"fix": StepRecord(status="failed", iteration=3000)}
    for number in range(1, 3001):
        records[f"fix#{number}"] = StepRecord(status="completed")
        records[f"fix#{number}/edit"] = StepRecord(status="failed", handled=True)
        records[f"fix#{number}/test"] = StepRecord(status="completed")
    earlier = Earlier("run-1", definition, Ledger(records=records))
    plan = plan_rerun(earlier, definition, {}, FAILED, inputs={}, env={})
    assert plan.kept.records == {"fix": StepRecord(status="pending", iteration=1)}


# --- definitions inside definitions ---------------------------------------------------------------------

OUTER = """
steps:
  - {id: a, type: shell, command: a}
  - {id: inner, type: workflow, definition: part.yaml, inputs: {who: you}}
  - {id: z, type: shell, command: z}
"""
PART = """
name: part
inputs: {who: {default: me}}
steps:
  - {id: one, type: shell, command: one}
  - {id: two, type: shell, command: "echo {{ inputs.who }}"}
"""


def plan_of_parts(played: Played, part: str, changed: str) -> Plan:
    definition = require("name: played\n" + OUTER, "o.yaml")
    old, new = ({"part.yaml": require(text, "part.yaml")} for text in (part, changed))
    earlier = Earlier("run-1", definition, reload(played.book.freeze()), library=old, error=played.ending.error)
    return plan_rerun(earlier, definition, new, FAILED, inputs={}, env={})


async def test_steps_of_an_inlined_definition_are_kept_like_others():
    library = {"part.yaml": require(PART, "part.yaml")}
    played = await play(OUTER, PlayingHost(answers={"inner/two": broken()}), library=library)
    plan = plan_of_parts(played, PART, PART)
    assert plan.reused == ("a", "inner/one")
    again = await play(OUTER, PlayingHost(), library=library, ledger=reload(plan.kept))
    assert again.host.calls == ["inner/two", "z"]


@pytest.mark.parametrize(
    ("old", "new", "reused"),
    [
        ("command: one", "command: other", ("a",)),
        ("default: me", "default: them", ("a",)),
        ("  - {id: two,", "  - {id: between, type: shell, command: b}\n  - {id: two,", ("a", "inner/one")),
    ],
)
async def test_inlined_definition_is_compared_step_by_step(old: str, new: str, reused: tuple[str, ...]):
    played = await play(OUTER, library={"part.yaml": require(PART, "part.yaml")})
    assert plan_of_parts(played, PART, PART.replace(old, new)).reused == reused


async def test_other_type_of_a_step_is_a_change():
    plan, _ = await rerun(LIST, {}, FAILED, LIST.replace("type: shell, command: b", "type: wait, duration: 1s"))
    assert plan.changes[0].text == "its type is `wait` now"


async def test_step_that_reads_all_inputs_runs_again_when_one_is_given_anew():
    text = INPUTS.replace("command: a", 'command: "echo {{ inputs }}"')
    old = {"who": "world", "how": "loud"}
    plan, _ = await rerun(text, {}, FAILED, old_inputs=old, inputs={**old, "how": "soft"})
    assert plan.again[0][1].text == "it reads `inputs`, and `how` is given anew"


async def test_failure_runs_again_when_what_follows_used_up_passes_changes():
    new = LOOP.replace("max_iterations: 3", "max_iterations: 3, on_exhausted: continue")
    played = await play(LOOP, PlayingHost())
    assert reasons(planned(LOOP, played, FAILED, new)) == {"fix": "changed"}


async def test_several_steps_of_one_id_are_told_apart_by_their_paths():
    library = {"part.yaml": require(PART.replace("id: one", "id: a"), "part.yaml")}
    played = await play(OUTER, library=library)
    definition = require("name: played\n" + OUTER, "o.yaml")
    earlier = Earlier("run-1", definition, played.book.freeze(), library=library)
    assert plan_rerun(earlier, definition, library, Wanted(start="a"), inputs={}, env={}).reused == ()
    twice = OUTER.replace("- {id: z", "- {id: other, type: workflow, definition: part.yaml}\n  - {id: z")
    played = await play(twice, library=library)
    earlier = Earlier("run-1", require("name: played\n" + twice, "o.yaml"), played.book.freeze(), library=library)
    with pytest.raises(NoSuchStep, match="several steps are called `two`") as caught:
        plan_rerun(earlier, earlier.definition, library, Wanted(start="two"), inputs={}, env={})
    assert caught.value.remedy == "name one of `inner/two`, `other/two`"
