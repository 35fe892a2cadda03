"""The plan of a rerun: the ledger that it begins with, and what people are told before it starts.

Earlier   what is known of the run that is taken up
Wanted    which of its results shall not be kept
Plan      the ledger that is kept; what is reused, what runs again and why, what did not run before
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from definitions.errors import ExpressionError
from definitions.models import Definition
from definitions.records import Ledger, StepError, StepRecord
from definitions.references import references
from definitions.routes import handlers
from definitions.steps import Step
from definitions.suggestions import did_you_mean
from workflows.rerun import seeds
from workflows.rerun.closure import Closure, Why
from workflows.rerun.comparison import Change, Given, compare, everything_different
from workflows.rerun.outline import Outline, declared, is_item, is_pass, is_undoing, number_of_pass, step_id, visit_of
from workflows.step_gates import ACCEPT

MOST_NAMED = 8


class NoSuchStep(Exception):
    """`--from` names no step of the run."""

    def __init__(self, message: str, remedy: str | None) -> None:
        self.message = message
        self.remedy = remedy
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Earlier:
    """What is known of the run that is taken up."""

    execution_id: str
    definition: Definition
    ledger: Ledger
    library: Mapping[str, Definition] = field(default_factory=dict[str, Definition])
    inputs: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    env: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    error: StepError | None = None
    """What it failed with."""
    lost: Sequence[str] = ()
    """Paths of records whose files are not in the store any more."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is kept: all but what failed, all but what comes from a step on, or nothing."""

    failed: bool = False
    start: str | None = None

    @property
    def keeps_nothing(self) -> bool:
        """Whether everything is done again."""
        return not self.failed and self.start is None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a rerun begins with, and what it will do."""

    kept: Ledger
    reused: tuple[str, ...] = ()
    """What is kept whole: the outermost paths."""
    again: tuple[tuple[str, Why], ...] = ()
    """What runs again, and why: the outermost paths, in the order of the run."""
    fresh: tuple[str, ...] = ()
    """Steps that the earlier run did not come to."""
    changes: tuple[Change, ...] = ()
    """What is different in the definition, where a result or a route is affected."""


def plan_rerun(
    earlier: Earlier,
    definition: Definition,
    library: Mapping[str, Definition],
    wanted: Wanted,
    *,
    inputs: Mapping[str, JsonValue],
    env: Mapping[str, JsonValue],
) -> Plan:
    """Return what is kept of an earlier run, for a definition that may be another, and inputs that may be.

    Raises:
        NoSuchStep: `wanted` names a step that there is not.
    """
    old, new = Outline(earlier.definition, earlier.library), Outline(definition, library)
    given = _given(earlier, definition, inputs, env)
    changes = compare(old, new, given)
    closure = Closure(earlier.ledger.records, old)
    if wanted.keeps_nothing:
        for path in closure.parts(""):
            closure.drop(path, Why("asked", "everything runs again"))
    else:
        start = [] if wanted.start is None else find_step(wanted.start, closure, new)
        seeds.mark_undone(closure)
        seeds.mark_asked(closure, start, wanted.start or "")
        seeds.mark_changed(closure, changes, new)
        seeds.mark_lost(closure, earlier.lost)
        seeds.mark_unsettled(closure, earlier.error, with_handled=wanted.failed)
    kept = _kept(closure, earlier)
    return Plan(
        kept=kept,
        reused=tuple(_outermost_kept(closure, "")),
        again=tuple(_outermost_dropped(closure, "")),
        fresh=tuple(_fresh(closure, new, "")),
        changes=tuple(changes),
    )


def find_step(name: str, closure: Closure, new: Outline) -> list[str]:
    """Return the records that `--from` names: by a path, by a declared path, or by a step's id where that is one.

    Raises:
        NoSuchStep: there is none, or there are several.
    """
    if name in closure.records:
        return [name]
    known = [path for path in closure.records if path == visit_of(path) and not is_undoing(path)]
    by_place = [path for path in known if declared(path) == name]
    if by_place or new.step(name) is not None:
        return by_place
    places = dict.fromkeys(declared(path) for path in known if step_id(path) == name)
    if len(places) == 1:
        return [path for path in known if declared(path) in places]
    if places:
        named = ", ".join(f"`{place}`" for place in list(places)[:MOST_NAMED])
        raise NoSuchStep(f"several steps are called `{name}`", f"name one of {named}")
    remedy = did_you_mean(name, [*closure.records, *(step.id for step in new.steps_in(""))])
    raise NoSuchStep(f"the run has no step `{name}`", remedy or "`perdure show ID` has the paths of its steps")


def _given(
    earlier: Earlier, definition: Definition, inputs: Mapping[str, JsonValue], env: Mapping[str, JsonValue]
) -> Given:
    """Return which values are others than those of the earlier run."""
    absent = object()
    new_inputs = {name for name, value in inputs.items() if earlier.inputs.get(name, absent) != value}
    new_env = {name for name, value in env.items() if earlier.env.get(name) != value}
    everything = everything_different(earlier.definition, definition)
    if everything is None:
        everything = _reason_in_env(definition, new_inputs, new_env)
    return Given(frozenset(new_inputs), frozenset(new_env), everything)


def _reason_in_env(definition: Definition, inputs: set[str], env: set[str]) -> str | None:
    """Return which value that is given anew the definition's own `env` reads: all steps get that."""
    try:
        read = references(definition)
    except ExpressionError:
        return None
    for root, names in (("inputs", inputs), ("env", env)):
        for name in sorted(names):
            if (root, name) in {path[:2] for path in read}:
                return f"the definition's `env` reads `{root}.{name}`, which is given anew"
    return None


# --- what is kept -----------------------------------------------------------------------------------


def _kept(closure: Closure, earlier: Earlier) -> Ledger:
    records: dict[str, StepRecord] = {}
    for path, record in closure.records.items():
        if path in closure.reopened:
            begun = _begun(closure, path, record)
            if begun is not None:
                records[path] = begun
        elif path in closure.dropped or is_undoing(path):
            continue
        else:
            origin = record.kept_from or earlier.execution_id
            records[path] = record.model_copy(update={"usage": None, "kept_from": origin})
    decisions = [decision for decision in earlier.ledger.decisions if decision.gate.removesuffix(ACCEPT) in records]
    return Ledger(records=records, decisions=decisions, next_order=earlier.ledger.next_order)


def _begun(closure: Closure, path: str, record: StepRecord) -> StepRecord | None:
    """Return what is kept of a record that goes on: the items of a `for_each`, the pass of a loop; else nothing."""
    passes = [part for part in closure.parts(path) if is_pass(part)]
    gone = next((number_of_pass(part) for part in passes if closure.is_gone(part)), record.iteration)
    iteration = gone if passes else None
    if record.items is None and iteration is None:
        return None
    return StepRecord(
        status="pending",
        type=record.type,
        visit=record.visit,
        entered_from=record.entered_from,
        items=record.items,
        iteration=iteration,
    )


# --- what is told -----------------------------------------------------------------------------------


def _outermost_kept(closure: Closure, owner: str) -> Iterator[str]:
    for path in closure.parts(owner):
        if path in closure.reopened:
            yield from _outermost_kept(closure, path)
        elif path not in closure.dropped:
            yield path


def _outermost_dropped(closure: Closure, owner: str) -> Iterator[tuple[str, Why]]:
    for path in closure.parts(owner):
        if path in closure.dropped:
            yield path, closure.dropped[path]
        elif path in closure.reopened:
            inner = list(_outermost_dropped(closure, path))
            yield from inner
            if not inner:
                yield path, closure.reopened[path]


def _fresh(closure: Closure, new: Outline, owner: str) -> Iterator[str]:
    """Yield the steps without a record, of the lists that are walked on."""
    steps: Sequence[Step] = new.steps_in(declared(owner) if owner else "")
    by_jump_only = handlers(steps)
    prefix = f"{owner}/" if owner else ""
    reached = {step_id(part) for part in closure.parts(owner) if part.startswith(prefix)}
    has_bodies = any(is_item(part) or is_pass(part) for part in closure.parts(owner)) if owner else False
    if not has_bodies:
        yield from (f"{prefix}{step.id}" for step in steps if step.id not in reached and step.id not in by_jump_only)
    for part in closure.parts(owner):
        if part in closure.reopened:
            yield from _fresh(closure, new, part)
