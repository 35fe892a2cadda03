"""`workflow` steps over a host in memory: what goes in, what comes out, and what survives a cut."""

import pytest

from definitions.errors import ErrorClass, StepFailure
from definitions.loader import require
from definitions.records import StepResult
from definitions.stored_values import file_reference, value_reference
from tests.support.playing_host import PlayingHost, play, reload
from workflows.steps.workflow import LONGEST_ID, detached_id

INNER = """
name: inner
inputs:
  words: {type: array, default: [a]}
  source: {type: file, required: false}
  level: {type: string, enum: [low, high], default: low}
outputs:
  given: {type: array, value: "{{ inputs.words }}"}
  source: {value: "{{ inputs.source }}"}
  said: {type: {TYPE}, value: "{{ steps.say.outputs.stdout }}"}
steps:
  - {id: say, type: shell, command: make}
"""
BIG = value_reference("d" * 64, 5000)
FILE = file_reference("a.txt", "f" * 64, 3)


def library(kind="string", more=""):
    return {"inner.yaml": require(INNER.replace("{TYPE}", kind) + more, "inner.yaml")}


def text(inputs="{}", more=""):
    made = "  - {id: make, type: shell, command: x > $PERDURE_OUTPUT}\n"
    return f"steps:\n{made}  - {{id: part, type: workflow, definition: inner.yaml, inputs: {inputs}{more}}}\n"


def host(said="hello", **outputs):
    answers = {
        "make": StepResult(outputs=outputs, tree="t1"),
        "part/say": StepResult(outputs={"stdout": said}, tree="t2"),
    }
    return PlayingHost(answers)


async def test_outputs_and_tree_of_the_other_definition_are_the_steps():
    played = await play(text("{words: [x]}"), host(), library=library())
    assert played.ending.state == "completed"
    assert played.book.get("part").outputs == {"given": ["x"], "source": None, "said": "hello"}
    assert played.tree == "t2"


async def test_big_values_and_files_pass_into_the_other_definition_as_they_are():
    inputs = "{words: '{{ steps.make.outputs.big }}', source: '{{ steps.make.outputs.file }}'}"
    world = host(big=BIG, file=FILE)
    world.evaluations |= {"part:words": BIG, "part:source": FILE, "part/outputs:value": BIG}
    played = await play(text(inputs), world, library=library())
    assert played.ending.error is None
    assert played.book.get("part").outputs["source"] == FILE


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ("{level: '{{ steps.make.outputs.v }}'}", "must be one of"),
        ("{words: '{{ steps.make.outputs.v }}'}", "must be a list"),
        ("{words: '{{ steps.make.outputs.file }}'}", "must be a list"),
    ],
)
async def test_step_fails_when_a_value_does_not_fit(inputs, message):
    played = await play(text(inputs), host(v="medium", file=FILE), library=library())
    assert (played.ending.error.type, played.ending.error.step) == ("expression", "part")
    assert message in played.ending.error.message


async def test_path_given_for_a_file_is_looked_up_in_the_files_of_the_run():
    world = host()
    world.evaluations["part:source"] = FILE
    played = await play(text("{source: a.txt}"), world, library=library())
    assert played.book.get("part").outputs["source"] == FILE
    assert "evaluate part" in world.calls


@pytest.mark.parametrize(
    ("kind", "value", "fits"),
    [
        ("integer", 3, True),
        ("integer", 3.0, True),
        ("integer", 3.5, False),
        ("integer", True, False),
        ("number", 3.5, True),
        ("object", {"a": 1}, True),
        ("object", [1], False),
        ("array", BIG, True),
        ("artifact", FILE, True),
        ("artifact", "a.txt", False),
        ("boolean", None, True),
        ("string", 5, True),
    ],
)
async def test_declared_outputs_are_held_to_their_types(kind, value, fits):
    world = host(said=value)
    world.evaluations["part/outputs:value"] = value
    played = await play(text(), world, library=library(kind))
    assert (played.ending.error is None) is fits
    if not fits:
        assert played.ending.error.type == "output"


async def test_steps_without_files_inside_leave_the_files_of_the_run_alone():
    trees = []
    world = host()
    world.answers["part/say"] = lambda call: trees.append(call.tree) or StepResult(outputs={"stdout": "x"})
    played = await play(text(), world, library=library(more="workspace: {from: none}\n"))
    assert (trees, played.tree) == ([None], "t1")


async def test_step_is_read_back_when_the_ledger_knows_it():
    first = await play(text(), host(), library=library())
    again = await play(text(), PlayingHost({}), library=library(), ledger=reload(first.book.freeze()))
    assert again.outputs == first.outputs
    assert again.host.calls == []


async def test_definition_that_was_not_frozen_fails_the_step_and_no_more():
    played = await play(text(), host(), library={})
    assert played.ending.error.type == ErrorClass.INTERNAL


async def test_detached_step_starts_once_with_the_files_as_they_are():
    world = host()
    played = await play(text("{words: [x]}", ", detach: true"), world, library=library())
    assert played.book.get("part").outputs == {"execution_id": "run-1/part"}
    (call,) = world.started
    assert (call.execution_id, call.definition, call.inputs, call.tree) == (
        "run-1/part",
        "inner.yaml",
        {"words": ["x"]},
        "t1",
    )


def test_long_ids_of_detached_runs_are_cut_and_still_differ():
    ids = {detached_id("run", "x" * 300 + name) for name in ("a", "b")}
    assert len(ids) == 2
    assert {len(one) for one in ids} == {LONGEST_ID}
    assert detached_id("run", "a/b[K]#2") == "run/a/b[K]#2"


async def test_failure_inside_is_the_steps_and_a_retry_runs_all_of_it_again():
    world = host()
    world.answers["part/say"] = [StepFailure(ErrorClass.EXIT, "no"), StepResult(outputs={"stdout": "yes"})]
    failed = await play(text(), world, library=library())
    assert (failed.ending.error.type, failed.ending.error.step) == ("exit", "part/say")
