"""One launch of an adapter, from start to end: process or player, time limits, log.

    converse   starts what the adapter built, parses each line, folds the events, ends it where it must

The process and everything that it started is gone when `converse` returns or raises.
"""

import asyncio
import codecs
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from time import monotonic

from activities.agents.adapter import Adapter, Launch
from activities.agents.events import AgentEvent, describe
from activities.agents.script_player import play
from activities.agents.verdict import Session, Stopped
from activities.executors.interface import StepLog
from activities.process.running import run_process
from activities.secrets.masking import Mask, MaskStream
from definitions.durations import format_duration

LONGEST_LINE = 16_000_000
"""Bytes of one line of output; a longer one is dropped, with a note in the log."""
LONGEST_STAY = 10.0
"""Seconds for which a process may go on after its last word."""
_COMPLAINTS = 4000


@dataclass(frozen=True, slots=True)
class Watch:
    """What the runner sees and says while a session lasts."""

    on_event: Callable[[AgentEvent], None]
    must_stop: Callable[[], str | None]
    """Asked after each event and at each tick: the used-up limit, in words."""
    on_tick: Callable[[], None]
    tick: timedelta
    idle_timeout: timedelta


async def converse(
    adapter: Adapter, launch: Launch, workspace: Path, log: StepLog, watch: Watch, mask: Mask | None = None
) -> Session:
    """Play one launch to its end and return what is known of it. Raises `StepFailure` where it cannot start."""
    talk = _Talk(adapter, log, watch, (mask or Mask()).stream())
    running = asyncio.create_task(_run(launch, workspace, talk))
    running.add_done_callback(lambda _: talk.wake.set())
    try:
        while not running.done():
            with suppress(TimeoutError):
                await asyncio.wait_for(talk.wake.wait(), watch.tick.total_seconds())
            if not running.done():
                talk.wake.clear()
                watch.on_tick()
                talk.look_at_limits()
                if talk.session.stopped is not None or talk.has_overstayed:
                    break
    finally:
        if not running.done():
            running.cancel()
        results = await asyncio.gather(running, return_exceptions=True)
    talk.end()
    if isinstance(results[0], Exception):
        raise results[0]
    return talk.session


@dataclass(slots=True)
class _Talk:
    """Lines in, events out."""

    adapter: Adapter
    log: StepLog
    watch: Watch
    complaints: MaskStream
    session: Session = field(default_factory=Session)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    last_heard: float = field(default_factory=monotonic)
    _partial: bytearray = field(default_factory=bytearray)
    _is_dropping: bool = False

    @property
    def has_overstayed(self) -> bool:
        """Whether the agent has said its last word, and its process still does not end."""
        return self.session.finished is not None and monotonic() - self.last_heard > LONGEST_STAY

    def hear(self, piece: bytes) -> None:
        """Take in a piece of standard output."""
        self.last_heard = monotonic()
        *lines, rest = piece.split(b"\n")
        for line in lines:
            self._partial += line
            self._finish_line()
        self._partial += rest
        if len(self._partial) > LONGEST_LINE:
            self._partial.clear()
            self._is_dropping = True

    def hear_complaint(self, piece: bytes) -> None:
        """Take in a piece of standard error."""
        self.last_heard = monotonic()
        self._complain(self.complaints.feed(piece))

    def _complain(self, piece: bytes) -> None:
        self.log.write(piece)
        told = self.session.complaints + codecs.decode(piece, "utf-8", "replace")
        self.session.complaints = told[-_COMPLAINTS:]

    def say(self, line: str) -> None:
        """Take in a whole line."""
        self.last_heard = monotonic()
        self.take(self.adapter.parse(line))

    def take(self, events: list[AgentEvent]) -> None:
        """Fold events, show them in the log, and look whether a limit is passed."""
        for event in events:
            self.session.fold(event)
            self.watch.on_event(event)
            shown = describe(event)
            if shown:
                self.log.write(f"{shown}\n".encode())
        self.look_at_limits()

    def look_at_limits(self) -> None:
        """Mark the session as stopped where a limit is passed; a session with a last word is left to end."""
        if self.session.stopped is not None or self.session.finished is not None:
            return
        limit = self.watch.must_stop()
        if limit is not None:
            self.session.stopped = Stopped("budget", limit)
        elif monotonic() - self.last_heard > self.watch.idle_timeout.total_seconds():
            self.session.stopped = Stopped("idle", format_duration(self.watch.idle_timeout))
        if self.session.stopped is not None:
            self.wake.set()

    def end(self) -> None:
        """Take in a last line without an end, and what the end of the process means."""
        self._complain(self.complaints.end())
        if self._partial:
            self._finish_line()
        if self.session.finished is None and self.session.stopped is None:
            self.take(self.adapter.parse_end(self.session.code))

    def _finish_line(self) -> None:
        line = bytes(self._partial)
        self._partial.clear()
        if self._is_dropping:
            self._is_dropping = False
            self.log.note("a line of the agent's output was too long and is left out")
            return
        text = line.decode("utf-8", "replace").rstrip("\r")
        self.take(self.adapter.parse(text))


async def _run(launch: Launch, workspace: Path, talk: _Talk) -> None:
    if launch.entry is not None:
        await play(launch.entry, workspace, talk.say)
        return
    await asyncio.to_thread(_lay_files, launch)
    ended = await run_process(
        launch.argv,
        cwd=workspace,
        env=launch.environment,
        stdin=launch.stdin,
        on_stdout=talk.hear,
        on_stderr=talk.hear_complaint,
        first_signal=signal.SIGINT,  # Claude Code takes its tools with it on SIGINT, not always on SIGTERM
    )
    talk.session.code, talk.session.signal = ended.code, ended.signal


def _lay_files(launch: Launch) -> None:
    for folder in launch.folders:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path, content in launch.files.items():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(content)
