"""An attempt of a shell step as `run_step` hands it to the executor."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from activities.executors.interface import Execution
from activities.process.environment import step_environment
from activities.store.opening import open_store
from definitions.records import RunContext, RunHandle, StepCall
from definitions.shell_values import bind, bound_text, compile_script
from definitions.steps import ShellStep


class MemoryLog:
    """A log in memory."""

    def __init__(self) -> None:
        self.content = bytearray()

    def write(self, content: bytes) -> None:
        self.content += content

    def note(self, text: str) -> None:
        self.content += f"[perdure] {text}\n".encode()


MakeExecution = Callable[..., Execution]


@pytest.fixture
def make_execution(tmp_path: Path) -> MakeExecution:
    """Return what makes the execution of a shell step with these fields."""

    def make(command: str, values: dict[str, object] | None = None, **fields: object) -> Execution:
        step = ShellStep.model_validate({"id": "build", "type": "shell", "command": command, **fields})
        script = compile_script(step.command, step.shell)
        bindings = bind(script, {"inputs": values or {}}, None)  # pyright: ignore[reportArgumentType]
        for name in ("workspace", "scratch"):
            (tmp_path / name).mkdir(exist_ok=True)
        return Execution(
            call=StepCall(
                run=RunHandle(execution_id="run-1", definition_id="d", context="0" * 64), path="build", step={}
            ),
            context=RunContext(
                execution_id="run-1", definition_id="d", definition_digest="0", started_at=datetime.now(UTC)
            ),
            step=step.model_copy(update={"command": bound_text(script, bindings)}),
            bindings=bindings,
            workspace=tmp_path / "workspace",
            scratch=tmp_path / "scratch",
            environment=step_environment(dict(os.environ), {}, step.env),
            store=open_store(tmp_path / "store"),
            log=MemoryLog(),
            heartbeat=lambda details: None,
        )

    return make
