"""One running tree of processes: a program and all that it starts, from its start to its destruction."""

import asyncio
import errno
import inspect
import os
import secrets
import select
import signal
import socket
import tempfile
import time
from asyncio.subprocess import SubprocessStreamProtocol
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from activities.process import process_table, strays
from activities.process.isolation import MARKER, Isolation, end_with_socket
from definitions.errors import ErrorClass, StepFailure

PIECE = 64 * 1024
"""Bytes handed to a callback at once, at most."""

_QUIET = 1.0  # seconds without output, after which children that hold the pipe are not waited for
_LONGEST_LINGER = 10.0
_LONGEST_DRAIN = 30.0  # seconds that callbacks have for what was printed before the end
_LOOK = 0.01  # seconds between looks at whether such children are still there
_STUCK = 1.0  # seconds after which an end that should be immediate is forced
_TEARDOWN = 5.0

Output = Callable[[bytes], Awaitable[None] | None]
"""Takes a piece of output; may be async, and then the program waits for it."""


@dataclass(frozen=True, slots=True)
class ProcessExit:
    """How a program ended.

    In a namespace the first process sees its program's end as a shell does, so a program that itself exits with
    128 + n is taken for one ended by signal n. `status` is the same either way.
    """

    code: int | None
    signal: int | None
    timed_out: bool = False

    @property
    def status(self) -> int:
        """The exit code, or 128 + the signal, as a shell's `$?`."""
        return self.code if self.code is not None else 128 + (self.signal or 0)


class _Protocol(SubprocessStreamProtocol):
    """The streams of a process, and its end apart from that of its pipes (which its children may hold)."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(limit=PIECE, loop=loop)
        self.exited: asyncio.Future[None] = loop.create_future()

    def process_exited(self) -> None:
        super().process_exited()
        if not self.exited.done():
            self.exited.set_result(None)


class Tree:
    """A program and everything that it starts."""

    def __init__(self, isolation: Isolation, on_stdout: Output | None, on_stderr: Output | None) -> None:
        self._isolation = isolation
        self._callbacks = (on_stdout, on_stderr)
        self._token = secrets.token_hex(16)
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.SubprocessTransport | None = None
        self._protocol = _Protocol()
        self._control: socket.socket | None = None
        self._note: Path | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._status: asyncio.Future[int] = self._loop.create_future()
        self._has_begun = asyncio.Event()
        self._received = 0
        self._waiting_readers = 0
        self._reader_failure: Exception | None = None
        self._is_destroyed = False
        self._ends_alone = False

    async def start(self, argv: list[str], cwd: Path, env: Mapping[str, str], stdin: bytes | None) -> None:
        """Start the program."""
        with _input_file(stdin) as source:
            try:
                marked = {**env, MARKER: self._token}
                if self._isolation.kind == "namespace":
                    await self._start_in_namespace(argv, cwd, marked, source)
                else:
                    await self._spawn(argv, cwd, marked, source.fileno())
                    self._note = strays.register(self._pid, self._token)
            except OSError as error:
                raise _not_started(argv[0], error) from error
        assert self._protocol.stdout is not None  # noqa: S101 # both are pipes, see `_spawn`
        assert self._protocol.stderr is not None  # noqa: S101
        self._tasks = [
            self._loop.create_task(self._pump(self._protocol.stdout, self._callbacks[0])),
            self._loop.create_task(self._pump(self._protocol.stderr, self._callbacks[1])),
            self._loop.create_task(self._watch()),
        ]

    async def ended(self) -> None:
        """Return when the program has ended; raise what a callback raised."""
        await asyncio.shield(self._status)

    async def linger(self) -> None:
        """Read what children still write, as long as it flows."""
        deadline = self._loop.time() + _LONGEST_LINGER
        quiet_since, before = self._loop.time(), self._received
        while self._has_company() and self._loop.time() < deadline:
            await asyncio.sleep(_LOOK)
            if before != self._received:
                quiet_since, before = self._loop.time(), self._received
            if self._loop.time() - quiet_since > _QUIET:
                return

    async def end_politely(self, first_signal: signal.Signals, grace: float) -> None:
        """Ask the group to end, give it time, destroy what is left."""
        if self._transport is None or self._is_destroyed:
            return
        if not self._status.done() and not self._protocol.exited.done():
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._pid, first_signal)
            with suppress(Exception):
                await asyncio.wait_for(asyncio.shield(self._status), grace)
        await self.destroy()

    async def destroy(self) -> None:
        """End all that is left of the tree, and wait until it is gone."""
        if self._isolation.kind == "namespace":
            await self._destroy_namespace()
        else:
            await self._destroy_members()
        self._is_destroyed = True
        strays.forget(self._note)
        await self._drain()

    def exit(self, *, timed_out: bool = False) -> ProcessExit:
        """Return how the program ended; raise what a callback raised meanwhile."""
        if self._reader_failure is not None:
            raise self._reader_failure
        has_status = self._status.done() and self._status.exception() is None
        status = self._status.result() if has_status else -signal.SIGKILL
        if self._isolation.kind == "namespace" and status - 128 in _ENDING_SIGNALS:
            status = 128 - status
        return ProcessExit(None, -status, timed_out) if status < 0 else ProcessExit(status, None, timed_out)

    def close(self) -> None:
        """Give back what the worker holds of it."""
        for task in self._tasks:
            task.cancel()
        if self._status.done() and not self._status.cancelled():
            self._status.exception()  # seen: it was raised by `ended`, or the end came first
        if self._transport is not None:
            self._transport.close()
        if self._control is not None:
            self._control.close()

    @property
    def _pid(self) -> int:
        assert self._transport is not None  # noqa: S101 # only asked after the start
        return self._transport.get_pid()

    async def _start_in_namespace(self, argv: list[str], cwd: Path, env: Mapping[str, str], source: BinaryIO) -> None:
        self._control, theirs = socket.socketpair()
        self._control.setblocking(False)
        with theirs:
            wrapped = self._isolation.wrap(argv, f"/proc/self/fd/{source.fileno()}")
            await self._spawn(wrapped, cwd, env, theirs.fileno(), (source.fileno(),))
            self._note = strays.register(self._pid, self._token)
            end_with_socket(self._pid, self._control, theirs)

    async def _spawn(
        self, argv: list[str], cwd: Path, env: Mapping[str, str], stdin: int, keep: tuple[int, ...] = ()
    ) -> None:
        self._transport, _ = await self._loop.subprocess_exec(
            lambda: self._protocol,
            *argv,
            stdin=stdin,
            cwd=cwd,
            env=env,
            start_new_session=True,
            pass_fds=keep,
        )

    async def _pump(self, reader: asyncio.StreamReader, callback: Output | None) -> None:
        try:
            while piece := await reader.read(PIECE):
                self._received += 1
                pending = callback(piece) if callback is not None else None
                if inspect.isawaitable(pending):
                    self._waiting_readers += 1
                    await pending
                    self._waiting_readers -= 1
        except Exception as error:  # a callback's fault ends the tree and is raised by `ended` or `exit`
            self._reader_failure = error
            self._settle(error)

    def _has_company(self) -> bool:
        """Whether children of the program that has ended may still write."""
        if self._isolation.kind != "namespace":
            return not all(task.done() for task in self._tasks[:2])
        if self._ends_alone:
            return False
        # `unshare` holds the pipes too, so their end says nothing; orphans are children of the first process
        orphans = [pid for first in process_table.children(self._pid)[:1] for pid in process_table.children(first)]
        found = [process_table.read(pid) for pid in orphans]
        return any(process is not None and not process.is_zombie for process in found)

    async def _watch(self) -> None:
        try:
            status = await self._program_status()
        except StepFailure as error:
            self._settle(error)
        else:
            self._settle(status)

    def _settle(self, outcome: int | Exception) -> None:
        if self._status.done():
            return
        if isinstance(outcome, Exception):
            self._status.set_exception(outcome)
        else:
            self._status.set_result(outcome)

    async def _program_status(self) -> int:
        if self._control is None:
            await self._protocol.exited
            status = self._transport.get_returncode() if self._transport else None
            return status if status is not None else -signal.SIGKILL
        lines = await self._reported(self._control)
        match lines.split():
            case [_, status, seen]:
                self._ends_alone = seen == b"1"
                return int(status)
            case [_]:
                return -signal.SIGKILL  # the first process was killed with all the rest
            case _:
                raise StepFailure(ErrorClass.SANDBOX, "the namespace for the step's processes could not be made")

    async def _reported(self, control: socket.socket) -> bytes:
        """Return the lines of the namespace's first process: that it has started, and the program's status."""
        lines = b""
        with suppress(ConnectionResetError):
            while lines.count(b"\n") < 2 and (piece := await self._loop.sock_recv(control, 64)):
                lines += piece
                self._has_begun.set()
        self._has_begun.set()
        return lines

    async def _drain(self) -> None:
        """Let the pumps read to the end, while there is progress or a callback that takes its time."""
        pumps = asyncio.gather(*self._tasks[:2], return_exceptions=True)
        before = -1
        deadline = self._loop.time() + _LONGEST_DRAIN
        while not pumps.done() and (before != self._received or self._waiting_readers) and self._loop.time() < deadline:
            before = self._received
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(pumps), _STUCK)

    async def _destroy_namespace(self) -> None:
        if self._ends_alone and await self._exits_within(_STUCK):
            return
        with suppress(TimeoutError):
            # before that, `unshare` may be about to make the first process, which would then escape
            await asyncio.wait_for(self._has_begun.wait(), _STUCK)
        first = [(pid, os.pidfd_open(pid)) for pid in process_table.children(self._pid)[:1]]
        # `unshare` before its child, of whose end it would print something
        for pid in (self._pid, *(pid for pid, _ in first)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await self._protocol.exited
        for _, handle in first:
            # readable once the kernel has ended all of the namespace
            await asyncio.to_thread(select.select, [handle], [], [], _TEARDOWN)
            os.close(handle)

    async def _exits_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._protocol.exited), seconds)
        return self._protocol.exited.done()

    async def _destroy_members(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._pid, signal.SIGKILL)
        await self._protocol.exited
        if self._isolation.kind == "group":
            return
        await asyncio.to_thread(self._kill_members)

    def _kill_members(self) -> None:
        """Kill and reap what belongs to the tree, until nothing is found. Blocks."""
        deadline = time.monotonic() + _TEARDOWN
        while self._kill_found() and time.monotonic() < deadline:
            time.sleep(_LOOK / 2)

    def _kill_found(self) -> bool:
        found = process_table.members({self._pid}, f"{MARKER}={self._token}".encode())
        for process in found:
            if process.is_zombie:
                process_table.reap(process)
            else:
                process_table.kill(process)
        return bool(found)


_ENDING_SIGNALS = frozenset(
    int(number)
    for number in signal.Signals
    if number not in (signal.SIGCHLD, signal.SIGCONT, signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
)


def _input_file(content: bytes | None) -> BinaryIO:
    """Return an open file to read standard input from: no writer to wait for, no broken pipe, any size."""
    if content is None:
        return open(os.devnull, "rb")  # the caller closes it
    file = os.fdopen(os.memfd_create("stdin"), "w+b") if hasattr(os, "memfd_create") else tempfile.TemporaryFile()  # noqa: SIM115 # the same
    file.write(content)
    file.seek(0)
    return file


def _not_started(program: str, error: OSError) -> StepFailure:
    if error.errno == errno.E2BIG:
        message = f"`{program}` was not started: its arguments and environment are too big; pass big values by a file"
        return StepFailure(ErrorClass.EXIT, message)
    return StepFailure(ErrorClass.EXIT, f"`{program}` could not be started: {os.strerror(error.errno or 0)}")
