import asyncio
from pathlib import Path
from typing import Any

import pytest

from activities.executors.plugin import PluginExecutor
from definitions.errors import ErrorClass, StepFailure
from definitions.steps import PluginStep
from tests.support.agent_executions import Stage, agent_stage
from tests.support.plugin_packages import GREET, RUNS, greeting


def stage(folder: Path, plugin: str = "greet", **options: Any) -> Stage:
    found = agent_stage(folder / "stage")
    found.execution.step = PluginStep(id="a", type="plugin", plugin=plugin, options=options)
    return found


async def failure(stage: Stage, executor: PluginExecutor | None = None) -> StepFailure:
    with pytest.raises(StepFailure) as caught:
        await (executor or PluginExecutor()).execute(stage.execution)
    return caught.value


async def test_step_runs_with_its_options_as_the_packages_model(tmp_path: Path):
    with greeting(tmp_path / "kind-words"):
        staged = stage(tmp_path, who="ana", times=2, tags=["x"])
        outcome = await PluginExecutor().execute(staged.execution)
    assert outcome.outputs == {"said": "hello ana hello ana", "tags": ["x"]}
    assert (staged.workspace / "greeting.txt").read_text() == "hello ana\nhello ana\n"
    assert staged.log.notes == ["greets ana"]


async def test_package_is_part_of_the_key(tmp_path: Path):
    with greeting(tmp_path / "kind-words"):
        identity = await PluginExecutor().identity(stage(tmp_path, who="ana").execution)
    assert identity == {"package": "kind-words", "version": "1.2.0", "step_type": "greet"}


async def test_executor_adds_to_the_key_when_it_has_an_identity(tmp_path: Path):
    own = "    async def identity(self, options, execution):\n        return {'model': options.who, 'version': 'no'}\n"
    with greeting(tmp_path / "kind-words", source=GREET + RUNS + own):
        identity = await PluginExecutor().identity(stage(tmp_path, who="ana").execution)
    assert identity == {"package": "kind-words", "version": "1.2.0", "step_type": "greet", "model": "ana"}


async def test_executor_is_made_once(tmp_path: Path):
    executor = PluginExecutor()
    with greeting(tmp_path / "kind-words"):
        await executor.execute(stage(tmp_path, who="ana").execution)
    staged = stage(tmp_path / "more", who="bob")
    assert (await executor.execute(staged.execution)).outputs["said"] == "hello bob"


async def test_step_fails_when_the_worker_has_no_such_package(tmp_path: Path):
    failed = await failure(stage(tmp_path))
    assert failed.error_class == ErrorClass.NOT_FOUND
    assert "install it beside the worker" in failed.message


async def test_step_fails_when_resolved_values_do_not_fit(tmp_path: Path):
    with greeting(tmp_path / "kind-words"):
        failed = await failure(stage(tmp_path, who="ana", times=11))
        whole = await failure(stage(tmp_path / "more"))
    assert (failed.error_class, failed.message.split(": ")[1]) == (ErrorClass.EXPRESSION, "`times`")
    assert "`who`: Field required" in whole.message


async def test_step_fails_when_two_packages_clash(tmp_path: Path):
    with greeting(tmp_path / "kind-words"), greeting(tmp_path / "warm-words"):
        failed = await failure(stage(tmp_path, who="ana"))
    assert failed.error_class == ErrorClass.PLUGIN
    assert "both bring" in failed.message


def source(body: str) -> str:
    head, _, _ = RUNS.partition("        execution.log.note")
    return GREET + head + f"        {body}\n"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("raise KeyError('x')", "KeyError: 'x'"),
        ("raise TimeoutError('late')", "TimeoutError: late"),
        ("return 3", "it answered with `int`, which is no `Outcome`"),
        ("return Outcome({'a': object()})", "its outputs are no JSON"),
        ("return Outcome({1: 2})", "its outputs are no JSON"),
        ("return Outcome('text')", "its outputs are no JSON"),
    ],
)
async def test_step_fails_of_class_plugin_when_the_code_is_broken(tmp_path: Path, body: str, says: str):
    with greeting(tmp_path / "kind-words", source=source(body)):
        failed = await failure(stage(tmp_path, who="ana"))
    assert failed.error_class == ErrorClass.PLUGIN
    assert failed.message.startswith("step type `greet` (package `kind-words` 1.2.0) failed: ")
    assert says in failed.message


async def test_failure_that_the_package_tells_keeps_its_class(tmp_path: Path):
    body = (
        "from definitions.errors import ErrorClass, StepFailure; raise StepFailure(ErrorClass.EXIT, 'no', {'code': 3})"
    )
    with greeting(tmp_path / "kind-words", source=source(body)):
        failed = await failure(stage(tmp_path, who="ana"))
    assert (failed.error_class, failed.message, failed.details) == (ErrorClass.EXIT, "no", {"code": 3})


async def test_cancellation_passes_through(tmp_path: Path):
    body = "import asyncio; execution.heartbeat({}); await asyncio.Event().wait()"
    with greeting(tmp_path / "kind-words", source=source(body)):
        staged = stage(tmp_path, who="ana")
        begun = asyncio.Event()
        staged.execution.heartbeat = lambda details: begun.set()
        running = asyncio.create_task(PluginExecutor().execute(staged.execution))
        await begun.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("{module}:GreetExecutor", "{module}:Missing", "has no attribute 'Missing'"),
        ("{module}:GreetExecutor", "no_module_at_all:X", "ModuleNotFoundError"),
        ("class GreetExecutor:", "class GreetExecutor:\n    def __init__(self, needed): ...", "TypeError"),
        (
            "    tags: list[str] = []",
            "    @__import__('pydantic').model_validator(mode='before')\n    @classmethod\n"
            "    def fits(cls, value): raise KeyError('y')",
            "its model: KeyError: 'y'",
        ),
    ],
)
async def test_step_fails_when_the_package_cannot_be_used(tmp_path: Path, old: str, new: str, says: str):
    with greeting(tmp_path / "kind-words", source=(GREET + RUNS).replace(old, new)):
        failed = await failure(stage(tmp_path, who="ana"))
    assert failed.error_class == ErrorClass.PLUGIN
    assert says in failed.message
