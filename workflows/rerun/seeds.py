"""What is done again for its own sake: what failed or did not end, what was undone, what is asked for, what is changed.

Of a step that was visited again (`fix@2`) the latest visit counts: a failure that a jump took, and that a later visit
made good, is part of how the run went. A failure that was passed over or handled is done again by `failed`, and kept
by `from`, as far as it is not after what is asked for.
"""

from collections.abc import Iterable, Sequence

from definitions.errors import ErrorClass
from definitions.records import StepError, StepRecord
from workflows.ledger import ENDED_STEP
from workflows.rerun.closure import Closure, Why
from workflows.rerun.comparison import Change
from workflows.rerun.outline import Kind, Outline, declared, first_visit, is_pass, step_id, visit_of
from workflows.starts import KEPT

_LIVE = {"pending": "it had not begun", "running": "it had not ended", "waiting_approval": "nobody had decided"}


def mark_unsettled(closure: Closure, error: StepError | None, *, with_handled: bool) -> None:
    """Have all that failed or did not end done again.

    Args:
        closure: The records.
        error: What the run failed with.
        with_handled: Whether failures that were handled or passed over count too.
    """
    _Unsettled(closure, with_handled).look_into("")
    if error is not None:
        _mark_end(closure, error)


def mark_undone(closure: Closure) -> None:
    """Have done again what was undone: its effects are gone."""
    for path, record in closure.records.items():
        if record.compensated:
            closure.drop(path, Why("undone", "it was undone (`compensate`)"))


def mark_asked(closure: Closure, paths: Iterable[str], asked: str) -> None:
    """Have done again what is asked for."""
    for path in paths:
        closure.drop(path, Why("asked", f"`--from {asked}`"))


def mark_lost(closure: Closure, paths: Iterable[str]) -> None:
    """Have done again what left files that the store does not have any more."""
    for path in paths:
        closure.drop(path, Why("lost", "the files after it are not in the store any more"))


def mark_changed(closure: Closure, changes: Sequence[Change], new: Outline) -> None:
    """Have done again what no longer fits a changed definition."""
    by_place: dict[str, list[Change]] = {}
    joined: dict[str, list[Change]] = {}
    for change in changes:
        if change.effect in ("after", "around"):
            joined.setdefault(change.place.rpartition("/")[0], []).append(change)
        else:
            by_place.setdefault(change.place, []).append(change)
    for path in list(closure.records):
        if path != visit_of(path):
            continue
        for change in by_place.get(declared(path), []):
            _apply(closure, path, change, new)
    for place, found in joined.items():
        _join(closure, place, found, new)


class _Unsettled:
    """Looks for failures and what did not end, from the run's list inwards."""

    def __init__(self, closure: Closure, with_handled: bool) -> None:
        self._closure = closure
        self._with_handled = with_handled
        self._latest: dict[str, str] = {}
        for path in closure.records:
            self._latest[first_visit(path)] = visit_of(path)

    def look_into(self, owner: str) -> bool:
        """Look at the parts of a record; return whether one of them is done again."""
        waiting, found = [owner], False
        while waiting:
            for path in self._closure.parts(waiting.pop()):
                if path in self._closure.dropped or self._latest[first_visit(path)] != visit_of(path):
                    continue
                record = self._closure.records[path]
                if path in self._closure.reopened:
                    waiting.append(path)
                    found = True
                elif record.status == "completed":
                    waiting += [path] if self._looks_into(path) else []
                elif record.status != "skipped":
                    found = self._mark(path, record) or found
        return found

    def _looks_into(self, path: str) -> bool:
        """Whether failures inside what completed count: they were handled there, and in a race they are the losers'."""
        if not self._with_handled:
            return False
        step = self._closure.outline.step(declared(path))
        return step is not None and self._closure.outline.kind(declared(path)) is not Kind.RACE

    def _mark(self, path: str, record: StepRecord) -> bool:
        """Have a record that did not end well done again, or the part of it that is the reason."""
        if record.status == "failed" and record.handled and not self._with_handled:
            return False
        has_parts = bool(self._closure.parts(path))
        if has_parts and self.look_into(path):
            self._closure.reopen(path, _why(record))
            return True
        if has_parts and record.status not in ("failed", "cancelled"):
            self._closure.reopen(path, _why(record))
        elif has_parts and is_used_up(record, path):
            mark_last_pass(self._closure, path, _why(record))
        else:
            self._closure.drop(path, _why(record))
        return True


def is_used_up(record: StepRecord, path: str) -> bool:
    """Whether a record is of a loop that failed because its passes are used up."""
    error = record.error
    return error is not None and error.type == ErrorClass.LOOP_EXHAUSTED and error.step == path


def mark_last_pass(closure: Closure, path: str, why: Why) -> None:
    """Have the last pass of a loop made again; the passes before it stay."""
    passes = [part for part in closure.parts(path) if is_pass(part)]
    last = passes[-1] if passes else path
    inside = [part for part in closure.parts(last) if closure.records[part].reason != KEPT]
    began_later = len(inside) < len(closure.parts(last))
    closure.drop(inside[0] if inside and began_later else last, why)


def _why(record: StepRecord) -> Why:
    if record.status == "failed":
        error = record.error
        said = "" if error is None else f": {error.type}: {' '.join(error.message.split())[:200]}"
        return Why("failed", f"it failed{said}")
    return Why("unfinished", _LIVE.get(record.status, "it was cancelled"))


def _mark_end(closure: Closure, error: StepError) -> None:
    """Have done again the step that the run's error names, where its own record does not say that it failed."""
    record = closure.records.get(error.step)
    if record is not None and record.status in ENDED_STEP and record.status != "failed":
        closure.drop(error.step, Why("failed", f"the run ended there: {' '.join(error.message.split())[:200]}"))


def _apply(closure: Closure, path: str, change: Change, new: Outline) -> None:
    record, why = closure.records[path], Why("changed", change.text)
    match change.effect:
        case "success":
            if record.status in ("completed", "skipped"):
                closure.follow(path)
        case "failure":
            if record.status == "failed":
                closure.drop(path, why)
        case "passes":
            _change_passes(closure, path, record, why, new)
        case _:
            closure.drop(path, why)


def _change_passes(closure: Closure, path: str, record: StepRecord, why: Why, new: Outline) -> None:
    """Go on with a loop that may make more passes now; do one anew that may make fewer, or that made them all."""
    step = new.step(declared(path))
    if step is None or step.loop is None:
        return
    loops = [path] if record.items is None else closure.parts(path)
    for loop in loops:
        found = closure.records[loop]
        if found.status == "completed" and not found.notes and step.loop.until is not None:
            continue
        if step.loop.max_iterations >= (found.iteration or 1):
            closure.reopen(loop, why)
        else:
            closure.drop(loop, why)


def _join(closure: Closure, place: str, changes: list[Change], new: Outline) -> None:
    """Do again what stands in a list behind a step that joined it or moved in it, in every walk of that list."""
    order = {step.id: number for number, step in enumerate(new.steps_in(place))}
    for owner in _walks(closure, place):
        for change in changes:
            name = change.place.rpartition("/")[2]
            why = Why("changed", f"`{change.place}` comes before it now: {change.text}")
            if change.effect == "after":
                for part in list(closure.parts(owner)):
                    if order.get(step_id(part), 0) >= order[name]:
                        closure.drop(part, why if step_id(part) != name else Why("changed", change.text))
            closure.reopen(owner, Why("changed", f"`{change.place}` joined it"))


def _walks(closure: Closure, place: str) -> list[str]:
    """Return the records around which a list was walked: a group's visit, each of its items or passes."""
    if not place:
        return [""]
    found = [path for path, record in closure.records.items() if record.status != "skipped"]
    return [
        path
        for path in found
        if declared(path) == place and all(part.startswith(f"{path}/") for part in closure.parts(path))
    ]
