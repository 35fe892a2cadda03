"""What the reference interpreter knows of a run: a log of events, and what texts see of it.

Event    a step, an item or a pass began or ended; a hold; something that is only counted
Walk     one walk of one list      Seen   where a text stands
Known    the log, cut off where something stopped what ran; `steps.x` and `docs` are looked up in it, by path
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from definitions.expressions import evaluate_condition, parse_condition
from definitions.models import Definition
from definitions.steps import all_steps
from definitions.templates import render_value
from tests.support.outcome_script import Script
from tests.support.small_trees import Tree

Scope = tuple[tuple[str, str], ...]
"""The definition, and the name and the key of each `for_each` around that has a scope."""
NOWHERE = "nowhere"
"""A path that nothing has."""


@dataclass(frozen=True)
class Event:
    """What happened at a moment, and the end of whatever was walked, which has a path once it is in the log.

    Kinds: the states of a step with `begun` for `running`; `dropped`; `held` and `freed`; `counted`.
    """

    at: int
    kind: str
    path: str = ""
    begin: int = 0
    attempt: int = 1
    tree: Tree = ""
    outputs: Any = None
    error: Any = None
    """The class, and the path of the step that failed."""
    whole: bool = False
    """The failure is that of the whole run, or of the definition that the step is of."""
    handled: bool = False
    target: str | None = None
    """Where the list goes: an id, `end`, `fail` when it failed, None for on."""
    undo: Any = None
    """The step and what it saw, where `compensate` undoes it."""
    stored: tuple[Scope, Mapping[str, Any]] | None = None
    """In which scope, and the documents."""


def completed(at: int, tree: Tree, outputs: Any = None) -> Event:
    return Event(at, "completed", tree=tree, outputs=outputs)


def failed(at: int, kind: str, path: str, *, whole: bool = False) -> Event:
    return Event(at, "failed", error=(kind, path), whole=whole, target="fail")


@dataclass(frozen=True)
class Walk:
    """One walk of one list: what stands before its paths, and before those of the same list in the pass before."""

    prefix: str
    steps: Sequence[Any]
    before: str = NOWHERE


@dataclass(frozen=True)
class Seen:
    """What a text sees: the walks that it stands in, values by name (`steps` are its own), its scope of documents."""

    walks: tuple[Walk, ...]
    values: Mapping[str, Any]
    scope: Scope = ()
    before: str = NOWHERE
    """The path of what is done here, in the pass before."""

    def inside(self, prefix: str, steps: Sequence[Any], before: str = NOWHERE) -> "Seen":
        return replace(self, walks=(*self.walks, Walk(prefix, steps, before)))

    def with_values(self, values: Mapping[str, Any], before: str = "") -> "Seen":
        return replace(self, values={**self.values, **values}, before=before or self.before)

    def with_result(self, step: Any, result: Event) -> "Seen":
        own = {**self.values["steps"], step.id: entry(result)}
        return self.with_values({"result": result.outputs, "steps": own})


@dataclass
class Known:
    """What is known of a run so far."""

    definition: Definition
    script: Script
    library: Mapping[str, Definition]
    events: list[Event] = field(default_factory=list[Event])
    records: dict[str, Event] = field(default_factory=dict[str, Event])
    """The last event of each path."""
    windows: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """When the run was paused."""

    def note(self, event: Event) -> Event:
        self.events.append(event)
        if event.kind == "dropped":
            del self.records[event.path]
        else:
            self.records[event.path] = event
        return event

    def cut(self, mark: int, at: int) -> None:
        """What was noted since `mark` and is after a moment never was; what went on then is cancelled."""
        kept = [event for event in self.events[mark:] if event.at <= at]
        begun = [event for event in {event.path: event for event in kept}.values() if event.kind in ("begun", "held")]
        ended = [replace(event, at=at, kind="cancelled" if event.kind == "begun" else "freed") for event in begun]
        before, self.events, self.records = self.events[:mark], [], {}
        for event in [*before, *kept, *ended]:
            self.note(event)

    def drop(self, path: str, at: int) -> None:
        """A step is done anew: all that is below it is forgotten, but items and passes that completed."""
        for below in [known for known in self.records if known.startswith((f"{path}/", f"{path}[", f"{path}#"))]:
            body = path + below.removeprefix(path).partition("/")[0]
            if body not in self.records or self.records[body].kind != "completed":
                self.note(Event(at, "dropped", below))

    def count(self, name: str, at: int, kind: str = "counted") -> int:
        self.note(Event(at, kind, name, begin=at))
        return sum(1 for event in self.events if (event.path, event.kind) == (name, kind))

    def open(self, at: int) -> int:
        """Return the moment from `at` on at which the run is not paused."""
        for begin, end in sorted(self.windows):
            at = end if begin < at < end else at
        return at

    def known(self, path: str, mark: str) -> list[str]:
        """Return the path of a step, if it is known, and those of its later visits (`@`) or of its passes (`#`)."""
        below = [known.removeprefix(path) for known in self.records if known.startswith(path)]
        return [path + rest for rest in below if rest == "" or (rest[0] == mark and rest[1:].isdigit())]

    def results(self, prefix: str, steps: Sequence[Any]) -> dict[str, Any]:
        """What is known of the steps of a list, and of those in the last visit and pass of a group; not in items."""
        found: dict[str, Any] = {step.id: None for step in all_steps(steps)}
        for step in steps:
            visits = self.known(f"{prefix}{step.id}", "@")
            for path in visits:
                found[step.id] = entry(self.records[path]) if self.records[path].kind != "begun" else found[step.id]
            if visits and step.type == "group" and step.for_each is None:
                found |= self.results(self.known(visits[-1], "#")[-1] + "/", step.steps)
        return found

    def scope(self, seen: Seen) -> dict[str, Any]:
        """An inner list hides the same steps around it; what this pass has not done is from the one before."""
        steps: dict[str, Any] = {}
        for walk in seen.walks:
            now, before = self.results(walk.prefix, walk.steps), self.results(walk.before, walk.steps)
            steps |= {step_id: found or before[step_id] for step_id, found in now.items()}
        steps = {step_id: found for step_id, found in steps.items() if found} | seen.values["steps"]
        return {"env": {}, "docs": self.documents(seen.scope), **seen.values, "steps": steps}

    def documents(self, mine: Scope) -> dict[str, Any]:
        """What is stored, as a text in a scope sees it: its own first, those around, of inner ones a map by key."""
        stored = [event.stored for event in self.records.values() if event.stored is not None]
        found: dict[str, Any] = {}
        for scope, documents in sorted(stored, key=lambda one: len(one[0])):
            if scope == mine[: len(scope)]:
                found |= documents
            elif scope[:-1] == mine[: len(scope) - 1] and scope[-1][0] not in dict(mine):
                found.setdefault(scope[-1][0], {}).setdefault(scope[-1][1], {}).update(documents)
        return found

    def value(self, template: Any, seen: Seen) -> Any:
        return render_value(template, self.scope(seen))

    def holds(self, condition: str, seen: Seen) -> bool:
        return evaluate_condition(parse_condition(condition), self.scope(seen))


def entry(event: Event) -> dict[str, Any]:
    """What expressions see as `steps.ID`."""
    told = None if event.error is None else {"type": event.error[0], "step": event.error[1]}
    return {"outputs": event.outputs, "status": event.kind, "error": told}
