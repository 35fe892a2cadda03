"""A process of the pool: reads a call, does it, answers; ends with the worker that started it."""

import functools
import os
import pickle
import socket
import struct
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from activities.memory import look_seldom
from activities.store.interface import BlobMissing, Store, StoreAway, StoreError, StoreForbidden
from definitions.errors import ErrorClass, StepFailure

NICENESS = 5
"""Steps of other runs come first."""

_FAILURES = {kind.__name__: kind for kind in (StoreError, StoreAway, StoreForbidden, BlobMissing)}


class StoreAt(NamedTuple):
    """Stands for a store in the arguments of a call."""

    location: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function and what it is called with."""

    work: Callable[..., Any]
    arguments: tuple[object, ...]
    named: dict[str, object]


@dataclass(frozen=True, slots=True)
class Failed:
    """A failure of a step; the exceptions themselves cannot travel."""

    kind: str
    error_class: ErrorClass
    message: str
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a call."""

    value: Any = None
    failed: Failed | None = None
    error: Exception | None = None

    def unpacked(self) -> Any:
        """Return what the function returned. Raises what it raised."""
        if self.failed is not None:
            raise _unpacked(self.failed)
        if self.error is not None:
            raise self.error
        return self.value


def main() -> None:
    """Answer calls until there are no more. For `activities.workspace.pool` only."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    lifeline = int(sys.argv[2])
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()
    os.nice(NICENESS)
    look_seldom()
    stream = channel.makefile("rb")
    while len(head := stream.read(8)) == 8:
        (length,) = struct.unpack("!Q", head)
        channel.sendall(frame(answer_to(stream.read(length))))


def answer_to(content: bytes) -> bytes:
    """Return the answer to a call, as they travel."""
    try:
        call: Call = pickle.loads(content)  # noqa: S301 # from the worker that started us
        arguments = [opened(argument) for argument in call.arguments]
        answer = Answer(call.work(*arguments, **call.named))
    except StepFailure as failure:
        kind = type(failure).__name__
        answer = Answer(failed=Failed(kind, failure.error_class, failure.message, failure.details))
    except Exception as error:
        answer = Answer(error=error)
    try:
        return pickle.dumps(answer)
    except Exception as error:
        return pickle.dumps(Answer(error=RuntimeError(f"cannot be handed over: {error}: {answer!r:.500}")))


def frame(content: bytes) -> bytes:
    """Return content with its length before it."""
    return struct.pack("!Q", len(content)) + content


def encoded_store(argument: object) -> object:
    """Return what travels for an argument: a store's location for a store."""
    is_store = hasattr(argument, "location") and hasattr(argument, "write_blobs_from")
    return StoreAt(str(argument.location)) if is_store else argument  # type: ignore[attr-defined]


def opened(argument: object) -> object:
    """Return the argument that a function gets."""
    return _store(argument.location) if isinstance(argument, StoreAt) else argument


@functools.lru_cache(maxsize=4)
def _store(location: str) -> Store:
    from activities.store.opening import open_store

    return open_store(location)


def _unpacked(failed: Failed) -> StepFailure:
    kind = _FAILURES.get(failed.kind)
    if kind is None:
        return StepFailure(failed.error_class, failed.message, failed.details)
    error = kind(failed.message)
    error.details.update(failed.details)
    return error


def _end_with(lifeline: int) -> None:
    """End at once when the worker does, also in the middle of work: nobody wants the answer."""
    os.read(lifeline, 1)
    os._exit(0)
