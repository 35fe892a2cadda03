"""`needs`: names of steps in the same list, no waiting for each other, nothing where it means nothing."""

from collections.abc import Iterator, Sequence

from definitions.checks.context import Context
from definitions.checks.order import followers_of, in_order, needs_by_position
from definitions.diagnostics import Diagnostic, Note, Span
from definitions.nodes import Path
from definitions.steps import GroupStep, Step
from definitions.suggestions import did_you_mean, listed

_FEW = 8
_MOST_CYCLES = 10


def check(context: Context) -> Iterator[Diagnostic]:
    """Yield `unknown-step`, `dependency-cycle` and `needs-in-parallel`."""
    yield from _check_list(context, context.definition.steps, ("steps",))
    for placed in context.placed:
        if not isinstance(placed.step, GroupStep):
            continue
        path = (*placed.path, "steps")
        if placed.step.mode != "sequential":
            yield from _needs_in_parallel(context, placed.step.steps, path)
        else:
            yield from _check_list(context, placed.step.steps, path)


def _check_list(context: Context, steps: Sequence[Step], path: Path) -> Iterator[Diagnostic]:
    yield from _unknown_needs(context, steps, path)
    yield from _cycles(context, steps, path)


def _needs_in_parallel(context: Context, steps: Sequence[Step], path: Path) -> Iterator[Diagnostic]:
    for index, step in enumerate(steps):
        where = (*path, index, "needs")
        if step.needs and not context.is_broken(where):
            message = f"step `{step.id}` is a branch of a parallel group, and branches begin together"
            help_ = "write `mode: sequential`; steps with `needs` run side by side there too"
            yield context.report("needs-in-parallel", message, context.key_span(where), help_)


def _unknown_needs(context: Context, steps: Sequence[Step], path: Path) -> Iterator[Diagnostic]:
    siblings = {step.id for step in steps}
    for index, step in enumerate(steps):
        for position, name in enumerate(step.needs or ()):
            where = (*path, index, "needs", position)
            if name in siblings or context.is_broken(where):
                continue
            elsewhere = context.by_id.get(name)
            if elsewhere is None:
                message, help_ = f"no step is called `{name}`", _near(context, name, siblings - {step.id})
                yield context.report("unknown-step", message, context.span(where), help_)
                continue
            message = f"step `{name}` is not in the same list as `{step.id}`"
            note = Note(f"`{name}` stands here", context.span((*elsewhere.path, "id")))
            yield context.report("unknown-step", message, context.span(where), "name a step of the same list", (note,))


def _near(context: Context, name: str, choices: set[str]) -> str | None:
    help_ = did_you_mean(name, sorted(choices))
    if help_:
        return help_
    return f"the steps here are {listed(sorted(choices))}" if 0 < len(choices) <= _FEW else None


def _cycles(context: Context, steps: Sequence[Step], path: Path) -> Iterator[Diagnostic]:
    needs = needs_by_position(steps)
    left = set(range(len(steps))) - set(in_order(needs))
    followers = followers_of(needs)
    for _ in range(_MOST_CYCLES):
        if not left:
            return
        cycle = _cycle_from(needs, min(left), left)
        yield _cycle_report(context, steps, path, cycle)
        left -= _behind(followers, cycle)


def _cycle_from(needs: Sequence[Sequence[int]], start: int, left: set[int]) -> list[int]:
    """Return a cycle that is reached from `start`; all of `left` are in one or behind one."""
    trail: dict[int, None] = {}
    position = start
    while position not in trail:
        trail[position] = None
        position = next(need for need in needs[position] if need in left)
    walked = list(trail)
    return walked[walked.index(position) :]


def _behind(followers: Sequence[Sequence[int]], cycle: Sequence[int]) -> set[int]:
    """Return the cycle and all that waits for it."""
    reached, waiting = set(cycle), list(cycle)
    while waiting:
        more = [position for position in followers[waiting.pop()] if position not in reached]
        reached.update(more)
        waiting += more
    return reached


def _cycle_report(context: Context, steps: Sequence[Step], path: Path, cycle: Sequence[int]) -> Diagnostic:
    """Return the finding, with a place for each step that waits."""
    names = [steps[position].id for position in cycle[:_FEW]]
    shown = " → ".join(f"`{name}`" for name in [*names, names[0] if len(cycle) <= _FEW else "…"])
    places = [
        (steps[position].id, steps[needed].id, _need_place(context, steps, path, position, needed))
        for position, needed in zip(cycle, [*cycle[1:], cycle[0]], strict=True)
    ][:_FEW]
    notes = tuple(Note(f"`{name}` waits for `{needed}`", place) for name, needed, place in places[1:])
    return context.report("dependency-cycle", f"these steps wait for each other: {shown}", places[0][2], None, notes)


def _need_place(context: Context, steps: Sequence[Step], path: Path, position: int, needed: int) -> Span:
    step = steps[position]
    if step.needs is None:
        return context.span((*path, position, "id"))
    return context.span((*path, position, "needs", step.needs.index(steps[needed].id)))
