"""The scripted provider through the executor: answers, files, delays, failures, and no script at all."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from activities.agents.adapter import AgentSettings
from activities.executors.agent import AgentExecutor
from activities.executors.interface import Outcome
from definitions.errors import ErrorClass, StepFailure
from tests.support.agent_executions import Stage, agent_stage

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 3}}, "required": ["n"]}


async def execute(stage: Stage) -> Outcome:
    return await AgentExecutor(AgentSettings()).execute(stage.execution)


async def fail(stage: Stage) -> StepFailure:
    with pytest.raises(StepFailure) as raised:
        await execute(stage)
    return raised.value


def scripted(folder: Path, script: Any = None, step: dict[str, Any] | None = None, **more: Any) -> Stage:
    return agent_stage(folder, {"provider": "scripted", **(step or {})}, script=script, **more)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"answer": {"a": 1}}, {"a": 1}),
        ({"answer": [1]}, {"content": [1]}),
        ({"outputs": {"b": 2}}, {"b": 2}),
        ({"text": "words"}, {"content": "words"}),
        ({"text": 'and {"c": 3}'}, {"c": 3}),
        ({}, {"content": ""}),
    ],
)
async def test_answer_is_the_output_when_the_script_gives_one(
    tmp_path: Path, entry: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert (await execute(scripted(tmp_path, entry))).outputs == expected


async def test_files_are_written_and_deleted_when_the_script_says_so(tmp_path: Path) -> None:
    stage = scripted(
        tmp_path, {"files": {"new/a.txt": "ä\n", "old.txt": None, "none.txt": None}}, files={"old.txt": "x"}
    )
    outcome = await execute(stage)
    assert (stage.workspace / "new/a.txt").read_text(encoding="utf-8") == "ä\n"
    assert not (stage.workspace / "old.txt").exists()
    assert outcome.enforced_by == ()
    assert '[tool] Delete {"file_path": "old.txt"}' in stage.log.text


@pytest.mark.parametrize(
    "path", ["../out.txt", "/tmp/perdure-out.txt", "a/../../out.txt", "link/out.txt", "leaf", "", "a/.."]
)
async def test_file_is_refused_when_it_leads_out_of_the_workspace(tmp_path: Path, path: str) -> None:
    stage = scripted(tmp_path, {"files": {path: "x"}})
    (stage.workspace / "link").symlink_to(tmp_path)
    (stage.workspace / "leaf").symlink_to(tmp_path / "leaf.txt")
    assert (await fail(stage)).error_class is ErrorClass.DENIED
    assert not (tmp_path / "out.txt").exists()
    assert not (tmp_path / "leaf.txt").exists()


async def test_failure_is_clear_when_a_folder_is_in_the_way(tmp_path: Path) -> None:
    failure = await fail(scripted(tmp_path, {"files": {"src": "x"}}, files={"src/a.py": ""}))
    assert failure.error_class is ErrorClass.WORKSPACE
    assert "`src`" in failure.message


async def test_schema_is_answered_when_there_is_no_script(tmp_path: Path) -> None:
    assert (await execute(scripted(tmp_path, None, {"output_schema": SCHEMA}))).outputs == {"n": 3}


async def test_a_sentence_is_answered_when_there_is_neither_script_nor_schema(tmp_path: Path) -> None:
    stage = scripted(tmp_path)
    assert (await execute(stage)).outputs == {"content": "The scripted agent has no script for this step."}
    identity = await AgentExecutor(AgentSettings()).identity(stage.execution)
    assert identity == {"provider": "scripted", "model": None, "profile": "restricted", "script": None}


async def test_answer_is_asked_for_again_when_it_does_not_fit(tmp_path: Path) -> None:
    entries = [{"text": "no"}, {"answer": {"n": 1}}, {"answer": {"n": 7}}]
    outcome = await execute(scripted(tmp_path, entries, {"output_schema": SCHEMA}))
    assert outcome.outputs == {"n": 7}
    assert len([note for note in outcome.notes if "asked again" in note]) == 2
    assert outcome.usage is not None
    assert outcome.usage.turns == 3


async def test_step_fails_with_the_findings_when_it_never_fits(tmp_path: Path) -> None:
    failure = await fail(scripted(tmp_path, {"answer": {"n": 1}}, {"output_schema": SCHEMA}))
    assert failure.error_class is ErrorClass.SCHEMA
    assert failure.details["findings"] == ["at `$.n`: 1 is less than the minimum of 3"]
    usage = failure.details["usage"]
    assert isinstance(usage, dict)
    assert usage["turns"] == 3


async def test_nothing_is_spent_when_the_schema_is_bad(tmp_path: Path) -> None:
    stage = scripted(tmp_path, {"answer": {}, "files": {"a": "x"}}, {"output_schema": {"type": "objekt"}})
    assert (await fail(stage)).error_class is ErrorClass.SCHEMA
    assert not (stage.workspace / "a").exists()


@pytest.mark.parametrize("error_class", [ErrorClass.OVERLOADED, ErrorClass.AUTH, ErrorClass.CRASH])
async def test_class_is_the_script_s_when_it_fails(tmp_path: Path, error_class: ErrorClass) -> None:
    entry = {"fail": {"class": error_class.value, "message": "so it is"}, "usage": {"input_tokens": 5, "usd": 0.25}}
    failure = await fail(scripted(tmp_path, entry))
    assert failure.error_class is error_class
    assert "so it is" in failure.message
    usage = failure.details["usage"]
    assert isinstance(usage, dict)
    assert (usage["input_tokens"], usage["usd"]) == (5, 0.25)


async def test_next_entry_answers_when_the_step_is_tried_again(tmp_path: Path) -> None:
    entries = [{"fail": {}, "times": 2}, {"text": "third"}]
    for attempt in (1, 2):
        assert (await fail(scripted(tmp_path, entries, attempt=attempt))).error_class is ErrorClass.CRASH
    for attempt in (3, 9):
        assert (await execute(scripted(tmp_path, entries, attempt=attempt))).outputs == {"content": "third"}


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ({"anser": 1}, "`0.anser`"),
        ([], "at least 1"),
        ({"answer": 1, "text": "a"}, "not `answer` and `text`"),
        ({"fail": {"class": "hungry"}}, "fail.class"),
        ({"delay": "soon"}, "delay"),
        ("words", "the script of `work` is not valid"),
    ],
)
async def test_failure_names_the_place_when_the_script_is_not_valid(tmp_path: Path, script: Any, expected: str) -> None:
    failure = await fail(scripted(tmp_path, script))
    assert failure.error_class is ErrorClass.REFUSED
    assert expected in failure.message


async def test_failure_is_clear_when_the_whole_script_is_not_a_map(tmp_path: Path) -> None:
    stage = scripted(tmp_path)
    stage.execution.context = stage.execution.context.model_copy(update={"script": {"steps": ["work"]}})
    assert "`steps` is a map" in (await fail(stage)).message


async def test_steps_may_be_left_out_when_the_script_is_a_plain_map(tmp_path: Path) -> None:
    stage = scripted(tmp_path)
    stage.execution.context = stage.execution.context.model_copy(update={"script": {"work": {"text": "plain"}}})
    assert (await execute(stage)).outputs == {"content": "plain"}


async def test_it_ends_at_once_when_it_is_cancelled_in_a_delay(tmp_path: Path) -> None:
    stage = scripted(tmp_path, {"delay": "1h", "text": "late"})
    running = asyncio.create_task(execute(stage))
    while not stage.beats:
        await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(running, 60)


async def test_identity_changes_when_the_script_changes(tmp_path: Path) -> None:
    executor = AgentExecutor(AgentSettings())
    one = await executor.identity(scripted(tmp_path, {"text": "a"}).execution)
    same = await executor.identity(scripted(tmp_path, [{"text": "a"}]).execution)
    other = await executor.identity(scripted(tmp_path, {"text": "b"}).execution)
    assert one == same != other
