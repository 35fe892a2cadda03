"""Level *simulated*: the real workflow on a real server; steps are stubs, and time jumps.

    opened   gives `play`, on a server in memory (shared with the level *real*)
    play     one case: start it, let time pass, say what people say when their time has come

What is real beyond the level *plan*: the server, histories, activities, updates and their refusals, workspaces on
disk, the store, the cache's keys.
"""

import asyncio
import contextlib
import functools
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import JsonValue

from client.testing import stage
from client.testing.outside import Outside
from client.testing.people import People
from client.testing.plan import START
from client.testing.stage import Scene, Stage
from client.testing.stub_executor import Prompts, StubExecutor
from client.testing.verdicts import NotPlayable, Outcome, Play, Subject
from definitions.cases.models import Case
from definitions.messages import Report
from definitions.statuses import ENDED
from workflows.simulated_run import PlayOn, SimulatedRun, Simulation, Standing

if TYPE_CHECKING:
    from client.testing.stage import Handle

PATIENCE = timedelta(seconds=60)
"""How long a case may take by the world's clock; nothing in it waits."""
LEAVING_PAUSE = 0.05
"""Seconds until a run that continues as new is asked again."""


@contextlib.asynccontextmanager
async def opened() -> AsyncGenerator[Play]:
    """Give what plays cases, while the block lasts."""
    async with stage.opened() as found:
        yield functools.partial(play, found)


async def play(on: Stage, case: Case, subject: Subject) -> Outcome:
    """Play one case. Raises `NotPlayable`."""
    prompts = Prompts()
    stubs = StubExecutor(case, prompts)
    async with on.serving(SimulatedRun, {"shell": stubs, "agent": stubs, "artifact": stubs, "plugin": stubs}) as scene:
        await stage.lay_out(case, subject, scene.workspace)
        request = await asyncio.to_thread(stage.run_input, case, subject, scene)
        start = START if case.clock.start is None else datetime.fromisoformat(case.clock.start).astimezone(UTC)
        handle = await scene.start({**request, "simulation": _simulation(case, start)})
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                report = await _Performance(scene, handle, People(case), Outside(case), start).play()
        except TimeoutError as error:
            raise NotPlayable(await _why_stuck(handle)) from error
        finally:
            await stage.end(handle)
        return scene.outcome(report, prompts.by_path)


def _simulation(case: Case, start: datetime) -> JsonValue:
    """Return what the simulated workflow needs: the first time, and how long steps take."""
    stubs = {
        path: [stub.model_copy(update={"outputs": {}, "files": {}}) for stub in case.stubs_at(path)]
        for path in case.stubs
    }
    return Simulation(now=start, stubs=stubs).model_dump(mode="json", exclude_defaults=True)


@dataclass(frozen=True, slots=True)
class _Performance:
    """A run that is being played: time passes until somebody speaks, again and again."""

    scene: Scene
    handle: "Handle"
    people: People
    outside: Outside
    began: datetime

    async def play(self) -> Report:
        """Play to the end, or to where nothing happens any more. Raises `NotPlayable`."""
        held: dict[str, int] = {}
        while True:
            talk, arrival = self.people.next(), self.outside.next(self.began)
            moments = [None if talk is None else talk.moment, None if arrival is None else arrival.moment]
            until = min((moment for moment in moments if moment is not None), default=None)
            standing = await self._play_on(PlayOn(until=until, seen=self.people.seen, held=held))
            if standing is None or standing.is_leaving:
                report = await self.scene.report(self.handle)
                if report.status.status in ENDED:
                    return report
                await asyncio.sleep(LEAVING_PAUSE)
                continue
            if standing.has_ended:
                break
            is_held, held = held != standing.held, standing.held
            self.outside.meet(held, standing.now)
            if self.people.meet(standing.gates) or is_held:
                continue
            if arrival is not None and arrival.moment == until:
                await self.outside.send(self.handle, arrival)
            elif talk is not None:
                await self.people.say(self.handle, talk)
            else:
                break
        return await self.scene.report(self.handle)

    async def _play_on(self, play: PlayOn) -> Standing | None:
        """Let time pass. None: the run ended, or continued as new, before it could answer."""
        from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
        from temporalio.service import RPCError, RPCStatusCode

        try:
            return await self.handle.execute_update(  # pyright: ignore[reportUnknownMemberType]
                "play_on", play, result_type=Standing
            )
        except WorkflowUpdateFailedError:
            return None
        except WorkflowUpdateRPCTimeoutOrCancelledError as error:
            raise TimeoutError from error
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return None
            raise


async def _why_stuck(handle: "Handle") -> str:
    """Say why a run does not move: the error of its workflow task, where it has one."""
    reason = "no step ended, and the run did not"
    async for event in handle.fetch_history_events():
        if event.HasField("workflow_task_failed_event_attributes"):
            reason = event.workflow_task_failed_event_attributes.failure.message
    return f"the case did not come to its end within {PATIENCE.total_seconds():.0f} s: {reason}"
