"""Which provider runs a step, and what is said about it."""

from pathlib import Path

import pytest

from activities.agents.adapter import AgentSettings
from activities.executors.agent import AgentExecutor
from definitions.errors import ErrorClass, StepFailure
from definitions.steps import WaitStep
from tests.support.agent_executions import agent_stage


async def test_replacement_is_noted_when_the_run_names_another_provider(tmp_path: Path) -> None:
    stage = agent_stage(tmp_path, {"provider": "claude-code"}, provider="scripted")
    outcome = await AgentExecutor(AgentSettings()).execute(stage.execution)
    assert outcome.notes == ("provider claude-code replaced by scripted",)
    assert stage.log.notes == ["provider claude-code replaced by scripted"]


@pytest.mark.parametrize("named", [None, "scripted"])
async def test_nothing_is_noted_when_nothing_was_replaced(tmp_path: Path, named: str | None) -> None:
    stage = agent_stage(tmp_path, {"provider": named}, provider="scripted")
    assert (await AgentExecutor(AgentSettings()).execute(stage.execution)).notes == ()


async def test_worker_s_provider_is_used_when_the_run_names_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERDURE_PROVIDER", "scripted")
    assert (await AgentExecutor().identity(agent_stage(tmp_path).execution))["provider"] == "scripted"


@pytest.mark.parametrize(
    ("provider", "expected"),
    [(None, "`--provider` or PERDURE_PROVIDER"), ("codex", "planned"), ("ghost", "no provider `ghost`")],
)
async def test_way_out_is_named_when_no_provider_can_run_it(
    tmp_path: Path, provider: str | None, expected: str
) -> None:
    with pytest.raises(StepFailure) as raised:
        await AgentExecutor(AgentSettings()).execute(agent_stage(tmp_path, provider=provider).execution)
    assert raised.value.error_class is ErrorClass.REFUSED
    assert expected in raised.value.message
    assert "`claude-code`, `command`, `scripted`" in raised.value.message


async def test_failure_is_a_defect_when_the_step_is_of_another_type(tmp_path: Path) -> None:
    stage = agent_stage(tmp_path)
    stage.execution.step = WaitStep(id="work", type="wait", duration="1s")
    with pytest.raises(StepFailure, match="not an agent step"):
        await AgentExecutor(AgentSettings()).identity(stage.execution)
