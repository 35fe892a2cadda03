"""How often steps came from the cache, and what that saved: counted on each worker, written now and then.

    cache/counts/2026-11-21/WORKER    {definition: {step: [hits, runs, seconds saved, usd saved, seconds, usd]}}

A worker writes documents of its own, so nobody waits for anybody. What a killed worker had not written is lost: these
are statistics, no result depends on them.
"""

import asyncio
import json
import os
import re
import socket
import threading
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import cast

from activities.store.interface import Store, StoreError
from activities.store.keys import encode_name

COUNTS = "cache/counts/"
FLUSH_AFTER = timedelta(seconds=20)

_NUMBERS = re.compile(r"\[[^\]]*\]|#\d+|@\d+")


@dataclass(frozen=True, slots=True)
class Count:
    """What was counted of a step."""

    hits: int = 0
    runs: int = 0
    """Times that it was looked up in vain, and ran."""
    seconds_saved: float = 0.0
    usd_saved: float = 0.0
    seconds: float = 0.0
    """What the runs that went well took."""
    usd: float = 0.0

    @property
    def hit_rate(self) -> float | None:
        """How many of the look-ups were hits; None where there were none."""
        looked_up = self.hits + self.runs
        return self.hits / looked_up if looked_up else None

    def plus(self, more: "Count") -> "Count":
        """Return the sum."""
        return Count(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(more), strict=True)))


Steps = dict[tuple[str, str], Count]
"""By definition and step."""


def step_of(path: str) -> str:
    """Return a step's path without items, passes and visits: what is counted together."""
    return _NUMBERS.sub("", path)


class Counts:
    """Counts of this worker."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._worker = encode_name(f"{socket.gethostname()[:60]}-{os.getpid()}-{os.urandom(4).hex()}")
        self._days: dict[date, Steps] = {}
        self._unwritten: set[date] = set()
        self._lock = threading.Lock()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, definition_id: str, path: str, count: Count) -> None:
        """Count something; it is written some time later."""
        today = datetime.now(UTC).date()
        with self._lock:
            steps = self._days.setdefault(today, {})
            place = (definition_id, step_of(path))
            steps[place] = steps.get(place, Count()).plus(count)
            self._unwritten.add(today)
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(FLUSH_AFTER.total_seconds(), self._flush_soon)

    def flush(self) -> None:
        """Write what is not written yet; a store that takes it not now may take it later. Blocks."""
        with self._lock:
            days = {day: dict(self._days[day]) for day in self._unwritten}
            self._unwritten.clear()
        for day, steps in days.items():
            try:
                self._store.write_document(f"{COUNTS}{day.isoformat()}/{self._worker}", _text(steps))
            except StoreError:
                with self._lock:
                    self._unwritten.add(day)
        with self._lock:
            for day in [day for day in self._days if day < max(self._days) and day not in self._unwritten]:
                del self._days[day]

    def _flush_soon(self) -> None:
        self._timer = None
        asyncio.get_running_loop().run_in_executor(None, self.flush)


def read_counts(store: Store, since: date | None = None) -> Steps:
    """Return what all workers counted, from a day on. Blocks. Raises `StoreError`."""
    found: Steps = {}
    for key in store.list_keys(COUNTS):
        day = key.removeprefix(COUNTS).partition("/")[0]
        content = store.read_document(key) if since is None or day >= since.isoformat() else None
        for place, count in _read(content).items():
            found[place] = found.get(place, Count()).plus(count)
    return found


def forget_counts(store: Store, before: date) -> int:
    """Remove what was counted before a day; return how many documents there were. Blocks. Raises `StoreError`."""
    removed = 0
    for key in list(store.list_keys(COUNTS)):
        if key.removeprefix(COUNTS).partition("/")[0] < before.isoformat():
            store.delete_record(key)
            removed += 1
    return removed


def _text(steps: Mapping[tuple[str, str], Count]) -> bytes:
    document: dict[str, dict[str, list[float]]] = {}
    for (definition, step), count in sorted(steps.items()):
        document.setdefault(definition, {})[step] = [round(number, 6) for number in astuple(count)]
    return json.dumps(document).encode()


def _read(content: bytes | None) -> Steps:
    """Return what a document says; nothing where it is damaged."""
    if content is None:
        return {}
    try:
        document = cast("dict[str, dict[str, list[float]]]", json.loads(content))
        return {
            (definition, step): _count(row) for definition, steps in document.items() for step, row in steps.items()
        }
    except (ValueError, TypeError, AttributeError):
        return {}


def _count(row: list[float]) -> Count:
    hits, runs, seconds_saved, usd_saved, seconds, usd = (float(number) for number in row)
    return Count(int(hits), int(runs), seconds_saved, usd_saved, seconds, usd)
