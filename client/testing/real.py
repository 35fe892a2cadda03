"""Level *real*: the real workflow with real steps; agents are scripted from the stubs, and time is the world's.

    opened   gives `play`, on a server in memory (shared with the level *simulated*)
    play     one case: lay out its files in a git repository, start it, decide at its gates

An agent step is played by the scripted provider, through the runner that real agents have. A shell step runs, except
where the case has a stub for it: so a case can test everything but the step that would publish.
"""

import asyncio
import contextlib
import functools
import os
import subprocess
from collections.abc import AsyncGenerator, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

from pydantic import JsonValue

from client.starting import CALLER_ENVIRONMENT
from client.testing import stage
from client.testing.outside import Outside, held_steps
from client.testing.people import People
from client.testing.stage import Scene, Stage
from client.testing.stub_executor import Overheard, Prompts, StubExecutor
from client.testing.stubbing import own_outputs
from client.testing.verdicts import NotPlayable, Outcome, Play, Subject
from definitions.cases.models import Case, Stub
from definitions.cases.paths import declared_path
from definitions.durations import format_duration
from definitions.messages import Report
from definitions.statuses import ENDED, Status
from definitions.steps import AgentStep, GroupStep, Step

if TYPE_CHECKING:
    from client.testing.stage import Handle

PATIENCE = timedelta(minutes=10)
"""How long a case may take."""
LONGEST_WAIT = timedelta(seconds=10)
"""How long a case may ask people and agents to take: nobody wants to wait for a test."""
_PAUSE = 0.05
_GIT_TIME = 60


@contextlib.asynccontextmanager
async def opened() -> AsyncGenerator[Play]:
    """Give what plays cases, while the block lasts."""
    async with stage.opened() as found:
        yield functools.partial(play, found)


async def play(on: Stage, case: Case, subject: Subject) -> Outcome:
    """Play one case. Raises `NotPlayable`."""
    from activities.registry import built_in_executors
    from workflows.run_definition import RunDefinition

    _check(case)
    prompts = Prompts()
    stubs = StubExecutor(case, prompts)
    executors = {kind: Overheard(executor, stubs) for kind, executor in built_in_executors().items()}
    async with on.serving(RunDefinition, executors) as scene:
        await stage.lay_out(case, subject, scene.workspace)
        await asyncio.to_thread(_make_repository, scene.workspace)
        request = await asyncio.to_thread(stage.run_input, case, subject, scene)
        handle = await scene.start({**request, **_casting(case, subject)})
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                report = await _watch(scene, handle, People(case), Outside(case))
        except TimeoutError as error:
            raise NotPlayable(await _why_late(scene, handle)) from error
        finally:
            await stage.end(handle)
        return scene.outcome(report, prompts.by_path)


async def _watch(scene: Scene, handle: "Handle", people: People, outside: Outside) -> Report:
    """Decide, signal and resume until the run has ended, or waits for what nobody will say. Raises `NotPlayable`."""
    while True:
        report = await scene.report(handle)
        status = report.status
        if status.status in ENDED:
            return await _ended(scene, handle, report)
        people.meet(status.pending_approvals)
        talk, now = people.next(), datetime.now(UTC)
        if talk is not None and talk.moment is not None and talk.moment <= now:
            await people.say(handle, talk)
            continue
        outside.meet(held_steps(status.steps), now)
        arrival = None if status.started_at is None else outside.next(status.started_at)
        if arrival is not None and arrival.moment <= now:
            await outside.send(handle, arrival)
            continue
        if talk is None and arrival is None and _stands_still(status, now):
            return report
        await asyncio.sleep(_PAUSE)


async def _ended(scene: Scene, handle: "Handle", report: Report) -> Report:
    """Wait until the run has closed: its record is being written, and its folders are removed."""
    from temporalio.client import WorkflowFailureError

    with contextlib.suppress(WorkflowFailureError):
        await handle.result()
    return report


async def _why_late(scene: Scene, handle: "Handle") -> str:
    """Say that a case takes too long, and what it was at."""
    steps = (await scene.report(handle)).status.steps
    running = [f"`{path}`" for path, step in steps.items() if step.status in ("running", "waiting_approval")]
    named = f": not ended {'is' if len(running) == 1 else 'are'} {', '.join(running)}" if running else ""
    return f"the case did not come to its end within {format_duration(PATIENCE)}{named}"


def _stands_still(status: Status, now: datetime) -> bool:
    """Whether nothing runs, and gates wait for longer than a test does."""
    is_waiting = [gate.deadline is None or gate.deadline > now + LONGEST_WAIT for gate in status.pending_approvals]
    is_running = any(step.status == "running" and step.type != "group" for step in status.steps.values())
    is_held = status.status == "paused" and any(step.held for step in status.steps.values())
    return (bool(is_waiting) or is_held) and all(is_waiting) and not is_running


# --- what a case may ask for ----------------------------------------------------------------------------


def _check(case: Case) -> None:
    """Raise `NotPlayable` where a case asks for what takes a clock that jumps."""
    remedy = "play it at the level `simulated`, where nobody waits"
    if case.clock.start is not None:
        raise NotPlayable(f"the time of the level `real` is the world's; {remedy}", ("clock", "start"))
    for (key, name), after in _waits(case):
        if after > LONGEST_WAIT:
            word = "delay" if key == "stubs" else "after"
            message = f"`{word}: {format_duration(after)}` is longer than a test waits; {remedy}"
            raise NotPlayable(message, (key, name))
    for path in case.stubs:
        if any(stub.cached for stub in case.stubs_at(path)):
            raise NotPlayable("at the level `real` the cache is the real one; leave `cached` out", ("stubs", path))


def _waits(case: Case) -> Iterator[tuple[tuple[str, str], timedelta]]:
    """Yield how long a case wants to wait, with the place that says so."""
    for path in case.decisions:
        yield from ((("decisions", path), decision.after) for decision in case.decisions_at(path))
    for name, signal in case.signals.items():
        yield ("signals", name), signal.after
    for path, all_said in case.resumptions.items():
        yield from ((("resumptions", path), said.after) for said in all_said)
    for path in case.stubs:
        yield from ((("stubs", path), stub.delay) for stub in case.stubs_at(path))


def _casting(case: Case, subject: Subject) -> dict[str, JsonValue]:
    """Return the part of the start input that says who plays: scripted agents, with the caller's tools."""
    agents = dict(_agents(subject.definition.steps))
    named = {path: agents[declared_path(path)] for path in case.stubs if declared_path(path) in agents}
    script = {path: _entries(step, case.stubs_at(path)) for path, step in named.items()}
    return {
        "provider": "scripted",
        "script": {"steps": {path: entries for path, entries in script.items() if entries}},
        "caller_environment": {name: os.environ[name] for name in CALLER_ENVIRONMENT if name in os.environ},
    }


def _agents(steps: Iterable[Step], prefix: str = "") -> Iterator[tuple[str, AgentStep]]:
    for step in steps:
        if isinstance(step, AgentStep):
            yield prefix + step.id, step
        if isinstance(step, GroupStep):
            yield from _agents(step.steps, f"{prefix}{step.id}/")


def _entries(step: AgentStep, stubs: tuple[Stub, ...]) -> list[JsonValue]:
    """Return an agent's stubs, one an attempt, as the script that the scripted provider plays."""
    entries = [_entry(step, stub) for stub in stubs]
    last = stubs[-1].fail if stubs else None
    if last is not None and last.times is not None:
        entries[-1]["times"] = last.times
        entries.append(_entry(step, stubs[-1].model_copy(update={"fail": None})))
    return [*entries]


def _entry(step: AgentStep, stub: Stub) -> dict[str, JsonValue]:
    entry: dict[str, JsonValue] = {"delay": format_duration(stub.delay)}
    if stub.fail is not None:
        return {**entry, "fail": {"class": stub.fail.type, "message": stub.fail.message}}
    return {**entry, "files": {**stub.files}, "answer": own_outputs(step, stub)}


def _make_repository(folder: Path) -> None:
    """Make the workspace a git repository with one commit, as a user's is; without git it stays a folder."""
    if which("git") is None:
        return
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    who = {
        **{f"GIT_{role}_NAME": "Test" for role in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{role}_EMAIL": "test@example.invalid" for role in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{role}_DATE": "2026-01-01T00:00:00Z" for role in ("AUTHOR", "COMMITTER")},
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
    }
    for arguments in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "--all"],
        ["commit", "--quiet", "--allow-empty", "--no-gpg-sign", "--message", "The files of the case"],
    ):
        done = subprocess.run(
            ["git", *arguments], cwd=folder, env={**kept, **who}, check=False, timeout=_GIT_TIME, capture_output=True
        )
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip()[:300]
            raise NotPlayable(f"the files of the case cannot be put under git: {said}", ("files",))
