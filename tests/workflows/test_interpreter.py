import pytest

from definitions.errors import ErrorClass, StepFailure
from definitions.records import Ledger, StepError, StepResult, Usage
from tests.support.playing_host import PlayingHost, play, reload
from workflows.ledger import Book


def failure(kind: ErrorClass = ErrorClass.EXIT, message: str = "exit code 1") -> StepFailure:
    return StepFailure(kind, message)


async def test_steps_run_in_order_when_nothing_else_is_said():
    played = await play("steps: [{id: a, type: shell, command: x}, {id: b, type: shell, command: y}]")
    assert played.host.calls == ["a", "b"]
    assert played.ending.state == "completed"


async def test_tree_travels_from_step_to_step():
    host = PlayingHost(answers={"a": StepResult(tree="t1")})
    played = await play("steps: [{id: a, type: shell, command: x}, {id: b, type: shell, command: y}]", host)
    assert [call.tree for call in host.step_calls] == ["t0", "t1"]
    assert played.tree == "t1"


async def test_run_fails_with_the_step_error_when_a_step_fails():
    played = await play(
        "steps: [{id: a, type: shell, command: x}, {id: b, type: shell, command: y}]", PlayingHost({"a": failure()})
    )
    assert played.ending.state == "failed"
    assert played.ending.error == StepError(type="exit", message="exit code 1", step="a")
    assert played.host.calls == ["a"]


async def test_run_goes_on_flagged_when_on_failure_is_continue():
    text = "steps: [{id: a, type: shell, command: x, on_failure: continue}, {id: b, type: shell, command: y}]"
    played = await play(text, PlayingHost({"a": failure()}))
    assert played.ending.state == "completed"
    assert played.status("a") == "failed"
    assert played.book.records["a"].handled
    assert played.host.calls == ["a", "b"]


async def test_run_completes_early_when_on_failure_is_end():
    text = """
steps:
  - {id: a, type: assert, condition: "1 > 2", on_failure: end}
  - {id: b, type: shell, command: y}
"""
    played = await play(text)
    assert played.ending.state == "completed"
    assert played.host.calls == []
    assert played.status("b") is None


async def test_run_fails_past_its_groups_when_on_failure_is_fail():
    text = """
steps:
  - id: g
    type: group
    on_failure: continue
    steps: [{id: a, type: shell, command: x, on_failure: fail}]
  - {id: b, type: shell, command: y}
"""
    played = await play(text, PlayingHost({"g/a": failure()}))
    assert played.ending.state == "failed"
    assert played.ending.error is not None
    assert played.ending.error.step == "g/a"
    assert played.status("g") == "failed"
    assert played.host.calls == ["g/a"]


async def test_group_takes_the_failure_when_it_continues():
    text = """
steps:
  - id: g
    type: group
    on_failure: continue
    steps: [{id: a, type: shell, command: x}]
  - {id: b, type: shell, command: y}
"""
    played = await play(text, PlayingHost({"g/a": failure()}))
    assert played.ending.state == "completed"
    assert played.host.calls == ["g/a", "b"]


async def test_step_is_skipped_when_its_condition_is_false():
    text = """
inputs: {wanted: {type: boolean, default: false}}
steps:
  - {id: a, type: shell, command: x, when: "{{ inputs.wanted }}"}
  - {id: b, type: shell, command: y}
"""
    played = await play(text, inputs={"wanted": False})
    assert played.status("a") == "skipped"
    assert played.book.records["a"].outputs is None
    assert played.host.calls == ["b"]


async def test_step_fails_when_its_condition_cannot_be_evaluated():
    text = """
inputs: {wanted: {type: string}}
steps: [{id: a, type: shell, command: x, when: "from_json(inputs.wanted) > 3"}]
"""
    played = await play(text, inputs={"wanted": '"many"'})
    assert played.ending.state == "failed"
    assert played.ending.error is not None
    assert played.ending.error.type == "expression"
    assert played.host.calls == []


async def test_attempts_are_made_again_with_back_off_when_retry_is_given():
    text = """
steps:
  - id: a
    type: shell
    command: x
    retry: {max_attempts: 4, initial_interval: 2s, backoff: 3, max_interval: 10s}
"""
    host = PlayingHost({"a": [failure(), failure(), failure(), StepResult(outputs={"stdout": "at last"})]})
    played = await play(text, host)
    assert played.ending.state == "completed"
    assert [call.attempt for call in host.step_calls] == [1, 2, 3, 4]
    assert [seconds for _, seconds in host.slept] == [2.0, 6.0, 10.0]
    assert played.told().count("step_retrying a") == 3


async def test_no_further_attempt_is_made_when_the_class_is_not_named():
    text = "steps: [{id: a, type: shell, command: x, retry: {max_attempts: 3, on: [timeout]}}]"
    played = await play(text, PlayingHost({"a": failure()}))
    assert played.host.calls == ["a"]
    assert played.ending.state == "failed"


async def test_agents_have_three_attempts_on_transient_failures_only():
    text = "steps: [{id: a, type: agent, prompt: p}]"
    transient = await play(text, PlayingHost({"a": [failure(ErrorClass.OVERLOADED)] * 3}))
    final = await play(text, PlayingHost({"a": [failure(ErrorClass.AUTH)] * 3}))
    assert len(transient.host.calls) == 3
    assert len(final.host.calls) == 1


async def test_usage_of_failed_attempts_is_handed_on_and_summed():
    spent = StepFailure(
        ErrorClass.CRASH,
        "gone",
        {
            "error": StepError(type="crash", message="gone", step="a", usage=Usage(turns=2, usd=0.5)).model_dump(
                mode="json"
            )
        },
    )
    host = PlayingHost({"a": [spent, StepResult(usage=Usage(turns=1, usd=0.25))]})
    played = await play("steps: [{id: a, type: agent, prompt: p}]", host)
    assert host.step_calls[1].spent == Usage(turns=2, usd=0.5)
    record = played.book.records["a"]
    assert record.usage is not None
    assert (record.usage.turns, record.usage.usd) == (3, 0.75)


async def test_known_steps_are_not_run_again_when_the_ledger_is_carried():
    text = (
        "steps: [{id: a, type: shell, command: x}, {id: b, type: shell, command: 'echo {{ steps.a.outputs.stdout }}'}]"
    )
    first = await play(text, PlayingHost({"a": StepResult(outputs={"stdout": "one"}, tree="t1"), "b": failure()}))
    ledger = first.book.freeze()
    kept = ledger.model_copy(update={"records": {"a": ledger.records["a"]}, "failure": None})
    host = PlayingHost()
    second = await play(text, host, ledger=reload(kept))
    assert host.calls == ["b"]
    assert host.step_calls[0].tree == "t1"
    assert host.step_calls[0].values == {"steps": {"a": {"outputs": {"stdout": "one"}}}}
    assert second.ending.state == "completed"
    assert "step_started a" not in second.told()


async def test_back_off_goes_on_from_its_deadline_when_the_ledger_is_carried():
    text = "steps: [{id: a, type: shell, command: x, retry: {max_attempts: 2, initial_interval: 1h, max_interval: 1h}}]"
    host = PlayingHost({"a": failure()})
    played = await play(text, host)
    waiting = played.book.records["a"].model_copy(
        update={"status": "running", "attempt": 2, "wake_at": host.time, "error": None, "completed_at": None}
    )
    ledger = played.book.freeze().model_copy(update={"records": {"a": waiting}, "failure": None})
    again = PlayingHost()
    again.time = host.time
    second = await play(text, again, ledger=reload(ledger))
    assert second.ending.state == "completed"
    assert again.step_calls[0].attempt == 2
    assert again.slept == [("a: before attempt 2", 0.0)]


async def test_known_steps_are_told_when_they_come_from_the_cache():
    text = "steps: [{id: a, type: shell, command: x, phase: build}]"
    first = await play(text)
    second = await play(text, found=first.book.freeze())
    assert second.told() == ["phase_started", "step_completed a"]
    third = await play(text, ledger=reload(first.book.freeze()))
    assert third.told() == []


async def test_known_steps_are_told_once_when_the_run_goes_on_elsewhere_before():
    text = "steps: [{id: a, type: shell, command: x}]"
    book = Book(Ledger())
    book.adopt((await play(text)).book.freeze())
    played = await play(text, ledger=reload(book.freeze()))
    assert played.told() == ["step_completed a"]
    assert (await play(text, ledger=reload(played.book.freeze()))).told() == []


async def test_items_and_passes_from_the_cache_are_told_too():
    text = """
steps:
  - {id: each, type: shell, command: x, for_each: {items: [1, 2]}}
  - {id: again, type: shell, command: x, loop: {max_iterations: 2}}
"""
    found = (await play(text)).book.freeze()
    told = ["each[0]", "each[1]", "each", "again#1", "again#2", "again"]
    assert (await play(text, found=found)).told() == [f"step_completed {path}" for path in told]
    half = {path: record for path, record in found.records.items() if path in ("each[1]", "again#1")}
    told = (await play(text, found=Ledger(records=half))).told()
    assert [line for line in told if line.startswith("step_completed")] == [
        f"step_completed {path}" for path in ("each[0]", "each[1]", "each", "again#1", "again#2", "again")
    ]


async def test_only_what_a_step_refers_to_travels_to_it():
    text = """
inputs: {a: {default: x}, b: {default: y}}
steps: [{id: s, type: shell, command: "echo {{ inputs.a }}"}]
"""
    played = await play(text, inputs={"a": "1", "b": "2"})
    assert played.host.step_calls[0].values == {"inputs": {"a": "1"}}


async def test_condition_goes_to_the_activity_when_it_reads_files():
    text = """
steps: [{id: a, type: assert, condition: 'parse_coverage("coverage.xml").line_coverage >= 90', message: too low}]
"""
    low = await play(text, PlayingHost(evaluations={"a:condition": False}))
    assert low.host.calls == ["evaluate a"]
    assert low.ending.error is not None
    assert (low.ending.error.type, low.ending.error.message) == ("assertion", "too low")
    high = await play(text, PlayingHost(evaluations={"a:condition": True}))
    assert high.ending.state == "completed"


async def test_values_cost_no_effect_when_they_are_pure():
    text = """
inputs: {n: {type: number, default: 2}}
steps: [{id: s, type: set, values: {twice: "{{ inputs.n * 2 }}", text: "n={{ inputs.n }}"}}]
outputs: {twice: {type: number, value: "{{ steps.s.outputs.twice }}"}}
"""
    played = await play(text, inputs={"n": 2})
    assert played.host.calls == []
    assert played.book.records["s"].outputs == {"twice": 4, "text": "n=2"}
    assert played.outputs == {"twice": 4}


async def test_values_go_to_the_store_when_they_are_big():
    text = "inputs: {t: {}}\nsteps: [{id: s, type: set, values: {big: '{{ inputs.t }}'}}]"
    reference = {"$value": "d" * 64, "size": 5000}
    played = await play(text, PlayingHost(evaluations={"s:big": reference}), inputs={"t": "x" * 5000})
    assert played.host.calls == ["evaluate s"]
    assert played.book.records["s"].outputs == {"big": reference}


async def test_stored_value_is_read_by_the_activity_when_a_condition_looks_into_it():
    text = """
steps:
  - {id: a, type: shell, command: 'make >> "$PERDURE_OUTPUT"'}
  - {id: b, type: assert, condition: "steps.a.outputs.found.count > 1"}
"""
    host = PlayingHost({"a": StepResult(outputs={"found": {"$value": "d" * 64, "size": 5000}})}, {"b:condition": True})
    played = await play(text, host)
    assert played.host.calls == ["a", "evaluate b"]
    assert played.ending.state == "completed"


async def test_wait_keeps_its_deadline_when_the_ledger_is_carried():
    text = "steps: [{id: w, type: wait, duration: 1h}]"
    host = PlayingHost()
    played = await play(text, host)
    assert host.slept == [("w", 3600.0)]
    assert played.ending.state == "completed"
    begun = played.book.records["w"].model_copy(
        update={"status": "running", "deadline": host.time, "completed_at": None}
    )
    again = PlayingHost()
    second = await play(text, again, ledger=reload(played.book.freeze().model_copy(update={"records": {"w": begun}})))
    assert again.slept == [("w", 3600.0)]
    assert second.ending.state == "completed"


async def test_wait_fails_when_its_duration_is_none():
    played = await play(
        "inputs: {d: {}}\nsteps: [{id: w, type: wait, duration: '{{ inputs.d }}'}]", inputs={"d": "soon"}
    )
    assert played.ending.error is not None
    assert "a duration is a number with a unit" in played.ending.error.message


async def test_output_is_null_when_its_step_did_not_run():
    text = """
steps:
  - {id: a, type: assert, condition: "false", on_failure: end}
  - {id: b, type: shell, command: x}
outputs: {said: {value: "{{ steps.b.outputs.stdout }}"}}
"""
    played = await play(text)
    assert played.outputs == {"said": None}


async def test_output_takes_the_one_step_output_of_its_name_when_it_has_no_value():
    host = PlayingHost({"a": StepResult(outputs={"report": "r"})})
    played = await play("steps: [{id: a, type: shell, command: x}]\noutputs: {report: {}, other: {}}", host)
    assert played.outputs == {"report": "r", "other": None}


async def test_phases_are_told_around_their_steps():
    text = """
steps:
  - {id: a, type: shell, command: x, phase: plan}
  - {id: b, type: shell, command: x, phase: plan}
  - {id: c, type: shell, command: x, phase: do}
"""
    told = (await play(text)).told()
    assert told.count("phase_started") == 2
    assert told.index("phase_completed") < told.index("step_started c")


async def test_events_are_numbered_without_gaps():
    text = "steps: [{id: a, type: shell, command: x, artifacts: {log: out.txt}}]"
    host = PlayingHost({"a": StepResult(artifacts={"log": {"$file": "out.txt", "digest": "d", "size": 1}})})
    played = await play(text, host)
    assert [event.sequence for event in host.events] == list(range(1, len(host.events) + 1))
    assert played.told() == ["step_started a", "step_completed a", "artifact_published a"]


@pytest.mark.parametrize("kind", ["exit", "timeout"])
async def test_group_starts_anew_when_it_is_tried_again(kind: str):
    text = """
steps:
  - id: g
    type: group
    retry: {max_attempts: 2, initial_interval: 1s}
    steps: [{id: a, type: shell, command: x}, {id: b, type: shell, command: y}]
"""
    failing = [failure(ErrorClass(kind))]
    host = PlayingHost()
    host.answers["g/b"] = lambda call: failing.pop() and _raise(failure(ErrorClass(kind))) if failing else StepResult()
    played = await play(text, host)
    assert host.calls == ["g/a", "g/b", "g/a", "g/b"]
    assert played.ending.state == "completed"


def _raise(error: Exception) -> StepResult:
    raise error


async def test_agent_is_told_which_fields_other_steps_read():
    text = """
steps:
  - {id: triage, type: agent, prompt: p}
  - id: g
    type: group
    steps:
      - {id: a, type: assert, condition: "steps.triage.outputs.severity > 3"}
      - {id: b, type: shell, command: "echo {{ triage.outputs.title }} {{ steps.triage.outputs.severity }}"}
"""
    host = PlayingHost({"triage": StepResult(outputs={"severity": 5, "title": "t"})})
    await play(text, host)
    assert host.step_calls[0].answer_fields == ["severity", "title"]
    assert host.step_calls[1].answer_fields == []


async def test_back_off_of_a_wait_is_not_taken_for_the_wait():
    text = "inputs: {d: {}}\nsteps: [{id: w, type: wait, duration: '{{ inputs.d }}', retry: {max_attempts: 2}}]"
    played = await play(text, inputs={"d": "soon"})
    assert played.ending.state == "failed"
    assert played.host.slept == [("w: before attempt 2", 1.0)]
