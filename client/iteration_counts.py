"""How far the `for_each` and `loop` steps of a run are, counted from its events: `3/12`, `3/12, 1 failed`, `pass 2/5`.

Bounded for thousands of items: numbers, and the paths of items that failed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from definitions.statuses import Event

_ITEM = re.compile(r"(?P<of>.+)\[[^\]/]*\]")
_PASS = re.compile(r"(?P<of>.+)#(?P<number>\d+)")
_ENDS = frozenset({"step_completed", "step_failed", "step_skipped"})
_DEEPER = re.compile(r"[/\[#]")


@dataclass(slots=True)
class _Count:
    total: int | None = None
    done: int = 0
    number: int = 0
    """Of a loop: the pass that it is in."""
    failed: set[str] = field(default_factory=set[str])


class IterationCounts:
    """Follows the events of one run."""

    def __init__(self) -> None:
        self._counts: dict[str, _Count] = {}

    def follow(self, event: Event) -> None:
        """Take note of an event of an item or a pass."""
        path = event.step
        if path is None or (event.type != "step_started" and event.type not in _ENDS):
            return
        if (found := _PASS.fullmatch(path)) is not None:
            count = self._counts.setdefault(found["of"], _Count())
            count.number = int(found["number"])
        elif (found := _ITEM.fullmatch(path)) is not None:
            count = self._counts.setdefault(found["of"], _Count())
            _count_item(count, event, path)
        else:
            return
        total = event.data.get("of")
        count.total = total if isinstance(total, int) else count.total

    def text(self, path: str) -> str:
        """Return how far a step is; empty where it has neither items nor passes, or none has begun."""
        count = self._counts.get(path)
        if count is None:
            return ""
        of = "" if count.total is None else f"/{count.total}"
        if count.number:
            return f"pass {count.number}{of}"
        failed = f", {len(count.failed)} failed" if count.failed else ""
        return f"{count.done + len(count.failed)}{of}{failed}"


def is_repeated(path: str) -> bool:
    """Whether a path is of an item or a pass, or inside one."""
    return "[" in path or "#" in path


def depth(path: str) -> int:
    """Return how deep a path is: steps inside steps, items and passes count."""
    return len(_DEEPER.findall(path))


def _count_item(count: _Count, event: Event, path: str) -> None:
    count.failed.discard(path)  # it may be done again
    if event.type == "step_failed":
        count.failed.add(path)
    elif event.type in _ENDS:
        count.done += 1
