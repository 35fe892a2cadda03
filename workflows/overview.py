"""What is asked of a ledger at each change, kept up to date by the ledger instead of looked for among all records.

A run of a thousand items changes some thousand times; going through all records each time would take it minutes.
"""

import re
from itertools import islice

from definitions.records import StepRecord

ENDED_STEP = frozenset({"completed", "failed", "skipped", "cancelled"})
_DONE = ("completed", "skipped")
_REPEATED = re.compile(r"[\[#@]")
"""Of a path of an item, a pass or a later visit: not a step of the definition for the first time."""
_DONE_KEPT = 50


class Overview:
    """Follows the records of one ledger."""

    def __init__(self) -> None:
        self.gates: dict[str, None] = {}
        """Paths of records with a gate that have not ended, in the order in which the gates opened."""
        self.ended_steps = 0
        """How many steps of the definition have ended at least once."""
        self._numbers: dict[str, int] = {}
        self._others: dict[str, None] = {}
        self._done: dict[str, None] = {}

    def follow(self, path: str, before: StepRecord | None, record: StepRecord | None) -> None:
        """Take note that a record was written (None: dropped)."""
        if record is not None and path not in self._numbers:
            self._numbers[path] = len(self._numbers)
        self._count(path, before, record)
        _keep(self.gates, path, is_in=record is not None and record.gate is not None and not _has_ended(record))
        _keep(self._others, path, is_in=record is not None and record.status not in _DONE)
        _keep(self._done, path, is_in=record is not None and record.status in _DONE)
        if len(self._done) > _DONE_KEPT:
            del self._done[next(iter(self._done))]

    def shown(self, done: int, others: int) -> list[str]:
        """Return the last paths that are done and the last others, in the order in which they were reached."""
        paths = [*islice(reversed(self._done), done), *islice(reversed(self._others), others)]
        return sorted(paths, key=self._numbers.__getitem__)

    def _count(self, path: str, before: StepRecord | None, record: StepRecord | None) -> None:
        if not _REPEATED.search(path):
            self.ended_steps += _has_ended(record) - _has_ended(before)


def _has_ended(record: StepRecord | None) -> bool:
    return record is not None and record.status in ENDED_STEP


def _keep(paths: dict[str, None], path: str, *, is_in: bool) -> None:
    if is_in:
        paths[path] = None
    else:
        paths.pop(path, None)
