"""The process pool: heavy work on trees, away from the interpreter that runs workflow code.

A thread beside workflow code takes a step from 15 ms to 260 ms (measured), so what reads all of a big tree happens
in a few processes of their own. A folder always goes to the same one, which remembers what its files look like. They
are made when they are first needed, by exec and not by fork (this process has threads), in a session of their own.

A process ends with its worker whatever ends that: it watches a pipe that only the worker holds. If it is ended
itself (the system may want its memory), the work is done again in a new one, once: all that comes here can be
repeated.
"""

import atexit
import contextlib
import os
import pickle
import socket
import struct
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from activities.store.interface import Store
from activities.workspace.pool_process import Answer, Call, encoded_store, frame
from definitions.errors import ErrorClass, StepFailure

SIZE = min(4, os.cpu_count() or 1)
"""Processes at most."""
TRIES = 2

_START = "import sys; sys.path[:] = sys.argv[3:]; from activities.workspace.pool_process import main; main()"

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class _Lost(Exception):
    """The process ended before it answered."""


class _Process:
    """One process, started when it is first asked; one call at a time."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._lifeline = -1

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def ask(self, call: bytes) -> bytes:
        """Return the answer to a call. Raises `_Lost`."""
        with self.lock:
            channel = self._socket or self._start()
            try:
                channel.sendall(frame(call))
                (length,) = struct.unpack("!Q", _read(channel, 8))
                return _read(channel, length)
            except OSError as error:
                self._end()
                raise _Lost from error

    def end(self) -> None:
        """End the process, if it runs."""
        with self.lock:
            self._end()

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        reading, self._lifeline = os.pipe()
        descriptors = (theirs.fileno(), reading)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _START, *map(str, descriptors), *sys.path],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=descriptors,
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            os.close(self._lifeline)
            raise _Lost from error
        finally:
            theirs.close()
            os.close(reading)
        self._socket = ours
        return ours

    def _end(self) -> None:
        if self._socket is None or self._process is None:
            return
        self._socket.close()
        os.close(self._lifeline)
        self._process.kill()
        self._process.wait()
        self._socket = self._process = None


class Pool:
    """The processes of this worker. Any thread may call; calls block."""

    def __init__(self, size: int = SIZE) -> None:
        self._processes = [_Process() for _ in range(size)]

    @property
    def pids(self) -> list[int]:
        """The processes that run."""
        return [process.pid for process in self._processes if process.pid is not None]

    def call(
        self, place: str, work: Callable[Arguments, Result], *arguments: Arguments.args, **named: Arguments.kwargs
    ) -> Result:
        """Return what `work` returns there; `place` is the folder it is about, "" for none.

        `work` is a function of a module; a `Store` among its arguments is opened there by its location.

        Raises:
            StepFailure: the process was ended, and so was the next one; whatever `work` raises.
        """
        call = pickle.dumps(Call(work, tuple(map(encoded_store, arguments)), named))
        for _ in range(TRIES):
            with contextlib.suppress(_Lost):
                answer: Answer = pickle.loads(self._choose(place).ask(call))  # noqa: S301 # from our own process
                return answer.unpacked()
        raise StepFailure(
            ErrorClass.WORKSPACE,
            f"the process that handles the workspace's files was ended {TRIES} times; "
            "look whether this machine is out of memory",
        )

    def close(self) -> None:
        """End all processes. They are started anew when they are needed again."""
        for process in self._processes:
            process.end()

    def _choose(self, place: str) -> _Process:
        if place:
            return self._processes[zlib.crc32(os.fsencode(place)) % len(self._processes)]
        return next((process for process in self._processes if not process.lock.locked()), self._processes[0])


POOL = Pool()
atexit.register(POOL.close)


def in_pool(
    store: Store,
    place: str,
    work: Callable[Arguments, Result],
    *arguments: Arguments.args,
    **named: Arguments.kwargs,
) -> Result:
    """Do heavy work in the pool; if `store` is one that is waited for, wait here. Blocks. Raises as `work` does."""
    vigil: Any = getattr(store, "vigil", None)

    def call() -> Result:
        return POOL.call(place, work, *arguments, **named)

    return call() if vigil is None else vigil.call(call)


def _read(channel: socket.socket, length: int) -> bytes:
    parts: list[bytes] = []
    while length:
        part = channel.recv(min(length, 1 << 20))
        if not part:
            raise ConnectionResetError("the process ended")
        parts.append(part)
        length -= len(part)
    return b"".join(parts)
