"""What runs a step of a type: the stated API for built-in executors and plug-ins."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from pydantic import JsonValue

from activities.artifacts.versions import ArtifactVersion
from activities.secrets.masking import Mask
from activities.store.interface import Store
from definitions.records import RunContext, StepCall, Usage
from definitions.steps import Step


class StepLog(Protocol):
    """The log of an attempt: bounded memory, masked, streamed to the store in chunks."""

    def write(self, content: bytes) -> None:
        """Add what a process printed; never blocks, never grows without bound."""
        ...

    def note(self, text: str) -> None:
        """Add a line of Perdure's own."""
        ...


@dataclass(slots=True)
class Execution:
    """What an executor is given. All templates in `step` are resolved, except shell text (see `bindings`)."""

    call: StepCall
    context: RunContext
    step: Step
    """Rendered: each TEMPLATE field holds its value. `ShellStep.command` is the safe script text."""
    bindings: dict[str, str]
    """Environment variables that the safe script text refers to."""
    workspace: Path
    """A private, writable copy of the tree (an empty folder where there is no workspace)."""
    scratch: Path
    """A folder of this attempt, outside the workspace; gone afterwards."""
    environment: dict[str, str]
    """The whole environment for processes: allow-listed caller variables, definition `env`, step `env`."""
    store: Store
    log: StepLog
    heartbeat: Callable[[dict[str, JsonValue]], None]
    """Says that the attempt lives, with what a later attempt needs to go on (under 1 KB)."""
    resumed_from: dict[str, JsonValue] | None = None
    """The last heartbeat of the attempt that was lost with its worker, if that is what this replaces."""
    mask: Mask = field(default_factory=Mask)
    """Knows the secrets that `environment` holds. Log, outputs, notes and failures are masked; streams are best masked
    where they are read, since a secret may be cut in two."""
    secret_versions: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """Which variables are secrets, and of which version: part of the cache key."""
    fetched: list[ArtifactVersion] = field(default_factory=list[ArtifactVersion])
    """The artifacts that the step asked for; those with a `path` lie in the workspace."""
    published: list[ArtifactVersion] = field(default_factory=list[ArtifactVersion])
    """What the executor itself has published already."""
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the run is cancelled; the executor also receives CancelledError."""

    def place_file(self, reference: dict[str, JsonValue]) -> Path:
        """Lay the copy that a file reference stands for under `scratch/files`; return its path."""
        folder = self.scratch / "files" / str(reference["digest"])[:12]
        target = folder / Path(str(reference["$file"])).name
        if not target.exists():
            folder.mkdir(parents=True, exist_ok=True)
            self.store.copy_blob_to(str(reference["digest"]), target)
        return target


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an executor made. Files that it changed are found by the snapshot, not told."""

    outputs: dict[str, JsonValue]
    """The step type's own outputs (`stdout`, `exit_code`, an agent's answer); declared ones are added after."""
    usage: Usage | None = None
    enforced_by: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@runtime_checkable
class StandIn(Protocol):
    """An executor of tests: it answers for steps without what they would need of the world."""

    def stands_in(self, call: StepCall) -> bool:
        """Whether it answers for this attempt: then nothing is fetched for it."""
        ...


class Executor(Protocol):
    """Runs one attempt. `activities.run_step` does all around it."""

    async def identity(self, execution: Execution) -> dict[str, JsonValue]:
        """Return what of the tool decides the result (interpreter or CLI version, model): part of the cache key."""
        ...

    async def execute(self, execution: Execution) -> Outcome:
        """Run it. Raises `StepFailure`; on CancelledError it ends all it started, then lets it pass."""
        ...
