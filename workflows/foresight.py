"""Records of steps that are still to come: what the cache answers for, found before the run gets there.

Found by whoever plays the interpreter over a copy of the ledger (`activities.fast_forward`). What it found comes in the
order in which it got there, and each record rests on what was there before it: so a part of it is sound up to
any place, without what encloses something that is left out.
"""

from collections.abc import Callable, Mapping

from definitions.records import StepRecord


def sound_part(records: Mapping[str, StepRecord], may_stay: Callable[[str, StepRecord], bool]) -> dict[str, StepRecord]:
    """Return the records before the first that may not stay, without those that enclose one that is left out."""
    kept: dict[str, StepRecord] = {}
    left_out: list[str] = []
    for path, record in records.items():
        if left_out or not may_stay(path, record):
            left_out.append(path)
        else:
            kept[path] = record
    for path in left_out:
        for outer in _around(path):
            kept.pop(outer, None)
    return kept


def _around(path: str) -> list[str]:
    """Return the paths of all that a step is in: of `epics[E-12]#2/design` these are `epics[E-12]#2` and so on."""
    places = [index for index, character in enumerate(path) if character in "/[#"]
    return [path[:index] for index in reversed(places)]
