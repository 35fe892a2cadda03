"""What happens to a run from outside: how attempts end and how long they take, what people say, which signals come.

The reference interpreter and the host of the comparison read the same script. Times are microseconds since the run
began; each follows from a path and a number by a checksum, so that no two things happen at the same moment.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zlib import crc32

START = datetime(2026, 1, 1, tzinfo=UTC)
STEP = 10
"""Microseconds between two possible moments: more than the resolution of any clock in the comparison."""


@dataclass(frozen=True)
class Script:
    """By step id; the number of a call, an opening or a hold picks from the list, around its end and on."""

    outcomes: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    """`ok`, or the class of the failure."""
    files: Mapping[str, str] = field(default_factory=dict[str, str])
    """The file that the step writes; absent: none."""
    gates: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    """`approve`, `reject` or `silence`."""
    resumptions: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    """`retry`, `skip` or `fail`; the last is said again, and `fail` where there is none."""
    signals: Mapping[str, Sequence[int]] = field(default_factory=dict[str, Sequence[int]])
    """Moments at which signals come, by name, in order."""
    cancel_at: int | None = None

    def outcome(self, path: str, call: int) -> str:
        """Return how a call of a step's work ends."""
        choices = self.outcomes.get(step_id(path), ["ok"])
        return choices[(call - 1 + crc32(path.encode()) // 7) % len(choices)]

    def verdict(self, path: str, opening: int) -> str:
        """Return what is said at a gate."""
        choices = self.gates.get(step_id(path), ["approve"])
        return choices[(opening - 1) % len(choices)]

    def action(self, path: str, hold: int) -> str:
        """Return what is said of a held step."""
        choices = self.resumptions.get(step_id(path), [])
        return choices[min(hold, len(choices)) - 1] if choices else "fail"


def span(name: str, number: int) -> int:
    """Return how long something takes: up to a hundred seconds."""
    return STEP * (1 + crc32(f"{name}/{number}".encode()) % 10_000_000)


def step_id(path: str) -> str:
    """Return the id of the step that a path is of."""
    last = path.rpartition("/")[2]
    for mark in "@[#":
        last = last.partition(mark)[0]
    return last


def micro(span: timedelta) -> int:
    """Return a span in microseconds."""
    return round(span / timedelta(microseconds=1))


def moment(at: int) -> str:
    """Return a moment of a run as text."""
    return (START + timedelta(microseconds=at)).isoformat()
