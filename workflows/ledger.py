"""The ledger of a live run: one record a step path, in the order in which they were first reached.

Interpreting is a function of definition, inputs and ledger: what the ledger knows is read back, never
computed again. Records are frozen; a change replaces the record.

Paths: `build`, `checks/lint` (in a group), `fix#3` and `fix#3/test` (a pass of a loop), `epics[E-12]/design` (an
item), `fix@2` (a later visit).
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

from pydantic import JsonValue

from definitions.records import Decision, Ledger, Resumption, Signal, StepError, StepRecord
from workflows.foresight import sound_part
from workflows.overview import ENDED_STEP, Overview

FOLD_ABOVE = 400
"""Records from which on the insides of finished items and passes are put away: events and outputs remain."""


class Book:
    """A ledger that is being written."""

    def __init__(self, ledger: Ledger) -> None:
        self._records: dict[str, StepRecord] = {}
        self._visits: dict[str, int] = {}
        self._inside: dict[str, dict[str, None]] = {}
        """The paths inside each step path: a run of a thousand items asks for those of one a thousand times."""
        self.overview = Overview()
        for path, record in ledger.records.items():
            self.put(path, record)
        self._untold: dict[str, None] = dict.fromkeys(ledger.untold)
        self.decisions: list[Decision] = list(ledger.decisions)
        self.next_sequence: int = ledger.next_sequence
        self.next_order: int = ledger.next_order
        self.paused: bool = ledger.paused
        self.pause_reason: str | None = ledger.pause_reason
        self.deadline: datetime | None = ledger.deadline
        self.signals: dict[str, Signal] = dict(ledger.signals)
        self.resumptions: dict[str, Resumption] = dict(ledger.resumptions)
        self.inputs: dict[str, JsonValue] = dict(ledger.inputs)
        self.failure: StepError | None = ledger.failure

    def get(self, path: str) -> StepRecord | None:
        """Return what is known of a step path."""
        return self._records.get(path)

    def ended(self, path: str) -> StepRecord | None:
        """Return the record of a step path that has ended."""
        record = self._records.get(path)
        return record if record is not None and record.status in ENDED_STEP else None

    def latest(self, path: str) -> str | None:
        """Return the path of the latest visit of a step that has a result; `path` is that of its first visit.

        It has one when it has ended, and while it loops when a pass of it has.
        """
        for visit in range(self._visits.get(path, 1), 0, -1):
            known = path_of_visit(path, visit)
            if known in self._records and self._has_result(known):
                return known
        return None

    def _has_result(self, path: str) -> bool:
        record = self._records[path]
        if record.status in ENDED_STEP:
            return True
        passes = () if record.iteration is None else (record.iteration, record.iteration - 1)
        return any(self.ended(f"{path}#{number}") is not None for number in passes)

    def put(self, path: str, record: StepRecord) -> StepRecord:
        """Write a record."""
        if path not in self._records:
            base, _, number = path.rpartition("@")
            if base and number.isdigit():
                self._visits[base] = max(int(number), self._visits.get(base, 1))
            for around in _around(path):
                self._inside.setdefault(around, {})[path] = None
        self.overview.follow(path, self._records.get(path), record)
        self._records[path] = record
        return record

    def adopt(self, ledger: Ledger) -> None:
        """Take what is known when the run begins: what a rerun keeps, which is told at once, and what the cache has."""
        for path, record in ledger.records.items():
            self.put(path, record)
            if record.kept_from is None:
                self._untold[path] = None
        self.decisions[:0] = ledger.decisions
        self.next_order = max(self.next_order, ledger.next_order)

    def foresee(self, records: Mapping[str, StepRecord]) -> None:
        """Take what was found in the cache for steps to come, up to where the run has got meanwhile."""
        if self.paused:
            return
        for path, record in sound_part(records, lambda path, _: path not in self._records).items():
            self.put(path, record)
            self._untold[path] = None
            self.next_order = max(self.next_order, (record.order or 0) + 1)

    def takes_untold(self, path: str) -> bool:
        """Whether a record was found while the run went and is to be told; asked once."""
        return path in self._untold and self._untold.pop(path) is None

    def update(self, path: str, **changes: object) -> StepRecord:
        """Replace fields of a record; a record that is not there yet begins empty."""
        return self.put(path, (self._records.get(path) or StepRecord()).model_copy(update=changes))

    def forget_below(self, path: str) -> None:
        """Drop the records of the steps inside a step: its next attempt starts them anew."""
        for inside, _ in self.below(path):
            self._drop(inside)

    def forget(self, path: str) -> None:
        """Drop a record and those inside it."""
        self.forget_below(path)
        if path in self._records:
            self._drop(path)

    def _drop(self, path: str) -> None:
        self.overview.follow(path, self._records.pop(path), None)
        for around in _around(path):
            self._inside[around].pop(path)
            if not self._inside[around]:
                del self._inside[around]

    def below(self, path: str) -> list[tuple[str, StepRecord]]:
        """Return the records of the steps inside a step, in the order in which they were reached."""
        place = f"{path}/"
        return [(known, self._records[known]) for known in self._inside.get(path, ()) if known.startswith(place)]

    def inside(self, path: str) -> list[tuple[str, StepRecord]]:
        """Return the records inside a step, an item or a pass: its steps, items and passes, and theirs."""
        return [(known, self._records[known]) for known in self._inside.get(path, ())]

    def fold(self, path: str) -> None:
        """Put away the inside of a finished item or pass, where the ledger has grown; what may be needed stays."""
        if len(self._records) <= FOLD_ABOVE:
            return
        for inside, record in self.below(path):
            if (
                record.order is None
                and not (record.artifacts or record.published or record.documents)
                and record.status in ENDED_STEP
            ):
                self._drop(inside)

    @property
    def records(self) -> dict[str, StepRecord]:
        """All records, in the order in which their paths were first reached."""
        return self._records

    def take_sequence(self) -> int:
        """Return the number of the next event."""
        number = self.next_sequence
        self.next_sequence += 1
        return number

    def take_order(self) -> int:
        """Return the number of the next completed step that can be undone."""
        number = self.next_order
        self.next_order += 1
        return number

    def freeze(self) -> Ledger:
        """Return the ledger as it stands."""
        return Ledger(
            records=dict(self._records),
            decisions=list(self.decisions),
            next_sequence=self.next_sequence,
            next_order=self.next_order,
            untold=list(self._untold),
            paused=self.paused,
            pause_reason=self.pause_reason,
            deadline=self.deadline,
            signals=dict(self.signals),
            resumptions=dict(self.resumptions),
            inputs=dict(self.inputs),
            failure=self.failure,
        )


def _around(path: str) -> Iterator[str]:
    """Yield the paths whose insides a path is in: steps, items and passes around it."""
    for cut, character in enumerate(path):
        if character in "/[#":
            yield path[:cut]


def path_of_visit(path: str, visit: int) -> str:
    """Return the path of a visit; the first has none but the step's own."""
    return path if visit == 1 else f"{path}@{visit}"
