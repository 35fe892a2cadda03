"""The ledger of a live run: one record a step path, in the order in which they were first reached.

Interpreting is a function of definition, inputs and ledger: what the ledger knows is read back, never
computed again. Records are frozen; a change replaces the record.
"""

from datetime import datetime

from pydantic import JsonValue

from definitions.records import Decision, Ledger, StepRecord

ENDED_STEP = frozenset({"completed", "failed", "skipped", "cancelled"})


class Book:
    """A ledger that is being written."""

    def __init__(self, ledger: Ledger) -> None:
        self._records: dict[str, StepRecord] = dict(ledger.records)
        self.decisions: list[Decision] = list(ledger.decisions)
        self.next_sequence: int = ledger.next_sequence
        self.paused: bool = ledger.paused
        self.pause_reason: str | None = ledger.pause_reason
        self.deadline: datetime | None = ledger.deadline

    def get(self, path: str) -> StepRecord | None:
        """Return what is known of a step path."""
        return self._records.get(path)

    def ended(self, path: str) -> StepRecord | None:
        """Return the record of a step path that has ended."""
        record = self._records.get(path)
        return record if record is not None and record.status in ENDED_STEP else None

    def put(self, path: str, record: StepRecord) -> StepRecord:
        """Write a record."""
        self._records[path] = record
        return record

    def update(self, path: str, **changes: object) -> StepRecord:
        """Replace fields of a record; a record that is not there yet begins empty."""
        return self.put(path, (self._records.get(path) or StepRecord()).model_copy(update=changes))

    def forget_below(self, path: str) -> None:
        """Drop the records of the steps inside a group: its next attempt starts them anew."""
        for inside, _ in self.below(path):
            del self._records[inside]

    def below(self, path: str) -> list[tuple[str, StepRecord]]:
        """Return the records of the steps inside a group, in the order in which they were reached."""
        return [(known, record) for known, record in self._records.items() if known.startswith(f"{path}/")]

    @property
    def records(self) -> dict[str, StepRecord]:
        """All records, in the order in which their paths were first reached."""
        return self._records

    def take_sequence(self) -> int:
        """Return the number of the next event."""
        number = self.next_sequence
        self.next_sequence += 1
        return number

    def freeze(self) -> Ledger:
        """Return the ledger as it stands."""
        return Ledger(
            records=dict(self._records),
            decisions=list(self.decisions),
            next_sequence=self.next_sequence,
            paused=self.paused,
            pause_reason=self.pause_reason,
            deadline=self.deadline,
        )


def group_outputs(book: Book, group_path: str, child_ids: list[str]) -> dict[str, JsonValue]:
    """Return a group's outputs: those of its children, by id, in declared order."""
    return {
        child: (record.outputs if (record := book.ended(f"{group_path}/{child}")) is not None else None)
        for child in child_ids
    }
