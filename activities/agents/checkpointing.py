"""When checkpoints are taken: at the end of each turn, beside the session, at most one at a time and in an interval.

A turn that ends too early after the last checkpoint, or while one is being taken, is not forgotten: its checkpoint
follows as soon as it may, so that a long tool call after it finds it done.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from time import monotonic

from activities.agents.checkpoints import Checkpoint, Checkpoints
from activities.executors.interface import StepLog
from definitions.errors import StepFailure


class Checkpointing:
    """Takes the checkpoints of one attempt while its session goes on."""

    def __init__(
        self, checkpoints: Checkpoints, interval: timedelta, log: StepLog, on_taken: Callable[[Checkpoint], None]
    ) -> None:
        self._checkpoints = checkpoints
        self._interval = interval.total_seconds()
        self._log = log
        self._on_taken = on_taken
        self._due: tuple[Path, str] | None = None
        self._worker: asyncio.Task[None] | None = None
        self._taken_at: float | None = None
        self._closing = asyncio.Event()

    def turn_ended(self, transcript: Path, mark: str) -> None:
        """Take a checkpoint when it may be; the transcript holds `mark` once the turn is written to it."""
        self._due = (transcript, mark)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())

    async def close(self) -> None:
        """Wait for a checkpoint under way, which reads the workspace; take no more."""
        self._closing.set()
        if self._worker is not None:
            await asyncio.gather(self._worker, return_exceptions=True)

    async def _work(self) -> None:
        while self._due is not None and await self._may_go_on():
            (transcript, mark), self._due = self._due, None
            try:
                taken = await asyncio.to_thread(self._checkpoints.take, transcript, mark)
            except (StepFailure, OSError) as error:  # the tree changes under the reader, or the store is away
                self._log.note(f"no checkpoint was taken: {error}")
                taken = None
            self._taken_at = monotonic()
            if taken is not None:
                self._on_taken(taken)

    async def _may_go_on(self) -> bool:
        """Wait for the interval to pass; whether there is still a session to take a checkpoint of."""
        if self._taken_at is not None:
            left = self._taken_at + self._interval - monotonic()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), max(0.0, left))
        return not self._closing.is_set()
