"""The log of an attempt: what its processes print, kept in the store in chunks while they run.

    write, note  ->  pending bytes  ->  (a thread, each second or 256 KiB)  ->  runs/ID/logs/PATH/ATTEMPT/log-00001 …

Nothing here blocks the caller and nothing grows without bound: of a log over `LIMIT` the beginning and the end are
kept, with a line between them that says how much is missing. Bytes are kept as they came; `readable` makes them fit
for a terminal. A store that does not answer costs the log, never the step. A silent step writes nothing.
"""

import asyncio
import contextlib
import re
import threading
import time
from collections import deque
from collections.abc import Iterator

from activities.secrets.masking import Mask
from activities.store.interface import Store
from activities.store.keys import encode_name, run_key
from definitions.errors import PerdureError

LIMIT = 64 * 1024 * 1024
"""Bytes of a log that are kept."""
TAIL = 1024 * 1024
"""Bytes at the end of a longer log that are kept of these."""
CHUNK = 256 * 1024
"""Bytes after which a chunk is written, at the latest a second after the first of them came."""

_INTERVAL = 1.0
_PENDING_LIMIT = 16 * 1024 * 1024  # bytes that may wait for a slow store; more are left out
_ROOM = 4 * 1024 * 1024  # bytes waiting above which `room` holds the writer back
_LONGEST_WAIT_FOR_ROOM = 5.0
_BIGGEST_CHUNK = 4 * 1024 * 1024
_CLOSE_TIMEOUT = 3600.0  # the store itself is not waited for any longer (`activities.store.patience`)
_HASTE = 2.0


def log_key(execution_id: str, path: str, attempt: int) -> str:
    """Return the key of an attempt's log: a prefix, under which its chunks are."""
    return run_key(execution_id, f"logs/{encode_name(path)}/{attempt}")


def chunk_keys(store: Store, key: str, after: str = "") -> list[str]:
    """Return the keys of a log's chunks that come after the chunk `after`, in order; to follow, ask again."""
    return [chunk for chunk in store.list_keys(f"{key}/") if chunk > after]


def read_log(store: Store, key: str) -> Iterator[bytes]:
    """Yield the chunks of the log or logs under `key`, in order."""
    for chunk in chunk_keys(store, key.rstrip("/")):
        content = store.read_document(chunk)
        if content is not None:
            yield content


# CSI and OSC sequences, other escapes, then control characters but tab and line feed
_UNREADABLE = re.compile(
    "\x1b\\[[0-?]*[ -/]*[@-~]|\x1b\\][^\x07\x1b]*(?:\x07|\x1b\\\\)|\x1b[@-_]?|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)


def readable(content: bytes) -> str:
    """Return what a log holds as text that cannot drive a terminal; a carriage return ends a line."""
    text = content.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    return _UNREADABLE.sub("", text)


class StoreStepLog:
    """Streams a log to the store. `write` and `note` may be called from any thread."""

    def __init__(self, store: Store, execution_id: str, path: str, attempt: int, *, limit: int = LIMIT) -> None:
        self._store = store
        self._key = log_key(execution_id, path, attempt)
        self._head_left = limit - min(TAIL, limit // 2)
        self._tail_limit = min(TAIL, limit // 2)
        self._mask = Mask()
        self._changed = threading.Condition()
        self._pending: deque[bytes] = deque()
        self._waiting = 0
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self._missing = 0
        self._is_closing = False
        self._thread: threading.Thread | None = None
        self._next = 1
        self._failure: str | None = None
        self._has_written = False

    @property
    def failure(self) -> str | None:
        """Why a part of the log could not be kept, or None."""
        return self._failure

    def hide(self, mask: Mask) -> None:
        """Mask what is written from now on; whoever writes a stream piece by piece masks it as a stream before."""
        self._mask = mask

    def write(self, content: bytes) -> None:
        """Add what a process printed."""
        content = self._mask.masked(content)
        if not content:
            return
        with self._changed:
            head, rest = content[: self._head_left], content[self._head_left :]
            self._head_left -= len(head)
            if self._waiting > _PENDING_LIMIT:
                self._missing += len(head)
            elif head:
                self._admit(head)
            if rest:
                self._keep_at_end(rest)
            self._start()

    def note(self, text: str) -> None:
        """Add a line of Perdure's own."""
        self.write(f"[perdure] {text}\n".encode())

    async def room(self) -> None:
        """Return when the store has caught up, so that a fast program waits for it; but not for ever."""
        deadline = time.monotonic() + _LONGEST_WAIT_FOR_ROOM
        while self._waiting > _ROOM and self._failure is None and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.01)  # the other side is a thread

    async def close(self, *, in_haste: bool = False) -> str | None:
        """Write what is left; return the log's key, or None where nothing was logged. May be called twice.

        In haste (the attempt is cancelled, or its worker stops) a store that does not answer is not waited for.
        """
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        if self._thread is not None and in_haste:
            await self._ended_soon(self._thread)
        elif self._thread is not None:
            await asyncio.to_thread(self._thread.join, _CLOSE_TIMEOUT)
        return self._key if self._has_written else None

    @staticmethod
    async def _ended_soon(thread: threading.Thread) -> None:
        """Wait for a thread without another one: those of the loop may all be waiting for the store."""
        deadline = time.monotonic() + _HASTE
        while thread.is_alive() and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._stream, name="step-log", daemon=True)
            self._thread.start()
        elif self._waiting >= CHUNK:
            self._changed.notify()

    def _admit(self, content: bytes) -> None:
        if self._missing and self._head_left:
            line = _gap(self._missing)
            self._missing = 0
            self._pending.append(line)
            self._waiting += len(line)
        self._pending.append(content)
        self._waiting += len(content)

    def _keep_at_end(self, content: bytes) -> None:
        self._tail.append(content)
        self._tail_size += len(content)
        while self._tail_size - len(self._tail[0]) >= self._tail_limit:
            dropped = len(self._tail.popleft())
            self._tail_size -= dropped
            self._missing += dropped

    def _stream(self) -> None:
        is_last = False
        while not is_last:
            with self._changed:
                # measured from the first byte of a chunk, so that a slow trickle is seen too
                self._changed.wait_for(lambda: self._is_closing or self._waiting >= CHUNK, _INTERVAL)
                is_last = self._is_closing and self._waiting <= _BIGGEST_CHUNK
                content = self._taken(is_last)
            if content:
                self._write_chunk(content)

    def _taken(self, is_last: bool) -> bytes:
        parts: list[bytes] = []
        size = 0
        while self._pending and size < _BIGGEST_CHUNK:
            parts.append(self._pending.popleft())
            size += len(parts[-1])
        self._waiting -= size
        if is_last:
            parts += self._pending
            self._pending.clear()
            if self._missing:
                parts.append(_gap(self._missing))
            parts += self._tail
        return b"".join(parts)

    def _write_chunk(self, content: bytes) -> None:
        try:
            if not self._has_written:
                content = self._continued() + content
            self._store.write_document(f"{self._key}/log-{self._next:05}", content)
        except (PerdureError, OSError) as error:
            self._failure = str(error)
            return
        self._has_written = True
        self._next += 1

    def _continued(self) -> bytes:
        """Go on after the chunks of a lost worker's try of the same attempt; documents are not deleted."""
        earlier = chunk_keys(self._store, self._key)
        if not earlier:
            return b""
        with contextlib.suppress(ValueError):
            self._next = int(earlier[-1].rpartition("-")[2]) + 1
        return b"\n[perdure] the worker was lost; the attempt begins again\n"


def _gap(size: int) -> bytes:
    return f"\n[perdure] {size} bytes of the log are left out here\n".encode()
