"""`provider: command`: any program as an agent."""

import asyncio
import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from activities.agents.adapter import AgentSettings
from activities.executors.agent import AgentExecutor
from activities.executors.interface import Outcome
from definitions.errors import ErrorClass, StepFailure
from definitions.records import Usage
from tests.support.agent_executions import Stage, agent_stage

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def commanded(folder: Path, script: str, step: dict[str, Any] | None = None, **more: Any) -> Stage:
    """Return a step whose agent is a Python program."""
    return agent_stage(
        folder, {"provider": "command", "command": [sys.executable, "-c", script], **(step or {})}, **more
    )


async def execute(stage: Stage, **settings: Any) -> Outcome:
    return await AgentExecutor(AgentSettings(**settings)).execute(stage.execution)


async def fail(stage: Stage, **settings: Any) -> StepFailure:
    with pytest.raises(StepFailure) as raised:
        await execute(stage, **settings)
    return raised.value


async def test_output_is_the_answer_when_the_program_just_prints(tmp_path: Path) -> None:
    stage = commanded(tmp_path, "import sys; print('heard:', sys.stdin.read()); print('oops', file=sys.stderr)")
    outcome = await execute(stage)
    assert outcome.outputs == {"content": "heard: Do it."}
    assert outcome.enforced_by[0] == "environment"
    assert "oops" in stage.log.text


async def test_role_inputs_and_schema_are_in_the_prompt_when_the_step_has_them(tmp_path: Path) -> None:
    script = "import sys,json; print(json.dumps({'n': 1, 'heard': sys.stdin.read()}))"
    step = {"role": "Be terse.", "inputs": {"wanted": 90, "who": "Ann"}, "output_schema": SCHEMA}
    heard = str((await execute(commanded(tmp_path, script, step))).outputs["heard"])
    assert heard.startswith("Be terse.\n\nDo it.")
    assert "- wanted: 90" in heard
    assert "- who: Ann" in heard
    assert json.dumps(SCHEMA) in heard


async def test_everything_is_told_again_when_the_answer_did_not_fit(tmp_path: Path) -> None:
    script = (
        "import sys; said = sys.stdin.read();"
        "is_told = all(part in said for part in ('does not fit', 'Do it.', 'first answer'));"
        "print('{\"n\": 2}' if is_told else 'first answer')"
    )
    assert (await execute(commanded(tmp_path, script, {"output_schema": SCHEMA}))).outputs == {"n": 2}


async def test_events_are_taken_when_the_program_prints_them(tmp_path: Path) -> None:
    lines = [
        {"event": "started", "model": "mine"},
        {"event": "tool", "id": "1", "name": "Edit", "arguments": {"path": "a"}},
        {"event": "tool_result", "id": "1"},
        {"event": "usage", "call": "1", "input_tokens": 10, "output_tokens": 4, "cache_read_tokens": True},
        {"event": "text", "text": "thinking"},
        {"event": "usage"},
        {"event": "answer", "answer": {"done": True}, "usd": 0.5, "turns": 3},
    ]
    script = f"for line in {[json.dumps(line) for line in lines]!r}: print(line)"
    stage = commanded(tmp_path, script)
    outcome = await execute(stage)
    assert outcome.outputs == {"done": True}
    assert outcome.usage is not None
    assert outcome.usage.model_dump(exclude={"wall_seconds"}, exclude_defaults=True) == {
        "provider": "command",
        "model": "mine",
        "input_tokens": 10,
        "output_tokens": 4,
        "turns": 3,
        "usd": 0.5,
        "cost_source": "reported",
    }
    assert "[tool] Edit" in stage.log.text


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("raise SystemExit(3)", ErrorClass.EXIT),
        ("raise SystemExit(127)", ErrorClass.NOT_FOUND),
        ("import os; os.kill(os.getpid(), 9)", ErrorClass.CRASH),
        ("""print('{"event": "error", "class": "overloaded", "message": "busy"}')""", ErrorClass.OVERLOADED),
        ("""print('{"event": "denied", "tool": "Bash"}')""", ErrorClass.DENIED),
    ],
)
async def test_class_follows_the_end_when_it_goes_wrong(tmp_path: Path, script: str, expected: ErrorClass) -> None:
    assert (await fail(commanded(tmp_path, script))).error_class is expected


async def test_program_is_named_when_it_is_missing(tmp_path: Path) -> None:
    stage = agent_stage(tmp_path, {"provider": "command", "command": ["no-such-agent"]})
    failure = await fail(stage)
    assert failure.error_class is ErrorClass.NOT_FOUND
    assert "`no-such-agent`" in failure.message


async def test_command_is_asked_for_when_the_step_has_none(tmp_path: Path) -> None:
    failure = await fail(agent_stage(tmp_path, {"provider": "command"}))
    assert failure.error_class is ErrorClass.REFUSED
    assert "`command: [" in failure.message


async def test_wall_budget_ends_it_when_it_takes_too_long(tmp_path: Path) -> None:
    stage = commanded(tmp_path, "import time; time.sleep(600)", {"budget": {"wall": "300ms"}})
    failure = await fail(stage, heartbeat_interval=timedelta(milliseconds=20))
    assert failure.error_class is ErrorClass.BUDGET
    assert failure.details["usage_is_lower_bound"] is True


async def test_nothing_is_started_when_the_budget_is_used_up_already(tmp_path: Path) -> None:
    stage = commanded(tmp_path, "open('ran', 'w')", {"budget": {"usd": 1.0}}, spent=Usage(usd=1.2))
    failure = await fail(stage)
    assert failure.error_class is ErrorClass.BUDGET
    assert not (stage.workspace / "ran").exists()


async def test_it_is_ended_when_it_says_nothing_for_too_long(tmp_path: Path) -> None:
    stage = commanded(tmp_path, "import time; time.sleep(600)")
    settings = {"heartbeat_interval": timedelta(milliseconds=20), "idle_timeout": timedelta(milliseconds=300)}
    failure = await fail(stage, **settings)
    assert failure.error_class is ErrorClass.TIMEOUT
    assert "300ms" in failure.message


async def test_tokens_end_it_when_an_event_passes_the_limit(tmp_path: Path) -> None:
    line = json.dumps({"event": "usage", "call": "1", "input_tokens": 50})
    script = f"import time; print({line!r}, flush=True); time.sleep(600)"
    failure = await fail(commanded(tmp_path, script, {"budget": {"tokens": 40}}))
    assert failure.error_class is ErrorClass.BUDGET
    usage = failure.details["usage"]
    assert isinstance(usage, dict)
    assert usage["input_tokens"] == 50


async def test_answer_counts_when_the_process_does_not_end_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.agents.session.LONGEST_STAY", 0.1)
    line = json.dumps({"event": "answer", "answer": {"done": True}})
    stage = commanded(tmp_path, f"import time; print({line!r}, flush=True); time.sleep(600)")
    assert (await execute(stage, heartbeat_interval=timedelta(milliseconds=20))).outputs == {"done": True}


async def test_last_line_counts_when_it_has_no_end(tmp_path: Path) -> None:
    script = "import sys; sys.stdout.write('one\\ntwo\\xff')"
    assert (await execute(commanded(tmp_path, script))).outputs == {"content": "one\ntwoÿ"}


async def test_line_is_left_out_when_it_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("activities.agents.session.LONGEST_LINE", 1000)
    stage = commanded(tmp_path, "print('x' * 200_000); print('kept')")
    assert (await execute(stage)).outputs == {"content": "kept"}
    assert any("too long" in note for note in stage.log.notes)


async def test_its_process_is_gone_when_it_is_cancelled(tmp_path: Path) -> None:
    script = "import os, time; open('pid', 'w').write(str(os.getpid())); print('up', flush=True); time.sleep(600)"
    stage = commanded(tmp_path, script)
    running = asyncio.create_task(execute(stage, heartbeat_interval=timedelta(milliseconds=20)))
    deadline = asyncio.get_running_loop().time() + 20
    while "up" not in stage.log.text:
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_identity_is_the_program_s_name_when_asked(tmp_path: Path) -> None:
    identity = await AgentExecutor(AgentSettings()).identity(commanded(tmp_path, "").execution)
    assert identity["program"] == Path(sys.executable).name
