"""Executions of agent steps as an executor meets them: a directory store, folders, and what was said."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from activities.executors.interface import Execution
from activities.store.opening import open_store
from activities.workspace.manifest import save_manifest
from activities.workspace.snapshots import snapshot
from definitions.records import RunContext, RunHandle, StepCall, Usage
from definitions.steps.agent import AgentStep

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(slots=True)
class HeardLog:
    """A step log that keeps what it is given."""

    content: bytearray = field(default_factory=bytearray)
    notes: list[str] = field(default_factory=list[str])

    def write(self, content: bytes) -> None:
        """Keep it."""
        self.content += content

    def note(self, text: str) -> None:
        """Keep it."""
        self.notes.append(text)

    @property
    def text(self) -> str:
        """All that was written."""
        return self.content.decode()


@dataclass(slots=True)
class Stage:
    """An execution and what it left behind."""

    execution: Execution
    log: HeardLog
    beats: list[dict[str, JsonValue]]

    @property
    def workspace(self) -> Path:
        """The workspace's folder."""
        return self.execution.workspace


def agent_stage(
    folder: Path,
    step: dict[str, Any] | None = None,
    *,
    script: Any = None,
    provider: str | None = None,
    environment: dict[str, str] | None = None,
    resumed_from: dict[str, JsonValue] | None = None,
    spent: Usage | None = None,
    attempt: int = 1,
    files: dict[str, str] | None = None,
    scratch: str = "scratch",
) -> Stage:
    """Return the execution of the agent step `work` below `folder`; `script` is what the step answers."""
    store = open_store(str(folder / "store"))
    workspace = folder / "workspace"
    for made in (workspace, folder / scratch):
        made.mkdir(exist_ok=True)
    for name, content in (files or {}).items():
        (workspace / name).parent.mkdir(parents=True, exist_ok=True)
        (workspace / name).write_text(content)
    log, beats = HeardLog(), list[dict[str, JsonValue]]()
    written: dict[str, Any] = {"id": "work", "type": "agent", "prompt": "Do it.", **(step or {})}
    call = StepCall(
        run=RunHandle(execution_id="run-1", definition_id="example", context=""),
        path="work",
        attempt=attempt,
        step={},
        tree=save_manifest(store, snapshot(store, workspace)),
        spent=spent,
    )
    context = RunContext(
        execution_id="run-1",
        definition_id="example",
        definition_digest="0" * 64,
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
        provider=provider,
        script=None if script is None else {"steps": {"work": script}},
    )
    execution = Execution(
        call=call,
        context=context,
        step=AgentStep.model_validate(written),
        bindings={},
        workspace=workspace,
        scratch=folder / scratch,
        environment={"PATH": PATH, "LANG": "C.UTF-8", **(environment or {})},
        store=store,
        log=log,
        heartbeat=beats.append,
        resumed_from=resumed_from,
    )
    return Stage(execution, log, beats)
