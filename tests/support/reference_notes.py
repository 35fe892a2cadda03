"""What the reference interpreter knows of a run: notes of what happened, and what texts see of them.

Note     a step, item or pass that ended; a call, a hold, a signal taken, a document
Walk     one walk of one list      Seen   where a text stands
Known    looks things up: `steps.x`, `docs`, what is open, what was made already
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from definitions.expressions import evaluate_condition, parse_condition
from definitions.models import Definition
from definitions.steps import all_steps
from definitions.templates import render_value
from tests.support.small_trees import Tree


@dataclass
class Note:
    """A step, item or pass. Other kinds: `call`, `opening`, `taking`, `hold`, `document` (the path is its name)."""

    kind: str
    path: str
    begin: int
    end: int
    status: str = ""
    outputs: Any = None
    error: tuple[str, str] | None = None
    attempt: int = 1
    handled: bool = False
    retried: list[int] = field(default_factory=list[int])
    forgotten: int | None = None
    tree: Tree = ""
    undo: Any = None
    order: int = 0
    """Of what can be undone: the how manieth it was to complete."""
    is_undone: bool = False


class Stopped(Exception):
    """A step failed and its list stops. `whole`: so does the run, or the definition that it is of."""

    def __init__(self, kind: str, path: str, at: int, *, whole: bool = False) -> None:
        self.kind, self.path, self.at, self.whole = kind, path, at, whole


@dataclass
class Walk:
    """One walk of one list, and what is known of its steps; `before` is that of the pass before."""

    steps: Sequence[Any]
    prefix: str
    around: "Walk | None" = None
    before: "Walk | None" = None
    visits: dict[str, int] = field(default_factory=dict[str, int])
    results: dict[str, list[Note]] = field(default_factory=dict[str, list[Note]])
    inside: dict[Any, "Walk"] = field(default_factory=dict[Any, "Walk"])


@dataclass(frozen=True)
class Seen:
    """What a text sees: the walk that it stands in, values by name, results that are not in a walk, its documents."""

    walk: Walk
    values: Mapping[str, Any]
    own: Mapping[str, Any] = field(default_factory=dict[str, Any])
    base: str = ""
    scope: tuple[tuple[str, str], ...] = ()
    key: str | None = None
    turn: int | None = None
    inner: Walk | None = None
    """What has just been done by the step that the text belongs to: its `until` sees the steps inside."""

    def with_result(self, step: Any, outputs: Any) -> "Seen":
        own = {**self.own, step.id: entry("completed", outputs, None)}
        return replace(self, values={**self.values, "result": outputs}, own=own)


@dataclass(frozen=True)
class Result:
    """How a step, an item or a pass ended, and where its list goes."""

    status: str
    at: int
    tree: Tree
    outputs: Any = None
    error: tuple[str, str] | None = None
    target: str | None = None


class Known:
    """What is known of a run so far."""

    def __init__(self) -> None:
        self.notes: list[Note] = []
        self.windows: list[tuple[int, int]] = []
        """When the run was paused."""

    def cut(self, mark: int, at: int) -> None:
        """End at a moment what was noted since `mark`: what ran then is cancelled, what began later never was."""
        kept: list[Note] = []
        for note in self.notes[mark:]:
            if note.begin > at or (note.end > at and (note.begin == at or note.kind in ("taking", "document"))):
                note.status = ""
                continue
            if note.end > at and note.kind == "step":
                note.status, note.outputs, note.error, note.handled = "cancelled", None, None, False
                note.attempt -= sum(1 for moment in note.retried if moment > at)
                note.retried = [moment for moment in note.retried if moment <= at]
            if note.forgotten is not None and note.forgotten > at:
                note.forgotten = None
            note.end = min(note.end, at)
            kept.append(note)
        self.notes[mark:] = kept

    def open(self, at: int) -> int:
        """Return the moment from `at` on at which the run is not paused."""
        for begin, end in sorted(self.windows) * 2:
            at = end if begin < at < end else at
        return at

    def count(self, kind: str, path: str) -> int:
        return sum(1 for note in self.notes if (note.kind, note.path) == (kind, path))

    def take(self, kind: str, path: str, at: int) -> int:
        self.notes.append(Note(kind, path, at, at))
        return self.count(kind, path)

    def completed(self, path: str) -> Note | None:
        found = [note for note in self.notes if note.kind == "step" and note.path == path and note.forgotten is None]
        return found[-1] if found and found[-1].status == "completed" else None

    def forget(self, prefix: str | tuple[str, ...], at: int, *, only_failed: bool = False) -> None:
        """What stands below is done anew: all of it, or what failed or was cancelled with all that is in it."""
        below = [note for note in self.notes if note.kind == "step" and note.path.startswith(prefix)]
        dead = tuple(note.path for note in below if note.status in ("failed", "cancelled"))
        for note in below:
            if not only_failed or note.path in dead or note.path.startswith(tuple(f"{path}/" for path in dead)):
                note.forgotten = at if note.forgotten is None else note.forgotten
        gone = tuple(note.path for note in below if note.forgotten is not None)
        for note in self.notes:
            if note.kind == "document" and note.outputs[3] in gone and note.forgotten is None:
                note.forgotten = at

    def walk_before(self, step: Any, seen: Seen) -> Walk | None:
        """Return the walk of a group's list in the pass before."""
        if seen.turn is not None:
            return seen.walk.inside.get((step.id, seen.key, seen.turn - 1))
        return None if seen.walk.before is None else seen.walk.before.inside.get((step.id, seen.key, None))

    def find(self, step_id: str, seen: Seen) -> Any:
        """Return what `steps.ID` is: the nearest walk around that holds the step, in this pass or the one before."""
        if seen.inner is not None and step_id in inside_of(seen.inner.steps):
            return descend(seen.inner, step_id)
        walk: Walk | None = seen.walk
        while walk is not None:
            if step_id in inside_of(walk.steps):
                return descend(walk, step_id) or (walk.before and descend(walk.before, step_id))
            walk = walk.around
        return None

    def scope(self, seen: Seen, at: int) -> dict[str, Any]:
        top = seen.walk
        while top.around is not None:
            top = top.around
        steps = {step_id: self.find(step_id, seen) for step_id in inside_of(top.steps)}
        steps = {**{step_id: found for step_id, found in steps.items() if found}, **seen.own}
        return {"env": {}, "steps": steps, "docs": self.documents(seen.base, seen.scope, at), **seen.values}

    def documents(self, base: str, mine: tuple[tuple[str, str], ...], at: int) -> dict[str, Any]:
        """What is stored, as a text in a scope sees it: its own first, those around, of inner ones a map by key."""
        levels: list[dict[str, Any]] = [{} for _ in range(len(mine) + 1)]
        for note in self.notes:
            if note.kind != "document" or note.outputs[0] != base or note.end > at or note.forgotten is not None:
                continue
            _, scope, value, _ = note.outputs
            around = scope[:-1]
            if scope == mine[: len(scope)]:
                levels[len(scope)][note.path] = value
            elif around == mine[: len(around)] and (len(around) == len(mine) or mine[len(around)][0] != scope[-1][0]):
                levels[len(around)].setdefault(scope[-1][0], {}).setdefault(scope[-1][1], {})[note.path] = value
        return {name: value for level in levels for name, value in level.items()}

    def run_outputs(self, definition: Definition, seen: Seen, at: int) -> dict[str, Any]:
        return {name: self.value(output.value, seen, at) for name, output in definition.outputs.items()}

    def value(self, template: Any, seen: Seen, at: int) -> Any:
        return render_value(template, self.scope(seen, at))

    def holds(self, condition: str, seen: Seen, at: int) -> bool:
        return evaluate_condition(parse_condition(condition), self.scope(seen, at))


def descend(walk: Walk, step_id: str) -> Any:
    """Find a step's result in a walk, or in the latest walks inside; never inside a `for_each`."""
    if any(step.id == step_id for step in walk.steps):
        return latest(walk, step_id)
    child = next(step for step in walk.steps if step_id in inside_of([step]))
    inner = walk.inside.get(child.id) if child.for_each is None else None
    return descend(inner, step_id) if inner is not None and step_id in inside_of(inner.steps) else None


def latest(walk: Walk, step_id: str) -> dict[str, Any] | None:
    """Return the latest visit of a step of a walk; one that was cut off before it began never was."""
    visits = [note for note in walk.results.get(step_id, []) if note.status]
    return entry(visits[-1].status, visits[-1].outputs, visits[-1].error) if visits else None


def inside_of(steps: Sequence[Any]) -> list[str]:
    """Return the ids of steps at any depth."""
    return [step.id for step in all_steps(steps)]


def entry(status: str, outputs: Any, error: tuple[str, str] | None) -> dict[str, Any]:
    """What expressions see as `steps.ID`."""
    told = None if error is None else {"type": error[0], "step": error[1]}
    return {"outputs": outputs, "status": status, "error": told}
