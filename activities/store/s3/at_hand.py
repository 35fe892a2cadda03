"""Objects in memory while who asked for them reads: no way over the disk between S3 and a file.

What is here is bounded: an object counts from the moment it is asked for until the last arrival that holds it is let
go of. Readers that find nothing here look elsewhere, so nothing depends on it but time. Nothing is verified here.
"""

import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Executor, Future

from activities.store.s3.bucket import StoredObject
from activities.store.s3.transfers import Budget


class Held:
    """An object, or the first part of a large one, that comes or is here."""

    __slots__ = ("__weakref__", "_coming", "found")

    def __init__(self, coming: Future[StoredObject | None]) -> None:
        self._coming = coming
        self.found: StoredObject | None = None
        """What is here, once somebody has waited for it."""

    def wait(self) -> None:
        """Return when it is here, or known not to be anywhere. Raises what fetching it raised."""
        self.found = self._coming.result()

    @property
    def has_failed(self) -> bool:
        """Whether fetching it raised."""
        return self._coming.done() and self._coming.exception() is not None


class AtHand:
    """Any thread may ask."""

    def __init__(self, pool: Executor) -> None:
        self._pool = pool
        self._room = Budget()
        self._lock = threading.Lock()
        self._held: weakref.WeakValueDictionary[str, Held] = weakref.WeakValueDictionary()

    def find(self, name: str) -> StoredObject | None:
        """Return what is held of an object."""
        held = self._held.get(name)
        return None if held is None else held.found

    def hold(
        self, name: str, size: int, bring: Callable[[], StoredObject | None], *, even_if_full: bool
    ) -> Held | None:
        """Begin to bring an object, or join those who do; None where there is no room for it now.

        Who has nothing else on its way asks for it `even_if_full`: all who wait for each other's room would wait
        for ever.
        """
        with self._lock:
            held = self._held.get(name)
            if held is not None and not held.has_failed:  # a failure's traceback keeps what failed from going
                return held
            taken = self._room.take_at_once(size, even_if_full=even_if_full)
            if taken is None:
                return None
            held = self._held[name] = Held(self._pool.submit(bring))
        weakref.finalize(held, self._room.give_back, taken)
        return held
