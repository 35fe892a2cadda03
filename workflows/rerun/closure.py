"""What is done again because something else is: everything that depends on it, and what it is a part of.

In a list that is everything after it, in a `needs` graph its descendants, in a loop the later passes, of a race the
whole race; branches and items beside it stay. What it is a part of goes on where it was (a group reads back the steps
that are kept), and all that comes after *that* is done again too, out to the run's own list.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from definitions.records import StepRecord
from workflows.lists import effective_needs
from workflows.rerun.outline import (
    Kind,
    Outline,
    declared,
    is_item,
    is_pass,
    is_undoing,
    owner_of,
    step_id,
)

Code = Literal["failed", "unfinished", "undone", "asked", "changed", "lost", "entered", "needs", "race", "after"]


@dataclass(frozen=True, slots=True)
class Why:
    """Why something is done again."""

    code: Code
    text: str


@dataclass(slots=True)
class Closure:
    """The records of a ledger, and which of them are dropped, or kept as the beginning of what goes on."""

    records: Mapping[str, StepRecord]
    outline: Outline
    dropped: dict[str, Why] = field(default_factory=dict[str, Why])
    reopened: dict[str, Why] = field(default_factory=dict[str, Why])
    _parts: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    _numbers: dict[str, int] = field(default_factory=dict[str, int])
    _cut: dict[str, int] = field(default_factory=dict[str, int])
    _needed_by: dict[str, dict[str, list[str]]] = field(default_factory=dict[str, dict[str, list[str]]])
    _waiting: deque[str] = field(default_factory=deque[str])

    def __post_init__(self) -> None:
        """Put the records of each owner together, in the order in which they were reached."""
        for path in self.records:
            if not is_undoing(path):
                parts = self._parts.setdefault(owner_of(path), [])
                self._numbers[path] = len(parts)
                parts.append(path)

    def parts(self, path: str) -> list[str]:
        """Return the records that are directly a part of one, in the order in which they were reached."""
        return self._parts.get(path, [])

    def is_gone(self, path: str) -> bool:
        """Whether a record is not kept as it is."""
        return path in self.dropped or path in self.reopened

    def drop(self, path: str, why: Why) -> None:
        """Do a record again, and all that depends on it."""
        if path not in self.dropped and path in self._numbers:
            self._drop_whole(path, why)
            self.follow(path)

    def reopen(self, path: str, why: Why) -> None:
        """Go on with what a record is of, from the parts of it that are kept; do what depends on it again."""
        if self.is_gone(path) or path not in self._numbers:
            return
        self.reopened[path] = why
        if self._is_race(path):
            self._drop_parts(path, Why("race", f"all of the race `{path}` is run again"))
        self.follow(path)

    def follow(self, path: str) -> None:
        """Do what depends on a record again, and go on with what it is a part of."""
        self._waiting.append(path)
        if len(self._waiting) > 1:
            return
        while self._waiting:
            self._follow_one(self._waiting[0])
            self._waiting.popleft()

    # --- one step of the way ------------------------------------------------------------------------

    def _follow_one(self, path: str) -> None:
        owner = owner_of(path)
        for later, why in self._dependents(path, owner):
            if later not in self.dropped:
                self._drop_whole(later, why)
        self.reopen(owner, Why("after", f"`{path}` in it runs again"))

    def _dependents(self, path: str, owner: str) -> Iterator[tuple[str, Why]]:
        if is_item(path):
            return
        if is_pass(path):
            yield from self._later(path, owner)
            return
        match self.outline.kind(declared(owner)):
            case Kind.SEQUENCE:
                yield from self._later(path, owner)
            case Kind.NEEDS:
                yield from self._descendants(path, owner)
            case Kind.BRANCHES | Kind.RACE:
                return

    def _later(self, path: str, owner: str) -> Iterator[tuple[str, Why]]:
        """Yield what was reached after a record in its list; nothing twice, so that long lists cost no more."""
        number, end = self._numbers[path] + 1, self._cut.get(owner, len(self.parts(owner)))
        if number >= end:
            return
        self._cut[owner] = number
        for later in self.parts(owner)[number:end]:
            if self.records[later].entered_from == path:
                yield later, Why("entered", f"it was entered because of `{path}`")
            else:
                yield later, Why("after", f"it comes after `{path}`")

    def _descendants(self, path: str, owner: str) -> Iterator[tuple[str, Why]]:
        needed_by = self._graph(owner)
        waiting, seen = [step_id(path)], set[str]()
        while waiting:
            need = waiting.pop()
            for other in needed_by.get(need, []):
                if other not in seen:
                    seen.add(other)
                    waiting.append(other)
        prefix = f"{owner}/" if owner else ""
        for part in self.parts(owner):
            if part.removeprefix(prefix) in seen:
                yield part, Why("needs", f"it needs `{path}`")

    def _graph(self, owner: str) -> dict[str, list[str]]:
        place = declared(owner)
        if place not in self._needed_by:
            graph: dict[str, list[str]] = {}
            for name, needs in effective_needs(self.outline.steps_in(place)).items():
                for need in needs:
                    graph.setdefault(need, []).append(name)
            self._needed_by[place] = graph
        return self._needed_by[place]

    def _is_race(self, path: str) -> bool:
        step = self.outline.step(declared(path))
        has_bodies_of_its_own = any(is_item(part) or is_pass(part) for part in self.parts(path))
        return step is not None and self.outline.kind(declared(path)) is Kind.RACE and not has_bodies_of_its_own

    def _drop_parts(self, path: str, why: Why) -> None:
        for part in self.parts(path):
            self._drop_whole(part, why)

    def _drop_whole(self, path: str, why: Why) -> None:
        """Drop a record and all inside it."""
        waiting = [path]
        while waiting:
            inner = waiting.pop()
            self.reopened.pop(inner, None)
            self.dropped.setdefault(inner, why)
            waiting += self.parts(inner)
