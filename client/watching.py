"""The events of a run as they come, whatever happens to server and worker meanwhile.

The history's long poll is the wake-up; the query `events` says what happened. When either fails it is
tried again with back-off and said; it never counts as a failure of the run.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from client import closings
from client.held_up import waiting_for
from client.messages import connection_words
from client.runs import (
    EVENTS_LIMIT,
    NoAnswer,
    ended_status,
    query_events,
    recorded_events,
    recorded_status,
    unknown_run,
)

if TYPE_CHECKING:
    from temporalio.api.history.v1 import HistoryEvent

    from client.connection import Connection
    from definitions.statuses import Event, Status

TICK_SECONDS = 1.0
SETTLE_SECONDS = 0.015
"""Events of one workflow task come in one answer when we wait this long."""
LAST_SECONDS = 0.25
"""How long a run that finishes is left to end: that tells all, and a question would keep the worker from it."""
LONGEST_PAUSE_SECONDS = 5.0
NO_WORKER_AFTER_SECONDS = 3.0
"""How long workflow code may wait for a worker before it is said."""
HELD_UP_AFTER_SECONDS = 4.0
"""How long nothing may happen, and between two looks, before it is asked whether steps wait for the store."""
PROBE_AFTER_SECONDS = 15.0
"""How long nothing may happen before the run is asked all the same: a worker may have died in a long step."""


class Observer(Protocol):
    """Who watches."""

    def event(self, event: Event) -> None:
        """Take the next event."""
        ...

    def notice(self, text: str) -> None:
        """Take a remark about the connection."""
        ...

    def tick(self) -> None:
        """Know that time passes (about each second)."""
        ...


@dataclass(slots=True)
class _Pulse:
    """What the history says: that something happened, and the end."""

    stirred: asyncio.Event = field(default_factory=asyncio.Event)
    closing: HistoryEvent | None = None
    trouble: str | None = None
    is_unknown: bool = False
    is_new: bool = False
    """Whether workflow code has done nothing yet: all that its first task does is to ask for `prepare`, and a question
    would only keep the worker from that."""
    is_finishing: bool = False
    """Whether all steps have ended, and the last activity was asked for just now."""
    task_due_since: float | None = None
    """Since when workflow code waits for a worker."""


async def watch(connection: Connection, execution_id: str, observer: Observer, after: int = 0) -> Status:
    """Tell `observer` each event above `after` until the run has ended; return its record.

    Raises:
        Problem: there is no such run.
    """
    pulse = _Pulse()
    follower = asyncio.create_task(_follow(connection, execution_id, pulse))
    try:
        return await _Watch(connection, execution_id, observer, pulse, after).until_end()
    finally:
        follower.cancel()
        with suppress(asyncio.CancelledError):
            await follower


class _Watch:
    def __init__(
        self, connection: Connection, execution_id: str, observer: Observer, pulse: _Pulse, after: int
    ) -> None:
        self._connection = connection
        self._id = execution_id
        self._observer = observer
        self._pulse = pulse
        self._last = after
        self._unanswered = 0
        self._is_lost = False
        self._has_missed_worker = False
        self._asked_at = time.monotonic()
        self._looked_at = time.monotonic()
        self._is_held_up = False

    async def until_end(self) -> Status:
        while True:
            await self._wait()
            if self._pulse.is_unknown:
                return self._from_the_store()
            self._say_trouble()
            closing = self._pulse.closing
            if closing is not None:
                return await self._end(closing)
            await self._take_events()

    async def _wait(self) -> None:
        """Return when something happened, or the run is to be asked all the same."""
        while True:
            pause = TICK_SECONDS if not self._unanswered else min(0.2 * 2**self._unanswered, LONGEST_PAUSE_SECONDS)
            try:
                await asyncio.wait_for(self._pulse.stirred.wait(), pause)
            except TimeoutError:
                self._observer.tick()
                await self._say_held_up()
                self._say_no_worker(_has_passed(self._pulse.task_due_since, NO_WORKER_AFTER_SECONDS))
                if self._unanswered or self._pulse.trouble or _has_passed(self._asked_at, PROBE_AFTER_SECONDS):
                    return
                continue
            await self._settle()
            self._pulse.stirred.clear()
            if not self._is_held_up:
                self._looked_at = time.monotonic()
            return

    async def _settle(self) -> None:
        """Return when what just happened is likely to be all that happens for now."""
        if self._pulse.closing is not None:
            return
        if not self._pulse.is_finishing:
            await asyncio.sleep(SETTLE_SECONDS)
            return
        self._pulse.is_finishing = False
        self._pulse.stirred.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._pulse.stirred.wait(), LAST_SECONDS)

    async def _say_held_up(self) -> None:
        """Say once that steps wait for the store, and once that they do not any more."""
        from temporalio.service import RPCError

        if self._is_lost or not _has_passed(self._looked_at, HELD_UP_AFTER_SECONDS):
            return
        self._looked_at = time.monotonic()
        with suppress(RPCError):  # the follower meets the same trouble, and says it
            waiting = await waiting_for(self._connection, self._id)
            if waiting is not None and not self._is_held_up:
                self._observer.notice(connection_words.store_away(waiting))
            if waiting is None and self._is_held_up:
                self._observer.notice(connection_words.STORE_BACK)
            self._is_held_up = waiting is not None

    def _say_no_worker(self, is_missing: bool) -> None:
        if is_missing and not self._has_missed_worker and not self._is_lost:
            self._observer.notice(connection_words.NO_WORKER)
        self._has_missed_worker = self._has_missed_worker or is_missing

    def _say_trouble(self) -> None:
        trouble = self._pulse.trouble
        if trouble is not None and not self._is_lost:
            self._observer.notice(connection_words.connection_lost(trouble))
        if trouble is None and self._is_lost:
            self._observer.notice(connection_words.CONNECTION_BACK)
        self._is_lost = trouble is not None

    async def _take_events(self) -> bool:
        """Ask for events and pass them on; return whether there was an answer."""
        from temporalio.service import RPCError

        if self._is_lost:
            return False
        self._asked_at = time.monotonic()
        try:
            is_more = True
            while is_more:
                events = await query_events(self._connection, self._id, self._last)
                self._pass_on(events)
                is_more = len(events) >= EVENTS_LIMIT
        except NoAnswer:
            self._unanswered += 1
            self._say_no_worker(True)
            return False
        except RPCError:  # the follower meets the same trouble, says it, and knows when it is over
            self._unanswered += 1
            return False
        self._unanswered = 0
        self._has_missed_worker = False
        return True

    def _pass_on(self, events: list[Event]) -> None:
        for event in events:
            if event.sequence > self._last:
                self._last = event.sequence
                self._observer.event(event)

    async def _end(self, closing: HistoryEvent) -> Status:
        """Pass on the last events, from the store where it has them, and return the record."""
        status = await ended_status(self._connection, self._id, closing)
        if status.events > self._last:
            self._pass_on(recorded_events(self._connection.store, self._id, self._last))
        if status.events > self._last:
            await self._take_events()
        return status

    def _from_the_store(self) -> Status:
        """Return the record of a run that the server has forgotten."""
        status = recorded_status(self._connection.store, self._id)
        if status is None:
            raise unknown_run(self._id)
        self._pass_on(recorded_events(self._connection.store, self._id, self._last))
        return status


async def _follow(connection: Connection, execution_id: str, pulse: _Pulse) -> None:
    """Stir the pulse whenever the history grows, until the run has ended; never raises for the world's faults."""
    from temporalio.service import RPCError, RPCStatusCode

    pause = 0.2
    while pulse.closing is None and not pulse.is_unknown:
        try:
            async for event in _history(connection, execution_id, pulse):
                pause = 0.2
                _note(event, pulse)
        except RPCError as error:
            pulse.is_unknown = error.status == RPCStatusCode.NOT_FOUND
            if not pulse.is_unknown:
                pulse.trouble = error.status.name.lower().replace("_", " ")
        except RuntimeError as error:  # the SDK's bridge says some lost connections this way
            pulse.trouble = str(error)
        pulse.stirred.set()
        if pulse.trouble is not None:
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


async def _history(connection: Connection, execution_id: str, pulse: _Pulse) -> AsyncIterator[HistoryEvent]:
    pages = connection.handle(execution_id).fetch_history_events(wait_new_event=True, skip_archival=True)
    async for event in pages:
        if pulse.trouble is not None:
            pulse.trouble = None
            pulse.stirred.set()
        yield event


def _note(event: HistoryEvent, pulse: _Pulse) -> None:
    """Only what workflow code did, and the end, are worth a question."""
    kind = event.WhichOneof("attributes")
    if kind == "workflow_execution_started_event_attributes":
        pulse.is_new = not event.workflow_execution_started_event_attributes.continued_execution_run_id
    if kind == "workflow_task_scheduled_event_attributes":
        pulse.task_due_since = time.monotonic()
    elif kind in _TASK_TAKEN:
        pulse.task_due_since = None
    if kind == "activity_task_scheduled_event_attributes":
        pulse.is_finishing = event.activity_task_scheduled_event_attributes.activity_type.name == "finish"
    if closings.is_end(event):
        pulse.closing = event
    if kind in _WORTH_ASKING and pulse.is_new:
        pulse.is_new = False
        return
    if pulse.closing is not None or kind in _WORTH_ASKING:
        pulse.stirred.set()


_WORTH_ASKING = frozenset(
    {
        "workflow_task_completed_event_attributes",
        "workflow_execution_update_completed_event_attributes",
        "workflow_execution_continued_as_new_event_attributes",
    }
)
_TASK_TAKEN = frozenset({"workflow_task_started_event_attributes", "workflow_task_completed_event_attributes"})


def _has_passed(since: float | None, seconds: float) -> bool:
    return since is not None and time.monotonic() - since > seconds
