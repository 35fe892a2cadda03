"""Deltas: what differs between two trees, path by path, as data that can be kept and applied elsewhere."""

from collections.abc import Iterable
from typing import NamedTuple

from pydantic import JsonValue

from activities.workspace.manifest import Entry, Manifest, changed, differing, entry_of_row, row_of_entry


class Change(NamedTuple):
    """One path, before and after; None: nothing was, or is, there."""

    path: str
    before: Entry | None
    after: Entry | None

    @property
    def is_ignored(self) -> bool:
        """Whether the path is ignored on both sides."""
        return all(entry is None or entry.ignored for entry in (self.before, self.after))


Delta = tuple[Change, ...]


def diff(before: Manifest, after: Manifest, *, with_ignored: bool = False) -> Delta:
    """Return what differs, sorted by path; ignored paths only where asked for."""
    left, right = differing(before, after)
    changes = (Change(path, left.get(path), right.get(path)) for path in sorted(left.keys() | right.keys()))
    return tuple(change for change in changes if _differs(change) and (with_ignored or not change.is_ignored))


def apply_delta(manifest: Manifest, delta: Iterable[Change]) -> Manifest:
    """Return the tree with each changed path as it is after."""
    return changed(manifest, {change.path: change.after for change in delta})


def delta_to_json(delta: Delta) -> list[JsonValue]:
    """Return a delta as JSON."""
    return [
        [
            None if change.before is None else row_of_entry(change.before),
            None if change.after is None else row_of_entry(change.after),
        ]
        for change in delta
    ]


def delta_from_json(rows: JsonValue) -> Delta:
    """Return the delta that `rows` stands for. Raises ValueError."""
    if not isinstance(rows, list):
        raise ValueError("a delta is a list")
    return tuple(_change(row) for row in rows)


def _change(row: JsonValue) -> Change:
    match row:
        case [before, after] if before is not None or after is not None:
            old = None if before is None else entry_of_row(before)
            new = None if after is None else entry_of_row(after)
            path = old.path if old is not None else new.path if new is not None else ""
            if old is not None and new is not None and old.path != new.path:
                raise ValueError(f"`{path}` is not the path after")
            return Change(path, old, new)
        case _:
            raise ValueError("a change is a pair of entries")


def _differs(change: Change) -> bool:
    if change.before is None or change.after is None:
        return True
    return change.before.content != change.after.content
