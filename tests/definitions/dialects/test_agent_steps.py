"""The dialect of agent steps: what it becomes, where its findings point, how it runs."""

import json

import pytest

from definitions.diagnostics import Diagnostic
from definitions.errors import ErrorClass, StepFailure
from definitions.loader import Loaded, load
from definitions.models import Definition
from definitions.records import StepResult
from definitions.steps import AgentStep
from tests.support.dialect_runs import play_loaded
from tests.support.playing_host import PlayingHost

LIFECYCLE = """
workflow:
  name: "Incident Handling"
  version: "2.0"
  steps:
    - id: sort
      agent: sorter
      inputs:
        report: "{{input.report}}"
      on_success: own
      on_failure: tell
    - id: own
      agent: manager
      inputs:
        facts: "{{steps.sort.output}}"
      condition: "{{steps.sort.output.level}} > 3"
      on_success: mend
    - id: tell
      agent: herald
      inputs:
        message: "{{input.report}}: {{steps.sort.error.message}}"
    - id: mend
      agent: coder
      max_retries: 1
      timeout_seconds: 600
      inputs:
        owner: "{{steps.own.output.owner}}"
        review: "{{steps.look.output}}"
      on_success: look
      on_failure: tell
    - id: look
      agent: critic
      inputs:
        change: "{{steps.mend.output}}"
      on_success: done
      on_failure: mend
    - id: done
      agent: manager
"""
RETRY = {
    "max_attempts": 3, "initial_interval": "1s", "backoff": 2.0, "max_interval": "1m", "jitter": 0.0, "on": None
}  # fmt: skip
CRASH = StepFailure(ErrorClass.CRASH, "boom")
REPORT = {"report": "it crashes"}


def loaded(text: str) -> Loaded:
    return load(text, "x.yaml")


def definition(text: str) -> Definition:
    found = loaded(text)
    assert found.definition is not None, found.diagnostics
    return found.definition


def only(text: str) -> AgentStep:
    step = definition(text).steps[0]
    assert isinstance(step, AgentStep)
    return step


def errors(text: str) -> list[Diagnostic]:
    return [finding for finding in loaded(text).diagnostics if finding.severity == "error"]


def answers(**changes: StepResult | StepFailure | list[StepResult | StepFailure]) -> PlayingHost:
    known = {"sort": StepResult(outputs={"level": 5}), "own": StepResult(outputs={"owner": "ada"})}
    return PlayingHost(answers={**known, **{name.replace("__", "@"): one for name, one in changes.items()}})  # pyright: ignore[reportArgumentType]


def test_id_and_inputs_are_made_when_the_author_gives_a_name():
    found = loaded(LIFECYCLE)
    assert found.definition is not None
    assert (found.definition.id, found.definition.version) == ("incident-handling", "2.0")
    assert found.implicit_inputs == ("report",)
    assert found.definition.inputs["report"].is_required


def test_wrapper_is_not_needed_when_steps_name_agents():
    inner = "\n".join(line[2:] for line in LIFECYCLE.splitlines()[2:])
    assert definition(inner) == definition(LIFECYCLE)


def test_json_loads_when_it_says_the_same():
    text = {"workflow": {"name": "a b", "steps": [{"id": "x", "agent": "y", "inputs": {"q": "{{input.q}}"}}]}}
    assert definition(json.dumps(text)).id == "a-b"


def test_frozen_form_is_of_the_main_language_when_loaded_again():
    body = definition(LIFECYCLE).model_dump(mode="json", by_alias=True, exclude_defaults=True)
    assert Definition.model_validate_json(json.dumps(body), strict=True) == definition(LIFECYCLE)


@pytest.mark.parametrize(
    ("keys", "field", "value"),
    [
        ("max_retries: 2", "retry", RETRY),
        ("max_retries: 0", "retry", {**RETRY, "max_attempts": 1}),
        ("timeout_seconds: 90", "timeout", "1m30s"),
        ("timeout_seconds: 0.5", "timeout", "500ms"),
        ("skip_if: 'input.a == 1'", "when", "not (inputs.a == 1)"),
        ("condition: 'input.b'\n  skip_if: 'input.a'", "when", "(inputs.b) and not (inputs.a)"),
        ("depends_on: []", "needs", []),
        ("name: Look\n  description: At it", "name", "Look"),
        ("metadata: {any: thing}", "agent", "y"),
        ("prompt: 'Do {{ input.it }}'", "prompt", "Do {{ inputs.it }}"),
    ],
)
def test_key_becomes_todays_when_it_is_the_dialects(keys: str, field: str, value: object):
    step = only(f"name: w\nsteps:\n- id: x\n  agent: y\n  {keys}\n")
    assert step.model_dump(mode="json")[field] == value


def test_single_name_is_a_list_when_a_step_depends_on_it():
    text = "name: w\nsteps:\n- {id: a, agent: y}\n- {id: b, agent: y, depends_on: a}\n"
    assert definition(text).steps[1].needs == ["a"]


def test_prompt_says_the_authors_words_when_there_are_some():
    prompt = only("name: w\nsteps:\n- {id: x, agent: y, description: 'Look at {{ it }}'}\n").prompt
    assert prompt.startswith("Look at { { it }}")
    assert "step `x` of the workflow `w`" in prompt


@pytest.mark.parametrize(
    ("keys", "code", "place"),
    [
        ("max_retries: often", "invalid-value", (5, 16)),
        ("max_retries: -1", "invalid-value", (5, 16)),
        ("timeout_seconds: 0", "invalid-value", (5, 20)),
        ("timeout_seconds: true", "invalid-value", (5, 20)),
        ("condition: 'input.a'\n    when: 'input.a'", "conflicting-keys", (5, 3)),
        ("conditoin: a", "unknown-key", (5, 3)),
        ("on_success: nowhere", "unknown-step", (5, 15)),
        ("skip_if: 3", "ambiguous-scalar", (5, 12)),
        ("inputs: {a: '{{ input.b + }}'}", "expression-syntax", (5, 27)),
        ("inputs: {a: '{{ steps.none.output.b }}'}", "unknown-step", (5, 25)),
        ("condition: '{{ steps.none.output.b }} > 3'", "unknown-step", (5, 24)),
        ("inputs: {a: '{{ input.b', c: d}", "template-syntax", (5, 16)),
    ],
)
def test_finding_points_into_the_authors_text_when_a_key_is_wrong(keys: str, code: str, place: tuple[int, int]):
    keys = keys.replace("\n    ", "\n  ")
    found = errors(f"name: w\nsteps:\n- id: x\n  agent: y\n  {keys}\n")
    assert [(finding.code, finding.span and finding.span[:2]) for finding in found] == [(code, place)]


def test_agent_is_asked_for_when_a_step_of_a_wrapped_text_has_none():
    found = errors("workflow:\n  name: w\n  steps:\n  - id: x\n    inputs: {}\n")
    assert [(finding.code, finding.message) for finding in found] == [("missing-key", "step `x` has no `agent`")]


def test_step_keeps_its_type_when_it_has_one():
    text = "workflow:\n  name: w\n  steps:\n  - {id: x, type: shell, command: 'echo {{input.a}}'}\n"
    assert definition(text).steps[0].type == "shell"
    assert list(definition(text).inputs) == ["a"]


def test_input_is_not_implicit_when_it_is_declared():
    text = "name: w\ninputs: {a: {type: number}}\nsteps:\n- {id: x, agent: y, inputs: {q: '{{ input.a }}'}}\n"
    assert loaded(text).implicit_inputs == ()
    assert definition(text).inputs["a"].type == "number"


def test_missing_step_is_a_warning_when_it_may_not_have_run():
    found = [(one.code, one.severity, one.span and one.span.line) for one in loaded(LIFECYCLE).diagnostics]
    assert found == [("may-not-have-run", "warning", 27), ("may-not-have-run", "warning", 28)]


async def test_run_takes_the_straight_way_when_all_goes_well():
    played = await play_loaded(LIFECYCLE, answers(), REPORT)
    assert played.host.calls == ["sort", "own", "mend", "look", "done"]
    assert played.ending.state == "completed"


async def test_step_is_skipped_and_routes_on_when_its_condition_is_false():
    played = await play_loaded(LIFECYCLE, answers(sort=StepResult(outputs={"level": 1})), REPORT)
    assert played.status("own") == "skipped"
    assert played.host.calls == ["sort", "mend", "look", "done"]
    assert played.host.inputs_of("mend") == {"owner": None, "review": None}


async def test_handler_ends_the_run_well_when_it_took_the_failure():
    played = await play_loaded(LIFECYCLE, answers(sort=CRASH), REPORT)
    assert played.ending.state == "completed"
    assert played.host.calls[-1] == "tell"
    assert played.host.inputs_of("tell") == {"message": "it crashes: boom"}


async def test_error_of_a_step_that_went_well_is_an_empty_text_when_another_failed():
    played = await play_loaded(LIFECYCLE, answers(mend=CRASH), REPORT)
    assert played.host.calls.count("mend") == 2
    assert played.host.inputs_of("tell") == {"message": "it crashes: "}


async def test_run_jumps_back_and_sees_the_latest_visit_when_a_review_fails():
    played = await play_loaded(LIFECYCLE, answers(look=CRASH), REPORT)
    assert list(dict.fromkeys(played.host.calls)) == ["sort", "own", "mend", "look", "mend@2", "look@2", "done"]


async def test_run_fails_when_it_jumps_back_too_often():
    played = await play_loaded(LIFECYCLE, answers(look=CRASH, look__2=CRASH, look__3=CRASH), REPORT)
    assert played.ending.error is not None
    assert played.ending.error.type == "visits-exhausted"


async def test_step_fails_and_names_the_field_when_an_answer_lacks_it():
    played = await play_loaded(LIFECYCLE, answers(sort=StepResult(outputs={"rank": 5})), REPORT)
    assert played.ending.error is not None
    assert "has no field `level`" in played.ending.error.message
