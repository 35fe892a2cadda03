"""The stages dialect: what it becomes, where its findings point, how its passes run."""

import json

import pytest

from definitions.diagnostics import Diagnostic
from definitions.dialects import nothing_beside
from definitions.errors import ErrorClass, StepFailure
from definitions.loader import load
from definitions.models import Definition
from definitions.records import StepResult
from definitions.steps import AgentStep, GroupStep, Step, all_steps
from tests.support.dialect_runs import DialectPlayed, play_loaded
from tests.support.playing_host import PlayingHost, reload

FEATURE = """
id: story
name: Write a story
stages: [outline, write, judge]
loop:
  max_iters: 3
  fallback_next_stage: write
  stop_when: "$.good == true"
stageConfigs:
  outline: {provider: scripted, role: planner, prompt: "Outline ${vars.topic}"}
  write:
    provider: scripted
    role: writer
    on_failure: retry
    retries: 1
    retry_backoff: 2
    prompt: "Write: ${stages.outline.output.content}"
  judge: {provider: scripted, on_failure: continue, prompt: "Good?"}
"""
CRASH = StepFailure(ErrorClass.CRASH, "boom")
TOPIC = {"topic": "rain"}


def definition(text: str, beside: dict[str, str] | None = None) -> Definition:
    found = load(text, "x.yaml", beside=nothing_beside if beside is None else beside.get)
    assert found.definition is not None, found.diagnostics
    return found.definition


def step(text: str, step_id: str) -> Step:
    return next(one for one in all_steps(definition(text).steps) if one.id == step_id)


def errors(text: str) -> list[Diagnostic]:
    return [finding for finding in load(text, "x.yaml").diagnostics if finding.severity == "error"]


def one_stage(config: str, rest: str = "") -> str:
    return f"id: w\nstages: [a]\nstageConfigs:\n  a: {config}\n{rest}"


def result(**outputs: object) -> StepResult:
    return StepResult.model_validate({"outputs": outputs})


async def played(
    text: str = FEATURE, **answers: StepResult | StepFailure | list[StepResult | StepFailure]
) -> DialectPlayed:
    known = {path.replace("__", "/").replace("_n", "#"): answer for path, answer in answers.items()}
    first = {"passes#1/outline": result(content="an outline")}
    return await play_loaded(text, PlayingHost(answers={**first, **known}), {"topic": "rain"})  # pyright: ignore[reportArgumentType]


def stages_of(run: DialectPlayed) -> list[str]:
    return [path.removeprefix("passes#") for path in run.host.calls]


def test_stages_follow_each_other_when_there_is_no_loop():
    text = FEATURE.replace("loop:", "x-loop:")
    assert [one.id for one in definition(text).steps] == ["outline", "write", "judge"]
    assert load(text, "x").implicit_inputs == ("topic",)


def test_names_are_the_main_languages_when_a_loop_is_around():
    body = definition(FEATURE)
    (passes,) = body.steps
    assert isinstance(passes, GroupStep)
    assert passes.loop is not None
    assert (passes.id, passes.loop.max_iterations) == ("passes", 3)
    assert passes.loop.until == "default(steps.judge.outputs.good == true, false)"
    assert passes.loop.start_at == ["{{ default(steps.judge.outputs.recommended_next_stage, null) }}", "write"]
    assert [one.phase for one in passes.steps] == ["outline", "write", "judge"]


def test_group_around_has_another_id_when_a_stage_has_that_name():
    text = FEATURE.replace("outline", "passes")
    assert [one.id for one in definition(text).steps] == ["passes_"]


def test_json_loads_when_it_says_the_same():
    text = {"id": "w", "stages": ["a"], "stageConfigs": {"a": {"provider": "scripted", "prompt": "${vars.x}"}}}
    assert definition(json.dumps(text)).steps[0].id == "a"


@pytest.mark.parametrize(
    ("config", "attempts", "first", "on_failure"),
    [
        ("{on_failure: retry}", 4, 5, "stop"),
        ("{on_failure: retry, retries: 0}", 1, 5, "stop"),
        ("{on_failure: retry, retries: 2, retry_backoff: 0.5}", 3, 0.5, "stop"),
        ("{on_failure: continue, retries: 1}", 2, 5, "continue"),
    ],
)
def test_retries_are_further_attempts_when_a_stage_asks_for_them(
    config: str, attempts: int, first: float, on_failure: str
):
    found = step(one_stage(config), "a")
    (rule,) = found.retry_rules
    assert (rule.max_attempts, rule.initial_interval.total_seconds(), rule.backoff) == (attempts, first, 2)
    assert rule.max_interval.total_seconds() == 86_400
    assert found.on_failure == on_failure


@pytest.mark.parametrize(
    ("stop_when", "until"),
    [
        ("$.good", "default(steps.a.outputs.good, false)"),
        ("$.a == 'x'", "default(steps.a.outputs.a == 'x', false)"),
        ("$.a == '$.b'", "default(steps.a.outputs.a == '$.b', false)"),
        ("$['a'][0].b != null", "default(steps.a.outputs['a'][0].b != null, false)"),
        ("$.a && $.b || $.c", "default(steps.a.outputs.a  and  steps.a.outputs.b  or  steps.a.outputs.c, false)"),
        ("stages.a.output.good", "default(steps.a.outputs.good, false)"),
        ("output.good", "default(steps.a.outputs.good, false)"),
        ("${stages.a.output.good} == true", "default((steps.a.outputs.good) == true, false)"),
        ("{{ stages.a.output.n }} > 3", "default({{ steps.a.outputs.n }} > 3, false)"),
        ("loop.iteration > 1", "default(loop.iteration > 1, false)"),
    ],
)
def test_stop_condition_is_of_the_main_language_when_written_in_another(stop_when: str, until: str):
    written = json.dumps(stop_when)
    loop = definition(one_stage("{}", f"loop: {{max_iters: 2, stop_when: {written}}}\n")).steps[0].loop
    assert loop is not None
    assert loop.until == until


def test_role_is_a_name_or_a_text_when_it_is_one_word_or_more():
    named, told = step(one_stage("{role: planner}"), "a"), step(one_stage("{role: You plan well}"), "a")
    assert isinstance(named, AgentStep)
    assert isinstance(told, AgentStep)
    assert (named.agent, named.role, told.agent, told.role) == ("planner", None, None, "You plan well")


def test_roles_are_agents_of_the_definition_when_given():
    agents = definition(one_stage("{role: planner}", "roles: {planner: 'You plan'}\n")).agents
    assert agents["planner"].role == "You plan"


def test_prompt_is_made_of_what_is_there_when_a_stage_has_none():
    text = "id: w\nstages: [a, b]\nstageConfigs: {a: {prompt: x}}\n"
    found = step(text, "b")
    assert isinstance(found, AgentStep)
    assert found.inputs == {"a": "{{ default(steps.a.outputs, null) }}"}
    assert "You are at `b` of `w`" in found.prompt


def test_shell_words_stay_when_they_are_no_values():
    found = step(one_stage('{prompt: "${HOME} $HOME ${vars.x} {{ vars.x }} $5"}'), "a")
    assert isinstance(found, AgentStep)
    assert found.prompt == "${HOME} $HOME {{ inputs.x }} {{ inputs.x }} $5"


@pytest.mark.parametrize(
    ("strategy", "mode", "output"),
    [
        ("", "parallel", {"scripted": '{{ result["a_scripted"] }}', "codex": '{{ result["a_codex"] }}'}),
        ("parallel_strategy: race", "race", "{{ result[result.winner] }}"),
        ("parallel_strategy: majority", "parallel", '{{ majority([result["a_scripted"], result["a_codex"]]) }}'),
    ],
)
def test_providers_run_side_by_side_when_the_mode_is_parallel(strategy: str, mode: str, output: object):
    found = step(one_stage(f"{{mode: parallel, providers: [scripted, codex], {strategy}}}"), "a")
    assert isinstance(found, GroupStep)
    assert (found.mode, found.outputs["output"]) == (mode, output)
    assert [one.id for one in found.steps] == ["a_scripted", "a_codex"]
    assert {one.on_failure for one in found.steps} == {"continue" if "majority" in strategy else "stop"}


def test_ids_differ_when_a_provider_is_listed_twice():
    found = step(one_stage("{mode: parallel, providers: [scripted, scripted], on_failure: continue}"), "a")
    assert isinstance(found, GroupStep)
    assert [one.id for one in found.steps] == ["a_scripted", "a_scripted-2"]
    assert found.on_failure == "continue"


def test_one_provider_is_one_agent_and_a_warning_when_the_mode_is_parallel():
    text = one_stage("{mode: parallel, providers: [claude_code]}")
    assert [(one.code, one.severity) for one in load(text, "x").diagnostics] == [("key-without-effect", "warning")]
    found = step(text, "a")
    assert isinstance(found, AgentStep)
    assert found.provider == "claude-code"


CAREFUL = """
  careful:
    nodes:
      - {id: draft, prompt: "Draft ${vars.x}"}
      - {id: lint, type: shell, command: "echo {{ nodes.draft.output.content }}", needs: [draft]}
      - {id: review, role: reviewer, depends_on: lint, retries: 1}
"""


@pytest.mark.parametrize("is_beside", [False, True])
def test_stage_is_a_graph_when_it_has_a_profile(is_beside: bool):
    text = one_stage("{profile: careful, provider: scripted}", "" if is_beside else f"profiles:{CAREFUL}")
    found = definition(text, {"profiles.yaml": f"profiles:{CAREFUL}"} if is_beside else None).steps[0]
    assert isinstance(found, GroupStep)
    assert [one.id for one in found.steps] == ["a_draft", "a_lint", "a_review"]
    assert [one.needs for one in found.steps] == [None, ["a_draft"], ["a_lint"]]
    assert found.outputs["output"] == '{{ result["a_review"] }}'


def test_finding_stands_at_the_profiles_name_when_its_file_lies_beside():
    beside = {"profiles.yaml": "careful:\n  - {id: draft, type: nonsense}\n"}
    found = load(one_stage("{profile: careful}"), "x.yaml", beside=beside.get).diagnostics
    assert [(one.code, one.span and one.span[:2]) for one in found] == [("unknown-step-type", (4, 16))]


@pytest.mark.parametrize("text", ["- a", "other: {nodes: []}", "careful: nothing", "careful: {nodes: [{prompt: x}]}"])
def test_profile_is_not_there_when_the_file_beside_does_not_have_it(text: str):
    found = load(one_stage("{profile: careful}"), "x.yaml", beside={"profiles.yaml": text}.get)
    assert found.definition is None
    assert {one.code for one in found.diagnostics} <= {"unknown-profile", "wrong-type"}


def test_agents_of_a_group_are_asked_for_fields_when_later_texts_read_them():
    text = one_stage(
        "{mode: parallel, providers: [scripted, codex], parallel_strategy: race, prompt: Go}",
        "loop: {max_iters: 2, stop_when: $.fine}\n",
    )
    found = step(text, "a_codex")
    assert isinstance(found, AgentStep)
    assert found.prompt.count("`fine`, `recommended_next_stage`") == 1


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("id: w\nstages: a\n", "wrong-type", (2, 9)),
        ("id: w\nstages: [a, 3]\n", "wrong-type", (2, 9)),
        ("id: w\nstageConfigs: {}\n", "missing-key", (1, 1)),
        ("id: w\nstages: [a, a]\n", "duplicate-step-id", (2, 13)),
        ("id: w\nstages: [a]\nstageConfigs: [a]\n", "wrong-type", (3, 15)),
        ("id: w\nstages: [stop]\n", "reserved-id", (2, 10)),
        ("id: w\nstages: [a]\nstagess: 1\n", "unknown-key", (3, 1)),
        ("id: w\nstages: [a]\nprompt: x\n", "unknown-key", (3, 1)),
        ("id: w\nstages: [a]\nloop: 3\n", "wrong-type", (3, 7)),
        ("id: w\nstages: [a]\nloop: {stop_when: $.a}\n", "missing-key", (3, 1)),
        ("id: w\nstages: [a]\nloop: {max_iters: 0}\n", "invalid-value", (3, 19)),
        ("id: w\nstages: [a]\nloop: {max_iters: 2, stop_when: 3}\n", "wrong-type", (3, 33)),
        ("id: w\nstages: [a]\nloop: {max_iters: 2, fallback_next_stage: b}\n", "unknown-stage", (3, 43)),
        ("id: w\nstages: [a]\nloop: {max_iters: 2, stop_when: '$.a =='}\n", "expression-syntax", None),
        ("id: w\nstages: [a]\nroles: [x]\n", "wrong-type", (3, 8)),
        (one_stage("3"), "wrong-type", (4, 6)),
        (one_stage("{promt: x}"), "unknown-key", (4, 7)),
        (one_stage("{profile: none}"), "unknown-profile", (4, 16)),
        (one_stage("{mode: serial}"), "invalid-value", (4, 13)),
        (one_stage("{parallel_strategy: [all]}"), "invalid-value", (4, 26)),
        (one_stage("{providers: codex}"), "wrong-type", (4, 18)),
        (one_stage("{provider: nobody}"), "invalid-value", (4, 17)),
        (one_stage("{on_failure: retry, retries: many}"), "invalid-value", (4, 35)),
        (one_stage("{retries: 1, retry_backoff: soon}"), "invalid-value", (4, 34)),
        (one_stage("{skills: python}"), "wrong-type", (4, 15)),
        (one_stage("{prompt: 'Do ${stages.b.output.x}'}"), "unknown-step", (4, 28)),
        (one_stage("{}", "profiles: {p: 3}\n"), "wrong-type", (5, 12)),
    ],
)
def test_finding_points_into_the_authors_text_when_something_is_wrong(
    text: str, code: str, place: tuple[int, int] | None
):
    found = [(finding.code, finding.span and finding.span[:2]) for finding in errors(text)]
    assert [one for one, _ in found] == [code]
    assert place is None or found[0][1] == place


def test_stage_that_never_runs_is_a_warning_when_it_is_configured():
    text = "id: w\nstages: [a]\nstageConfigs: {b: {}}\n"
    assert [(one.code, one.severity) for one in load(text, "x").diagnostics] == [("key-without-effect", "warning")]


async def test_pass_begins_at_the_fallback_when_the_last_stage_is_not_content():
    run = await played(passes_n1__judge=result(good=False), passes_n2__judge=result(good=True))
    assert stages_of(run) == ["1/outline", "1/write", "1/judge", "2/write", "2/judge"]
    assert run.ending.state == "completed"
    assert run.host.prompt_of("passes#2/write") == "Write: an outline"


async def test_pass_begins_where_the_last_stage_says_when_it_names_one():
    again = result(recommended_next_stage="outline")
    run = await played(passes_n1__judge=again, passes_n2__judge=result(good=True))
    assert stages_of(run)[3:] == ["2/outline", "2/write", "2/judge"]


async def test_recommendation_is_noted_and_passed_over_when_it_names_nothing():
    run = await played(passes_n1__judge=result(recommended_next_stage="nonsense"), passes_n2__judge=result(good=True))
    assert stages_of(run)[3:] == ["2/write", "2/judge"]
    assert "`nonsense`" in run.book.records["passes#1"].notes[0]


async def test_outputs_are_kept_over_several_passes_when_a_stage_is_not_run_again():
    last = result(recommended_next_stage="judge")
    run = await played(passes_n1__judge=last, passes_n2__judge=result(recommended_next_stage="write"))
    assert stages_of(run)[3:] == ["2/judge", "3/write", "3/judge"]
    assert run.host.prompt_of("passes#3/write") == "Write: an outline"


async def test_run_fails_and_names_max_iters_when_the_passes_are_used_up():
    run = await played()
    assert run.ending.error is not None
    assert run.ending.error.type == "loop-exhausted"
    assert "`max_iters`" in run.ending.error.message


async def test_stage_is_tried_again_when_it_fails():
    run = await played(passes_n1__write=[CRASH, result(ok=True)], passes_n1__judge=result(good=True))
    assert run.ending.state == "completed"
    assert run.host.slept[0][1] == 2


async def test_run_fails_when_a_stages_retries_are_used_up():
    run = await played(passes_n1__write=CRASH)
    assert run.host.calls.count("passes#1/write") == 2
    assert run.ending.state == "failed"


async def test_next_pass_follows_when_the_last_stage_failed_and_may():
    run = await played(passes_n1__judge=CRASH, passes_n2__judge=result(good=True))
    assert run.ending.state == "completed"


@pytest.mark.parametrize("seen", range(2, 14))
async def test_nothing_is_done_again_when_the_run_goes_on_from_any_ledger(seen: int):
    answers = {
        "passes#1/outline": result(content="o"),
        "passes#1/judge": result(recommended_next_stage="judge"),
        "passes#3/judge": result(good=True),
    }
    whole = await play_loaded(FEATURE, PlayingHost(answers=answers), TOPIC)  # pyright: ignore[reportArgumentType]
    ledger = whole.book.freeze()
    cut = ledger.model_copy(update={"records": dict(list(ledger.records.items())[:seen])})
    open_again = {
        path: record.model_copy(update={"status": "running", "completed_at": None, "outputs": None, "iteration": None})
        if path in ("passes", "passes#1", "passes#2", "passes#3") and path in list(cut.records)[-4:]
        else record
        for path, record in cut.records.items()
    }
    first = next(iter(open_again))
    open_again[first] = open_again[first].model_copy(update={"status": "running"})
    again = await play_loaded(
        FEATURE,
        PlayingHost(answers=answers),  # pyright: ignore[reportArgumentType]
        TOPIC,  # pyright: ignore[reportArgumentType]
        ledger=reload(cut.model_copy(update={"records": open_again})),
    )
    assert again.ending == whole.ending
    known = {path for path, record in open_again.items() if record.type == "agent"}
    assert not known & set(again.host.calls)


async def test_majority_counts_when_one_of_three_fails():
    text = one_stage(
        "{mode: parallel, providers: [scripted, codex, gemini], parallel_strategy: majority}",
        "outputs: {answer: {value: '${stages.a.output.n}', type: number}}\n",
    )
    answers = {"a/a_scripted": CRASH, "a/a_codex": result(n=1), "a/a_gemini": result(n=1)}
    run = await play_loaded(text, PlayingHost(answers=answers), {})  # pyright: ignore[reportArgumentType]
    assert run.outputs == {"answer": 1}
    answers["a/a_codex"] = CRASH
    run = await play_loaded(text, PlayingHost(answers=answers), {})  # pyright: ignore[reportArgumentType]
    assert run.ending.state == "failed"


async def test_winners_output_is_the_stages_when_providers_race():
    text = one_stage(
        "{mode: parallel, providers: [scripted, codex], parallel_strategy: race}",
        "outputs: {answer: {value: '${stages.a.output.n}', type: number}}\n",
    )
    run = await play_loaded(text, PlayingHost(answers={"a/a_scripted": CRASH, "a/a_codex": result(n=2)}), {})
    assert run.outputs == {"answer": 2}
