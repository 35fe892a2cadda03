"""Single flight: of equal steps at the same time one works, and the others take its result.

    on this worker     whoever comes second waits for the first to land
    on other workers   the first has a lease in the store, a document that it writes anew every few seconds; whoever
                       finds it waits until it is gone, or until it has not changed for `STALE_AFTER` by his own clock

Whoever waited looks into the cache again, and takes the lead where nothing is there: a failure is never shared. A lease
is no lock: where it cannot be had or kept, the step runs all the same, and costs time only.
"""

import asyncio
import contextlib
import json
import time
from datetime import timedelta
from typing import cast
from uuid import uuid4

from activities.store.interface import Store, StoreError

LEASES = "cache/flights/"
BEAT = timedelta(seconds=3)
STALE_AFTER = timedelta(seconds=12)
LONGEST_WAIT = timedelta(hours=1)
"""Then a waiting step with a timeout runs itself: its activity has an end (`workflows.temporal_host.SLACK` later)."""

_FIRST_POLL, _LAST_POLL = 0.05, 1.0


class Lead:
    """Whoever has it works; the others wait until it lands."""

    def __init__(self, flights: "Flights | None" = None, name: str = "") -> None:
        self._flights = flights
        self._name = name
        self.lease: Lease | None = None

    async def land(self) -> None:
        """Let the others look, or go themselves."""
        flights, self._flights = self._flights, None
        try:
            if self.lease is not None:
                await self.lease.end()
        finally:
            if flights is not None:
                flights.landed(self._name)


class Flights:
    """The flights that this worker takes part in."""

    def __init__(
        self,
        store: Store,
        *,
        beat: timedelta = BEAT,
        stale_after: timedelta = STALE_AFTER,
        longest_wait: timedelta = LONGEST_WAIT,
    ) -> None:
        self._store = store
        self._beat = beat.total_seconds()
        self._stale_after = stale_after.total_seconds()
        self._longest_wait = longest_wait.total_seconds()
        self._here: dict[str, asyncio.Event] = {}

    async def join(self, name: str, owner: str, *, is_patient: bool = False) -> Lead | None:
        """Return the lead of a flight, or None when another's has landed and the cache should be asked again.

        Args:
            name: What is worked at: part of a store's key, the same on all workers.
            owner: Whose attempt it is; one that comes again, for its worker was lost, has its lease still.
            is_patient: Whether it may wait as long as the other takes.
        """
        longest_wait = None if is_patient else self._longest_wait
        others = self._here.get(name)
        if others is not None:
            try:
                async with asyncio.timeout(longest_wait):
                    await others.wait()
            except TimeoutError:
                return Lead()
            return None
        self._here[name] = asyncio.Event()
        lead = Lead(self, name)
        try:
            is_mine = await self._lease(lead, name, owner, longest_wait)
        except BaseException:
            await lead.land()
            raise
        if is_mine:
            return lead
        await lead.land()
        return None

    def landed(self, name: str) -> None:
        """Wake whoever waits here."""
        self._here.pop(name).set()

    async def _lease(self, lead: Lead, name: str, owner: str, longest_wait: float | None) -> bool:
        """Take the lease, or wait until whoever has it lands; without a store that takes leases, go alone."""
        lease = Lease(self._store, f"{LEASES}{name}", owner, self._beat)
        try:
            found = await lease.take()
            if found is None:
                lead.lease = lease
                return True
            return await self._watch(lead, lease, found, longest_wait)
        except StoreError:
            return True

    async def _watch(self, lead: Lead, lease: "Lease", seen: bytes, longest_wait: float | None) -> bool:
        """Return False when the lease is gone; True when its holder is taken for dead, or it took too long."""
        begun = changed = time.monotonic()
        poll = _FIRST_POLL
        while True:
            await asyncio.sleep(poll)
            poll = min(poll * 1.5, _LAST_POLL)
            content = await lease.read()
            now = time.monotonic()
            if content is None:
                return False
            if content != seen:
                seen, changed = content, now
            elif now - changed >= self._stale_after and await lease.take(seen) is None:
                lead.lease = lease
                return True
            if longest_wait is not None and now - begun >= longest_wait:
                return True


class Lease:
    """A document that says that somebody works, and that he lives."""

    def __init__(self, store: Store, key: str, owner: str, beat: float) -> None:
        self._store = store
        self._key = key
        self._owner = owner
        self._beat = beat
        self._token = uuid4().hex
        self._written: bytes | None = None
        self._ended = asyncio.Event()
        self._beating: asyncio.Task[None] | None = None

    async def read(self) -> bytes | None:
        """Return the lease as it is now."""
        return await asyncio.to_thread(self._store.read_document, self._key)

    async def take(self, stale: bytes | None = None) -> bytes | None:
        """Take it; return what another has there. `stale`: what is there of one who is dead."""
        content = self._text(1)
        if await self._swap(stale, content):
            self._begin(content)
            return None
        found = await self.read()
        if found is not None and _owner_of(found) == self._owner and await self._swap(found, content):
            self._begin(content)
            return None
        return found if found is not None else b""

    async def end(self) -> None:
        """Give it back, if it is still ours."""
        self._ended.set()  # not cancelled: a beat on its way would be written after we looked
        if self._beating is not None:
            await self._beating
        with contextlib.suppress(StoreError):
            if await self.read() == self._written:
                await asyncio.to_thread(self._store.delete_record, self._key)

    def _begin(self, content: bytes) -> None:
        self._written = content
        self._beating = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        number = 1
        while not await self._is_ended_within(self._beat):
            number += 1
            content = self._text(number)
            with contextlib.suppress(StoreError):  # a store that is away may be back at the next beat
                if not await self._swap(self._written, content):
                    return
                self._written = content

    async def _is_ended_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), seconds)
        return self._ended.is_set()

    async def _swap(self, before: bytes | None, after: bytes) -> bool:
        return await asyncio.to_thread(self._store.swap_document, self._key, before, after)

    def _text(self, number: int) -> bytes:
        return json.dumps({"owner": self._owner, "token": self._token, "beat": number}).encode()


def _owner_of(content: bytes) -> str | None:
    try:
        document = json.loads(content)
    except ValueError:
        return None
    return cast("dict[str, str]", document).get("owner") if isinstance(document, dict) else None
