"""Two definitions, step by step: which results of the old one no longer fit the new one, and why.

A result fits as long as what the step does, and what it is given, is the same. Names, retries, time limits and
caching have no part in that; routes (`on_success`, …) only decide what follows. Inputs and variables that are given
anew change the steps that read them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from definitions.errors import ExpressionError
from definitions.models import Definition
from definitions.references import references
from definitions.routes import handlers
from definitions.steps import Step
from workflows.lists import effective_needs
from workflows.rerun.outline import Kind, Outline

Effect = Literal["step", "success", "failure", "passes", "after", "around"]
"""What is done again: the step; what follows its success; its failure and that; its last passes; all that stands from
here on in its list, which it joined; the list around it, which it joined beside others."""

_WITHOUT_EFFECT = frozenset(
    {
        "id", "name", "description", "phase", "summary", "timeout", "retry", "max_visits", "cache", "cache_key",
        "use_cache", "compensate", "needs", "steps",
    }
)  # fmt: skip
_ROUTES: dict[str, Effect] = {"on_success": "success", "on_failure": "failure", "end": "failure"}
_OF_ITEMS = frozenset({"concurrency", "on_error"})


@dataclass(frozen=True, slots=True)
class Change:
    """What is different at a declared path."""

    place: str
    effect: Effect
    text: str


@dataclass(frozen=True, slots=True)
class Given:
    """Names of what is given anew, with another value than before."""

    inputs: frozenset[str] = frozenset()
    env: frozenset[str] = frozenset()
    everything: str | None = None
    """Why every step is affected, where that is so."""


def compare(old: Outline, new: Outline, given: Given) -> list[Change]:
    """Return what is different, outer lists first."""
    changes = list(_lists(old, new, "", given))
    return changes


def everything_different(old: Definition, new: Definition) -> str | None:
    """Return why no result of the old definition can be kept at all, if so."""
    if old.env != new.env:
        return "the definition's `env` is different"
    if old.workspace != new.workspace:
        return "the definition's `workspace` is different"
    return None


def _lists(old: Outline, new: Outline, place: str, given: Given) -> Iterator[Change]:
    before, after = old.steps_in(place), new.steps_in(place)
    prefix = f"{place}/" if place else ""
    known = {step.id: step for step in before}
    yield from _members(before, after, prefix, new.kind(place))
    for step in after:
        if step.id in known:
            yield from _steps(old, new, known[step.id], step, f"{prefix}{step.id}", given)


def _members(before: Sequence[Step], after: Sequence[Step], prefix: str, kind: Kind) -> Iterator[Change]:
    """Yield what is different in who stands in a list, and in what order."""
    new_ids = {step.id for step in after}
    for step in before:
        if step.id not in new_ids:
            yield Change(f"{prefix}{step.id}", "step", "it is not in the definition any more")
    if kind is Kind.SEQUENCE and all(step.needs is None for step in before):
        yield from _sequence(before, after, prefix)
        return
    old_ids = {step.id for step in before}
    joined: Effect = "around" if kind is not Kind.NEEDS else "step"
    for step in after:
        if step.id not in old_ids:
            yield Change(f"{prefix}{step.id}", "around", "it is new")
    if joined == "step":
        yield from _needs(before, after, prefix)


def _sequence(before: Sequence[Step], after: Sequence[Step], prefix: str) -> Iterator[Change]:
    """Yield the first place from which on two lists differ in what is walked through, apart from what was removed."""
    old_handlers, new_handlers = handlers(before), handlers(after)
    remaining = {step.id for step in after} - new_handlers
    old_ids = [step.id for step in before if step.id not in old_handlers and step.id in remaining]
    new_ids = [step.id for step in after if step.id not in new_handlers]
    for number, step_id in enumerate(new_ids):
        if number < len(old_ids) and old_ids[number] == step_id:
            continue
        text = "it stands elsewhere" if step_id in old_ids else "it is new"
        yield Change(f"{prefix}{step_id}", "after", text)
        return


def _needs(before: Sequence[Step], after: Sequence[Step], prefix: str) -> Iterator[Change]:
    old, new = effective_needs(before), effective_needs(after)
    for step_id, needs in new.items():
        if step_id in old and old[step_id] != needs:
            yield Change(f"{prefix}{step_id}", "step", "what it needs is different")


def _steps(old: Outline, new: Outline, before: Step, after: Step, place: str, given: Given) -> Iterator[Change]:
    reason = _difference(before, after) or _read_anew(after, given) or _around(old, new, before, after)
    if reason is not None:
        yield Change(place, "step", reason)
        return
    yield from _passes(before, after, place)
    for name, effect in _ROUTES.items():
        if getattr(before, name) != getattr(after, name):
            yield Change(place, effect, f"its `{name}` is different")
    if new.inside(after) or old.inside(before):
        inner = given if after.type == "group" else Given(everything=given.everything)
        yield from _lists(old, new, place, inner)


def _difference(before: Step, after: Step) -> str | None:
    """Return which key of a step is different in a way that its result may be."""
    if before.type != after.type:
        return f"its type is `{after.type}` now"
    old, new = _what_counts(before), _what_counts(after)
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return f"its {', '.join(f'`{name}`' for name in names[:3])} is different" if names else None


def _around(old: Outline, new: Outline, before: Step, after: Step) -> str | None:
    """Return what is different in the definition that a `workflow` step runs, apart from its steps."""
    inner_before, inner_after = old.definition_of(before), new.definition_of(after)
    if inner_before is None or inner_after is None:
        return None
    for name in ("inputs", "outputs", "env"):
        if getattr(inner_before, name) != getattr(inner_after, name):
            return f"the `{name}` of the definition that it runs are different"
    return None


def _what_counts(step: Step) -> dict[str, JsonValue]:
    body: dict[str, JsonValue] = step.model_dump(
        mode="json", by_alias=True, exclude_defaults=True, exclude={*_WITHOUT_EFFECT, *_ROUTES, "loop"}
    )
    for_each = body.get("for_each")
    if isinstance(for_each, dict):
        body["for_each"] = {name: value for name, value in for_each.items() if name not in _OF_ITEMS}
    body["loop"] = None if step.loop is None else {"until": step.loop.until, "start_at": list(step.loop.start_at)}
    return body


def _passes(before: Step, after: Step, place: str) -> Iterator[Change]:
    if before.loop is None or after.loop is None:
        return
    if before.loop.max_iterations != after.loop.max_iterations:
        yield Change(place, "passes", "its `max_iterations` is different")
    elif before.loop.on_exhausted != after.loop.on_exhausted:
        yield Change(place, "failure", "its `on_exhausted` is different")


def _read_anew(step: Step, given: Given) -> str | None:
    """Return which value that is given anew a step reads."""
    if given.everything is not None:
        return given.everything
    try:
        read = references(step)
    except ExpressionError:  # what cannot be read cannot have been evaluated
        return None
    for root, names in (("inputs", given.inputs), ("env", given.env)):
        if names and (root,) in read:
            return f"it reads `{root}`, and `{min(names)}` is given anew"
        for name in sorted(names):
            if any(path[:2] == (root, name) for path in read):
                return f"it reads `{root}.{name}`, which is given anew"
    return None
