import asyncio
from datetime import timedelta
from typing import Any

import pytest

from client.testing import plan
from client.testing.plan import play_now
from client.testing.verdicts import NotPlayable
from definitions import catalog
from tests.support.cases import case, played, subject

A = "steps: [{id: a, type: shell, command: make}]"


def outputs(outcome, path) -> Any:
    return outcome.status.steps[path].outputs


def test_run_completes_when_nothing_is_stubbed():
    outcome = played(A)
    assert outcome.status.status == "completed"
    assert outcome.path == ("a",)
    assert outputs(outcome, "a") == {"stdout": "", "exit_code": 0}
    assert outcome.duration == timedelta(0)


def test_status_says_what_was_run_when_it_ended():
    status = played("name: My run\nversion: '7'\ninputs: {n: {type: integer, default: 3}}\n" + A).status
    assert (status.definition_name, status.definition_version, status.inputs) == ("My run", "7", {"n": 3})
    assert status.started_at is not None
    assert status.completed_at == status.started_at


# --- stubs ------------------------------------------------------------------------------------------


def test_attempts_fail_in_turn_when_stubs_are_a_list():
    outcome = played(
        "steps: [{id: a, type: shell, command: make, retry: {max_attempts: 5, initial_interval: 10s, backoff: 2}}]",
        "stubs: {a: [{fail: {type: timeout}}, {outputs: {exit_code: 3}}, {outputs: {stdout: third}}]}",
    )
    assert outcome.status.steps["a"].attempt == 3
    assert outputs(outcome, "a")["stdout"] == "third"
    assert outcome.duration == timedelta(seconds=30)


def test_attempts_end_when_the_failure_is_of_another_class():
    outcome = played(
        "steps: [{id: a, type: shell, command: make, retry: {max_attempts: 5, on: [timeout]}}]",
        "stubs: {a: {fail: {type: exit, message: boom}}}",
    )
    assert outcome.status.steps["a"].attempt == 1
    assert (outcome.status.error.type, outcome.status.error.message, outcome.status.error.step) == ("exit", "boom", "a")


def test_exit_code_fails_the_step_when_it_is_no_success():
    definition = "steps: [{id: a, type: shell, command: make, exit_codes: [2, 5]}]"
    assert outputs(played(definition), "a")["exit_code"] == 2
    assert played(definition, "stubs: {a: {outputs: {exit_code: 5}}}").status.status == "completed"
    failed = played(definition, "stubs: {a: {outputs: {exit_code: 0}}}").status
    assert failed.error.message == "the script ended with exit code 0"


def test_step_runs_out_of_time_when_its_delay_is_longer():
    definition = "steps: [{id: a, type: shell, command: make, timeout: 10m}]"
    late = played(definition, "stubs: {a: {delay: 11m}}")
    assert (late.status.error.type, late.duration) == ("timeout", timedelta(minutes=10))
    in_time = played(definition, "stubs: {a: {delay: 10m}}")
    assert (in_time.status.status, in_time.duration) == ("completed", timedelta(minutes=10))


@pytest.mark.parametrize("owner", ["group", "run"])
def test_what_runs_is_cancelled_when_the_time_around_it_is_up(owner):
    inner = "{id: a, type: shell, command: make}, {id: b, type: shell, command: make}"
    steps = f"steps: [{{id: g, type: group, steps: [{inner}]%s}}]"
    definition = steps % ", timeout: 1h" if owner == "group" else "timeout: 1h\n" + steps % ""
    outcome = played(definition, "stubs: {g/a: {delay: 50m}, g/b: {delay: 50m}}")
    assert outcome.status.error.type == "timeout"
    assert outcome.duration == timedelta(hours=1)
    assert outcome.path[:1] == ("g/a",)
    assert "g/b" not in outcome.path
    assert outcome.status.steps["g/b"].status == "cancelled"


def test_declared_outputs_come_of_the_stub_when_it_gives_them():
    definition = """steps:
- id: a
  type: shell
  command: make
  outputs: {report: out/report.txt, lines: "{{ len(lines(result.stdout)) }}", given: "{{ result.stdout }}"}
  artifacts: {log: out/log.txt}
- id: b
  type: set
  values: {text: "{{ read_text(steps.a.outputs.report) }}", log: "{{ read_text('out/log.txt') }}"}
"""
    outcome = played(
        definition,
        'stubs: {a: {outputs: {stdout: "x\\ny", given: 5}, files: {out/report.txt: r, out/log.txt: l}}}',
    )
    assert outputs(outcome, "a")["lines"] == 2
    assert outputs(outcome, "a")["given"] == 5
    assert outputs(outcome, "a")["report"]["$file"] == "out/report.txt"
    assert outputs(outcome, "b") == {"text": "r", "log": "l"}
    assert [(found["name"], found["step"]) for found in outcome.status.artifacts] == [("log", "a")]


def test_promised_file_is_empty_when_nobody_writes_it():
    outcome = played(
        "steps: [{id: a, type: shell, command: make, outputs: {report: out.txt}}, "
        "{id: b, type: set, values: {size: '{{ len(read_text(steps.a.outputs.report)) }}'}}]"
    )
    assert outputs(outcome, "b") == {"size": 0}


def test_declared_template_is_null_when_the_result_is_made_up():
    definition = 'steps: [{id: a, type: shell, command: make, outputs: {n: "{{ from_json(result.stdout).n }}"}}]'
    assert outputs(played(definition), "a")["n"] is None
    failed = played(definition, "stubs: {a: {outputs: {stdout: no json}}}").status
    assert failed.error.type == "expression"


AGENT = """steps:
- id: write
  type: agent
  role: You are terse.
  prompt: Write {{ inputs.what }}
  inputs: {n: 3, note: "{{ inputs.note }}"}
  output_schema: {type: object, required: [title, count], properties: {title: {type: string}, count: {type: integer}}}
"""


def test_prompt_is_kept_as_rendered_when_an_agent_runs():
    inputs = "inputs: {what: {type: string, default: a poem}, note: {type: file, default: n.txt}}\n"
    prompt = played(inputs + AGENT, "files: {n.txt: x}").prompts["write"]
    assert "You are terse." in prompt
    assert "Write a poem" in prompt
    assert "- n: 3" in prompt
    assert "$file" not in prompt


def test_answer_is_completed_from_the_schema_when_a_stub_says_less():
    inputs = "inputs: {what: {type: string, default: a}, note: {type: string, default: b}}\n"
    outcome = played(inputs + AGENT, "stubs: {write: {outputs: {title: t}}}")
    assert outputs(outcome, "write")["title"] == "t"
    assert isinstance(outputs(outcome, "write")["count"], int)


def test_answer_is_refused_when_it_does_not_fit_the_schema():
    inputs = "inputs: {what: {type: string, default: a}, note: {type: string, default: b}}\n"
    outcome = played(inputs + AGENT, "stubs: {write: {outputs: {count: many}}}")
    assert outcome.status.error.type == "schema"
    assert "`$.count`" in outcome.status.error.message


def test_answer_is_a_text_when_there_is_no_schema():
    outcome = played("steps: [{id: a, type: agent, prompt: p}]")
    assert list(outputs(outcome, "a")) == ["content"]


def test_step_is_cached_when_its_stub_says_so():
    assert played(A, "stubs: {a: {cached: true}}").status.steps["a"].cached


def test_big_values_go_through_the_store_when_a_stub_gives_them():
    outcome = played(
        'outputs: {n: {type: integer, value: "{{ len(steps.a.outputs.stdout) }}"}}\n' + A,
        f"stubs: {{a: {{outputs: {{stdout: {'x' * 3000}}}}}}}",
    )
    assert outcome.status.outputs == {"n": 3000}
    assert outputs(outcome, "a")["stdout"]["size"] == 3002


def test_step_fails_when_a_value_of_its_texts_is_missing():
    definition = (
        "inputs: {o: {type: object, default: {}}}\nsteps: [{id: a, type: shell, command: 'echo {{ inputs.o.x }}'}]"
    )
    error = played(definition).status.error
    assert (error.type, error.details["code"]) == ("expression", "no-such-field")


# --- files ------------------------------------------------------------------------------------------


def test_files_travel_from_step_to_step_when_they_are_written():
    definition = """steps:
- {id: a, type: shell, command: make}
- {id: b, type: shell, command: make}
- {id: c, type: set, values: {kept: "{{ file_exists('old.txt') }}", new: "{{ read_json('n.json').x }}"}}
"""
    outcome = played(
        definition, "files: {old.txt: o}\nstubs: {a: {files: {./n.json: '{\"x\": 1}'}}, b: {files: {old.txt: null}}}"
    )
    assert outputs(outcome, "c") == {"kept": False, "new": 1}


def test_branches_are_merged_when_they_write_different_files():
    definition = """steps:
- {id: g, type: group, mode: parallel, steps: [{id: a, type: shell, command: m}, {id: b, type: shell, command: m}]}
- {id: c, type: set, values: {both: "{{ read_text('a') + read_text('b') }}"}}
"""
    merged = played(definition, "stubs: {g/a: {files: {a: A}}, g/b: {files: {b: B}, delay: 1s}}")
    assert outputs(merged, "c") == {"both": "AB"}
    conflict = played(definition, "stubs: {g/a: {files: {a: A}}, g/b: {files: {a: B}}}")
    assert conflict.status.error.type == "workspace"


def test_failed_attempt_leaves_no_files_when_it_is_tried_again():
    definition = """steps:
- {id: a, type: shell, command: m, retry: {max_attempts: 2}}
- {id: c, type: set, values: {there: "{{ file_exists('half') }}"}}
"""
    outcome = played(definition, "stubs: {a: [{files: {half: x}, fail: {}}, {}]}")
    assert outputs(outcome, "c") == {"there": False}


def test_workspace_is_a_folder_when_the_case_names_one(tmp_path):
    (tmp_path / "tree/.git").mkdir(parents=True)
    (tmp_path / "tree/a.txt").write_text("from the folder")
    (tmp_path / "tree/b.txt").write_text("b")
    (tmp_path / "tree/.git/c").write_text("c")
    (tmp_path / "tree/link").symlink_to("a.txt")
    definition = (
        "steps: [{id: c, type: set, values: {a: '{{ read_text(\"a.txt\") }}', b: '{{ read_text(\"b.txt\") }}', "
        "git: '{{ file_exists(\".git/c\") }}'}}]"
    )
    outcome = played(definition, "files_from: tree\nfiles: {b.txt: from the case}", tmp_path)
    assert outputs(outcome, "c") == {"a": "from the folder", "b": "from the case", "git": False}


@pytest.mark.parametrize(("source", "there"), [("inputs", True), ("empty", False)])
def test_workspace_is_what_the_definition_says_when_it_starts(source, there):
    definition = (
        f"workspace: {{from: {source}}}\nsteps: [{{id: c, type: set, values: {{a: '{{{{ file_exists(\"a\") }}}}'}}}}]"
    )
    assert outputs(played(definition, "files: {a: x}"), "c") == {"a": there}


def test_file_outputs_are_kept_when_there_is_no_workspace():
    definition = (
        "workspace: {from: none}\ninputs: {f: {type: file, default: x.txt}}\n"
        "steps: [{id: a, type: shell, command: m, outputs: {o: out.txt}}]"
    )
    outcome = played(definition, "stubs: {a: {files: {out.txt: content}}}")
    assert outcome.files.read(outputs(outcome, "a")["o"]) == b"content"


# --- gates ------------------------------------------------------------------------------------------

GATE = "steps: [{id: g, type: approval, approvers: {users: [ada]}, timeout: 1h, %s}, {id: b, type: shell, command: m}]"
OPEN = "steps: [{id: g, type: approval}, {id: b, type: shell, command: m}]"


def test_gate_is_decided_after_a_while_when_somebody_may():
    outcome = played(GATE % "comment: required", "decisions: {g: {verdict: approve, by: ada, after: 20m, comment: ok}}")
    assert outcome.status.status == "completed"
    assert outcome.duration == timedelta(minutes=20)
    assert outputs(outcome, "g")["decided_by"] == "ada"
    assert outputs(outcome, "g")["comment"] == "ok"


def test_next_person_decides_when_the_first_may_not():
    outcome = played(
        GATE % "comment: optional",
        "decisions: {g: [{verdict: approve, by: bob}, {verdict: reject, by: ada, after: 5m, comment: no}]}",
    )
    assert outcome.status.status == "rejected"
    assert [(said.by, said.accepted) for said in outcome.status.approvals] == [("bob", False), ("ada", True)]
    assert outcome.duration == timedelta(minutes=5)


@pytest.mark.parametrize(
    "decisions",
    [
        "{}",
        "{g: {verdict: approve, by: ada, after: 61m, comment: late}}",
        "{g: {verdict: approve, by: ada}}",
        "{g: {verdict: approve, by: bob, comment: mine}}",
    ],
)
def test_gate_runs_out_of_time_when_no_decision_is_taken(decisions):
    outcome = played(GATE % "comment: required", f"decisions: {decisions}")
    assert outcome.status.status == "rejected"
    assert outcome.duration == timedelta(hours=1)


def test_starter_is_refused_when_the_gate_is_not_for_oneself():
    definition = "steps: [{id: g, type: approval, allow_self: false, timeout: 1h}]"
    assert played(definition, "starter: ada\ndecisions: {g: {verdict: approve, by: ada}}").status.status == "rejected"
    assert played(definition, "starter: ada\ndecisions: {g: {verdict: approve, by: bob}}").status.status == "completed"


def test_run_waits_when_nobody_decides_and_there_is_no_timeout():
    outcome = played(OPEN)
    status = outcome.status
    assert status.status == "waiting_approval"
    assert [gate.gate for gate in status.pending_approvals] == ["g"]
    assert status.steps["g"].status == "waiting_approval"
    assert "b" not in status.steps
    assert status.completed_at is None
    assert outcome.path == ()


def test_other_branch_goes_on_when_a_gate_is_never_decided():
    outcome = played(
        "steps: [{id: p, type: group, mode: parallel, "
        "steps: [{id: g, type: approval}, {id: b, type: shell, command: m}]}]",
        "stubs: {p/b: {delay: 9m}}",
    )
    assert outcome.path == ("p/b",)
    assert outcome.duration == timedelta(minutes=9)
    assert outcome.status.status == "waiting_approval"


# --- time and place ---------------------------------------------------------------------------------


def test_waiting_costs_nothing_when_it_is_for_years():
    outcome = played("steps: [{id: w, type: wait, duration: 3000d}]")
    assert outcome.duration == timedelta(days=3000)


def test_run_starts_when_the_clock_says():
    definition = 'outputs: {at: {value: "{{ run.started_at }}"}}\nsteps: [{id: w, type: wait, duration: 1m}]'
    outcome = played(definition, "clock: {start: '2027-03-01T12:00:00+01:00'}")
    assert outcome.status.outputs["at"] == "2027-03-01T11:00:00+00:00"
    assert outputs(outcome, "w")["until"] == "2027-03-01T11:01:00+00:00"


def test_environment_is_the_case_s_when_it_is_named():
    definition = "steps: [{id: s, type: set, values: {a: '{{ env.A }}', b: '{{ env.B }}'}}]"
    assert outputs(played(definition, "env: {A: x, C: y}"), "s") == {"a": "x", "b": None}


def test_outcome_is_the_same_when_it_is_played_again():
    text = next(catalog.read(name)[0] for name in catalog.names() if name == "fix-typing-errors")
    one, what = case("stubs: {found: {outputs: {errors: 1, ignores: 0}}}\ndecisions: {accept: approve}"), subject(text)
    first, second = play_now(one, what), play_now(one, what)
    assert (first.status, first.path, first.prompts) == (second.status, second.path, second.prompts)


async def test_cases_are_played_side_by_side_when_a_loop_runs_already():
    async with plan.opened() as play:
        outcomes = await asyncio.gather(*(play(case("stubs: {a: {delay: 1h}}"), subject(A)) for _ in range(5)))
    assert {outcome.duration for outcome in outcomes} == {timedelta(hours=1)}


@pytest.mark.parametrize(
    ("definition", "keys", "place", "said"),
    [
        ("inputs: {f: {type: file, required: true}}\n" + A, "inputs: {f: x.py}", ("inputs", "f"), "has no file `x.py`"),
        ("inputs: {f: {type: string, required: true}}\n" + A, "inputs: {}", ("inputs",), "needs a value"),
        (A, "files: {../x: y}", ("files",), "`../x` is not a path inside the workspace"),
        (A, "files: {/etc/x: y}", ("files",), "is not a path inside the workspace"),
        (A, "files_from: nowhere", ("files_from",), "no folder `nowhere`"),
    ],
)
def test_case_is_not_played_when_it_cannot_be(definition, keys, place, said):
    with pytest.raises(NotPlayable, match=said.replace("(", ".")) as fault:
        played(definition, keys)
    assert fault.value.place == place


def test_case_is_not_played_when_its_folder_is_too_big(tmp_path, monkeypatch):
    monkeypatch.setattr("client.testing.starting_files.MOST_FILES", 1)
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    with pytest.raises(NotPlayable, match="more than 1 files"):
        played(A, "files_from: .", tmp_path)


def test_case_is_not_played_when_a_file_cannot_be_read(tmp_path, monkeypatch):
    def refused(_path):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "a").write_text("a")
    monkeypatch.setattr("pathlib.Path.read_bytes", refused)
    with pytest.raises(NotPlayable, match="cannot be read: Permission denied"):
        played(A, "files_from: .", tmp_path)


def test_step_fails_when_its_stub_writes_outside_the_workspace():
    assert played(A, "stubs: {a: {files: {../x: y}}}").status.error.type == "workspace"


def test_case_is_not_played_when_it_would_never_end(monkeypatch):
    async def deaf(*_arguments):
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue

    monkeypatch.setattr(plan, "run_course", deaf)
    with pytest.raises(NotPlayable, match="does not come to its end"):
        played(A)
