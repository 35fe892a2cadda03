"""What the runner makes of a lost worker, of inputs and of session ids, whatever the provider."""

import asyncio
from pathlib import Path
from uuid import UUID

from pydantic import JsonValue

from activities.agents import claude_code, prompting
from activities.agents.adapter import AgentSettings
from activities.agents.inputs import BIG_VALUE, lay_inputs
from activities.agents.prompting import Given
from activities.agents.runner import session_id
from activities.executors.agent import AgentExecutor
from definitions.records import Usage
from definitions.stored_values import file_reference, value_reference
from tests.support.agent_executions import agent_stage


def test_session_id_differs_when_attempt_or_generation_does(tmp_path: Path) -> None:
    first = agent_stage(tmp_path).execution
    second = agent_stage(tmp_path, attempt=2).execution
    ids = [session_id(first, 0), session_id(first, 1), session_id(second, 0)]
    assert len(set(ids)) == 3
    assert session_id(agent_stage(tmp_path).execution, 0) == ids[0]
    assert all(UUID(each).version == 5 for each in ids)


async def test_usage_of_the_lost_worker_counts_when_the_attempt_starts_anew(tmp_path: Path) -> None:
    usage: JsonValue = {"turns": 2, "input_tokens": 50}
    lost: dict[str, JsonValue] = {"session": "s", "generation": 0, "reasks": 1, "checkpoint": None, "usage": usage}
    script = [{"text": "first"}, {"text": "after one question"}]
    stage = agent_stage(tmp_path, {"provider": "scripted"}, script=script, resumed_from=lost)
    outcome = await AgentExecutor(AgentSettings()).execute(stage.execution)
    assert outcome.outputs == {"content": "after one question"}
    assert outcome.usage is not None
    assert (outcome.usage.turns, outcome.usage.input_tokens) == (3, 50)
    assert stage.beats[-1]["generation"] == 1
    assert stage.beats[-1]["session"] == session_id(stage.execution, 1)


async def test_it_starts_anew_with_a_note_when_the_checkpoint_is_gone(tmp_path: Path) -> None:
    cli = tmp_path / "claude"
    cli.write_text(
        "#!/bin/sh\n"
        'case "$*" in *--session-id*) answer=new;; *) answer=resumed;; esac\n'
        'echo \'{"type": "result", "subtype": "success", "result": "\'$answer\'"}\'\n'
    )
    cli.chmod(0o755)
    pair: JsonValue = {"transcript": "0" * 64, "tree": "0" * 64}
    lost: dict[str, JsonValue] = {"session": "s", "generation": 4, "reasks": 0, "checkpoint": pair, "usage": {}}
    stage = agent_stage(tmp_path, {"provider": "claude-code"}, resumed_from=lost)
    worker = {"PERDURE_CLAUDE_BIN": str(cli), "ANTHROPIC_API_KEY": "k"}
    outcome = await AgentExecutor(AgentSettings(worker_environment=worker)).execute(stage.execution)
    assert outcome.outputs == {"content": "new"}
    assert any("starts anew" in note for note in outcome.notes)
    assert stage.beats[-1]["generation"] == 5


async def test_heartbeat_is_small_when_it_carries_everything(tmp_path: Path) -> None:
    script = {"text": "x", "usage": {"input_tokens": 10**12, "output_tokens": 10**12, "usd": 1.23456789012345}}
    stage = agent_stage(tmp_path, {"provider": "scripted"}, script=script, spent=Usage(turns=1))
    await AgentExecutor(AgentSettings()).execute(stage.execution)
    assert all(set(beat) == {"session", "generation", "reasks", "checkpoint", "usage"} for beat in stage.beats)
    assert max(len(str(beat)) for beat in stage.beats) < 700


async def test_credentials_are_private_when_they_are_laid_out(tmp_path: Path) -> None:
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude/.credentials.json").write_text('{"secret": 1}')
    cli = tmp_path / "claude"
    cli.write_text(
        "#!/bin/sh\nmode=$(stat -c %a $CLAUDE_CONFIG_DIR/.credentials.json)\n"
        'echo \'{"type": "result", "subtype": "success", "result": "\'$mode\'"}\'\n'
    )
    cli.chmod(0o755)
    worker = {"PERDURE_CLAUDE_BIN": str(cli), "HOME": str(tmp_path)}
    stage = agent_stage(tmp_path, {"provider": "claude-code"})
    outcome = await AgentExecutor(AgentSettings(worker_environment=worker)).execute(stage.execution)
    assert outcome.outputs == {"content": "600"}


def test_files_and_big_values_are_laid_out_when_they_are_inputs(tmp_path: Path) -> None:
    execution = agent_stage(tmp_path).execution
    file, value = execution.store.write_blob(b"<xml/>"), execution.store.write_blob(b'{"big": 1}')
    big = "x" * BIG_VALUE
    inputs = [file_reference("out/c.xml", file, 6), value_reference(value, 10), big, "small", 3]
    given = lay_inputs(execution, inputs)
    assert [(name, path.read_bytes()) for name, path in given.files] == [
        ("out/c.xml", b"<xml/>"),
        ("value 2", b'{"big": 1}'),
        ("value 3", f'"{big}"'.encode()),
    ]
    assert given.values == (("", "small"), ("", 3))
    assert lay_inputs(execution, {"n": None}) == Given(values=(("n", None),))


def test_text_is_no_command_when_the_prompt_begins_with_a_slash() -> None:
    assert prompting.task("/compact", Given()) == "Task: /compact"
    assert prompting.task("plain", Given(values=(("", [1]),))) == "plain\n\nValues for this task:\n- [1]"


async def test_session_is_ended_when_the_store_cannot_be_read_for_inputs(tmp_path: Path) -> None:
    reference = file_reference("a", "0" * 64, 1)
    stage = agent_stage(tmp_path, {"provider": "scripted", "inputs": [reference]})
    results = await asyncio.gather(AgentExecutor(AgentSettings()).execute(stage.execution), return_exceptions=True)
    assert "0" * 64 in str(results[0])


def test_every_adapter_has_the_same_functions_in_the_same_order() -> None:
    from activities.agents import command, scripted

    names = ["traits", "outfit", "identity", "build", "parse", "parse_end", "transcript"]
    for adapter in (claude_code, command, scripted):
        lines = Path(str(adapter.__file__)).read_text().splitlines()
        found = [line.split("(")[0].split()[-1] for line in lines if line.startswith(("def ", "async def "))]
        assert [name for name in found if name in names] == names
