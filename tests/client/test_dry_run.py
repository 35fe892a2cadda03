import json

import pytest

from tests.client.conftest import Cli, Write

TEXT = """
name: planned
inputs: {level: {type: integer, default: 1}}
workspace: {from: empty}
steps:
  - {id: build, type: shell, command: "echo built", cache: true}
  - {id: fact, type: set, values: {high: "{{ inputs.level > 3 }}"}}
  - {id: page, type: shell, command: "echo page", when: steps.fact.outputs.high}
  - {id: many, type: shell, command: "echo {{ item }}", cache: true, for_each: {items: [a, b]}}
  - {id: ok, type: approval, message: "well?"}
  - id: checks
    type: group
    mode: parallel
    steps:
      - {id: lint, type: shell, command: "true", when: steps.build.outputs.exit_code == 0}
      - {id: rest, type: wait, duration: 2h}
      - {id: heard, type: wait, signal: go, timeout: 5m}
  - {id: fix, type: shell, command: "true", loop: {max_iterations: 4}, on_failure: tell}
  - {id: call, type: activity, activity: Notify}
  - {id: tell, type: shell, command: "true"}
"""


@pytest.fixture
def offline(tmp_path, monkeypatch):
    """Leave no server to ask: whoever tried would fail."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    monkeypatch.setenv("PERDURE_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)


def test_each_step_is_told_with_what_would_become_of_it(offline, cli: Cli, write: Write):
    ran = cli("run", write(TEXT), "--dry-run", "--json")
    assert ran.code == 0, ran.err
    told = {row["path"]: row["text"] for row in json.loads(ran.out)}
    assert told == {
        "build": "runs, not in the cache",
        "fact": "is computed",
        "page": "runs, if steps.fact.outputs.high",
        "many": "runs, unless it is in the cache then, for each item",
        "ok": "asks for a decision",
        "checks": "side by side",
        "checks/lint": "runs, if steps.build.outputs.exit_code == 0",
        "checks/rest": "waits 2h",
        "checks/heard": "waits for the signal go, at most 5m",
        "fix": "runs, at most 4 passes",
        "call": "calls the activity Notify",
        "tell": "runs, only when a step fails into it",
    }


def test_nothing_is_left_of_a_dry_run(offline, cli: Cli, write: Write, tmp_path):
    assert cli("run", write(TEXT), "--dry-run").out.splitlines()[0].split() == ["STEP", "TYPE", "PLAN"]
    assert not (tmp_path / "store" / "runs").exists()


@pytest.mark.server
def test_cached_computed_and_skipped_steps_are_told_when_a_run_went_before(settled, cli: Cli, write: Write):
    file = write(TEXT)
    assert cli("run", file, "--timeout", "4s").code == 5
    told = {row["path"]: row["verdict"] for row in json.loads(cli("run", file, "--dry-run", "--json").out)}
    assert [told[path] for path in ("build", "fact", "page", "many", "ok")] == [
        "cached",
        "computed",
        "skipped",
        "computed",
        "asks",
    ]


def test_step_that_cannot_succeed_is_told(offline, cli: Cli, write: Write):
    text = """
name: no
workspace: {from: none}
inputs: {x: {type: integer, default: 2}}
steps:
  - {id: a, type: assert, condition: 1 > inputs.x, message: too low}
"""
    ran = cli("run", write(text), "--dry-run")
    assert "fails: assertion: too low" in ran.out


def test_run_that_a_worker_would_refuse_is_refused(offline, cli: Cli, write: Write):
    text = "name: no\ninputs: {f: {type: file}}\nsteps:\n  - {id: a, type: shell, command: 'cat {{ inputs.f }}'}\n"
    ran = cli("run", write(text), "-i", "f=nowhere.txt", "--dry-run")
    assert (ran.code, "error[no-such-file]" in ran.err) == (7, True)


def test_definitions_inside_and_agents_are_told(offline, cli: Cli, write: Write, tmp_path):
    (tmp_path / "part.yaml").write_text("name: part\nsteps:\n  - {id: one, type: shell, command: 'true'}\n")
    text = """
name: outer
workspace: {from: none}
steps:
  - {id: first, type: shell, command: "true", for_each: {items: [1, 2, 3]}}
  - {id: think, type: agent, provider: scripted, prompt: p, approval: {message: "may it?"}, accept: {}}
  - {id: inner, type: workflow, definition: ./part.yaml}
  - {id: apart, type: workflow, definition: ./part.yaml, detach: true}
  - {id: until, type: wait, until: "2030-01-01T00:00:00Z"}
  - {id: last, type: assert, condition: steps.think.outputs.ok == true, message: no}
"""
    ran = cli("run", write(text), "--dry-run", "--json")
    assert ran.code == 0, ran.err
    told = {row["path"]: (row["verdict"], row["text"]) for row in json.loads(ran.out)}
    assert told == {
        "first": ("runs", "runs, for 3 items"),
        "think": ("runs", "runs by scripted, asks before, asks after"),
        "inner": ("opens", "runs part.yaml"),
        "inner/one": ("runs", "runs"),
        "apart": ("starts", "starts a run of part.yaml"),
        "until": ("waits", "waits until 2030-01-01T00:00:00Z"),
        "last": ("computes", "is computed"),
    }
