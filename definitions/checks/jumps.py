"""Jumps: where `on_success`, `on_failure` and `loop: {on_exhausted}` lead, and what is left without a way to it.

unknown-step         no step of that name, nor a word that may stand there
jump-across-border   a step of another list, or a branch of a parallel group
conflicting-keys     jumps and `needs` in one list
dependency-cycle     steps that follow each other for ever where they end well
unreachable-step     a step that no way leads to
handler-without-end  a definition that undoes things, and a failure that ends well all the same
key-without-effect   `end` on what is no handler, `max_visits` where nothing leads back
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from definitions.checks.context import Context, Placed
from definitions.checks.flow import Flow, Route, flow_of
from definitions.diagnostics import Diagnostic, Note, Span
from definitions.nodes import Path, find
from definitions.routes import LOOP_WORDS, exhausted_target, failure_target, handlers, success_target
from definitions.steps import GroupStep, Step
from definitions.steps.base import FAILURE_WORDS, SUCCESS_WORDS
from definitions.suggestions import did_you_mean, listed

_FEW = 8
_WORDS: dict[str, Sequence[str]] = {
    "on_success": SUCCESS_WORDS,
    "on_failure": FAILURE_WORDS,
    "on_exhausted": LOOP_WORDS,
}
_OTHER_WORDS = frozenset({"stop", "continue", "pause", "end", "fail", "retry"})


@dataclass(frozen=True, slots=True)
class _Jump:
    """One jump as it is written."""

    step: Placed
    key: Path
    target: str

    @property
    def path(self) -> Path:
        return (*self.step.path, *self.key)


def check(context: Context) -> Iterator[Diagnostic]:
    """Yield what is wrong with the jumps of every list."""
    for steps in _lists(context):
        jumps = [jump for placed in steps for jump in _jumps(placed) if not context.is_broken(jump.path)]
        owner = steps[0].parent
        if _is_parallel(steps[0]):
            yield from _between_branches(context, owner, jumps)
            continue
        for jump in jumps:
            yield from _target(context, jump, {one.step.id for one in steps})
        needing = next((one for one in steps if one.step.needs is not None), None)
        if needing is not None:
            if jumps:
                yield _beside_needs(context, jumps[0], needing)
            continue
        yield from _ways(context, steps)


def _lists(context: Context) -> Iterator[list[Placed]]:
    """Yield the steps of each list."""
    lists: dict[Path, list[Placed]] = {}
    for placed in context.placed:
        lists.setdefault(placed.path[:-1], []).append(placed)
    yield from lists.values()


def _is_parallel(one: Placed) -> bool:
    owner = one.parent.step if one.parent else None
    return isinstance(owner, GroupStep) and owner.mode != "sequential" and not one.is_undoing


def _jumps(placed: Placed) -> Iterator[_Jump]:
    step = placed.step
    found = (
        (("on_success",), success_target(step)),
        (("on_failure",), failure_target(step)),
        (("loop", "on_exhausted"), exhausted_target(step)),
    )
    for key, target in found:
        if target is not None:
            yield _Jump(placed, key, target)


# --- targets ----------------------------------------------------------------------------------------


def _between_branches(context: Context, owner: Placed | None, jumps: Sequence[_Jump]) -> Iterator[Diagnostic]:
    for jump in jumps:
        kind = owner.step.mode if owner and isinstance(owner.step, GroupStep) else "parallel"
        what = "race" if kind == "race" else "parallel group"
        message = f"step `{jump.step.step.id}` is a branch of a {what}, and no jump leaves a branch"
        if jump.target not in context.by_id:
            yield from _unknown(context, jump, set())
            continue
        help_ = "put the steps of the branch into a group of their own"
        yield context.report("jump-across-border", message, context.span(jump.path), help_, _stands(context, jump))


def _target(context: Context, jump: _Jump, siblings: set[str]) -> Iterator[Diagnostic]:
    if jump.target in siblings:
        return
    if jump.target not in context.by_id:
        yield from _unknown(context, jump, siblings)
        return
    message = f"step `{jump.target}` is not in the same list as `{jump.step.step.id}`"
    yield context.report(
        "jump-across-border", message, context.span(jump.path), _border(context, jump), _stands(context, jump)
    )


def _border(context: Context, jump: _Jump) -> str:
    """Return which border a jump would cross, in words."""
    target = context.by_id[jump.target]
    own = (jump.step, *jump.step.around)
    if target in own:
        return (
            f"a jump stays in its list; `{target.step.id}` holds this step, and its own `on_failure` says what follows"
        )
    entered = next((one for one in target.around if one not in own), None)
    left = next((one for one in jump.step.around if one not in (target, *target.around)), None)
    crossed, verb = (left, "leaves") if left is not None else (entered, "enters")
    if crossed is None:
        return "a jump stays in its list"
    kind = "loop" if crossed.step.loop else "for_each" if crossed.step.for_each else crossed.step.type
    help_ = f"no jump {verb} a {kind}"
    if left is not None and left.path[:-1] == target.path[:-1]:
        help_ += f"; write it at `{left.step.id}`"
    elif entered is not None and entered.path[:-1] == jump.step.path[:-1]:
        help_ += f"; jump to `{entered.step.id}`"
    return help_


def _unknown(context: Context, jump: _Jump, siblings: set[str]) -> Iterator[Diagnostic]:
    key, words = str(jump.key[-1]), _WORDS[str(jump.key[-1])]
    span = context.span(jump.path)
    if jump.target in _OTHER_WORDS:
        help_ = f"it can be {listed(words, 'or')}, or the id of a step of the same list"
        if jump.target == "retry":
            help_ = "write `retry: {max_attempts: 3}`; the first attempt counts"
        yield context.report("unknown-step", f"`{key}` cannot be `{jump.target}`", span, help_)
        return
    help_ = did_you_mean(jump.target, [*sorted(siblings), *words])
    if help_ is None and len(siblings) <= _FEW:
        help_ = f"it can be {listed([*words, *sorted(siblings - {jump.step.step.id})], 'or')}"
    yield context.report("unknown-step", f"no step is called `{jump.target}`", span, help_)


def _beside_needs(context: Context, jump: _Jump, needing: Placed) -> Diagnostic:
    message = f"step `{jump.step.step.id}` jumps, and step `{needing.step.id}` of the same list has `needs`"
    note = Note("here", context.key_span((*needing.path, "needs")))
    help_ = "put the steps with `needs` into a group of their own, or leave `needs` out"
    return context.report("conflicting-keys", message, context.span(jump.path), help_, (note,))


def _stands(context: Context, jump: _Jump) -> tuple[Note, ...]:
    return (Note(f"`{jump.target}` stands here", context.span((*context.by_id[jump.target].path, "id"))),)


# --- ways -------------------------------------------------------------------------------------------


def _ways(context: Context, placed: Sequence[Placed]) -> Iterator[Diagnostic]:
    steps = [one.step for one in placed]
    flow = flow_of(steps)
    by_jump_only = handlers(steps)
    yield from _cycles(context, placed, flow)
    yield from _unreachable(context, placed, flow)
    for index, one in enumerate(placed):
        yield from _end(context, one, steps[index].id in by_jump_only)
        is_reworked = one.step.accept is not None and one.step.accept.on_reject == "rework"
        can_come_back = is_reworked or bool(flow.possible[index] >> index & 1)
        if "max_visits" in one.step.model_fields_set and flow.is_reached(index) and not can_come_back:
            message = f"`max_visits` does nothing: no jump leads back to step `{one.step.id}`"
            yield from _without_effect(context, one, "max_visits", message, "leave it out")


def _cycles(context: Context, placed: Sequence[Placed], flow: Flow) -> Iterator[Diagnostic]:
    """Yield a finding for each circle of steps that follow each other where they end well."""
    following = [next((route for route in routes if route.is_well), None) for routes in flow.routes]
    seen: set[int] = set()
    for start in range(len(placed)):
        trail: dict[int, Route] = {}
        index = start
        while index not in seen and index < len(placed):
            seen.add(index)
            route = following[index]
            if route is None:
                break
            trail[index] = route
            index = route.target
        if index in trail:
            walked = list(trail)
            yield _cycle(context, placed, [(one, trail[one]) for one in walked[walked.index(index) :]])


def _cycle(context: Context, placed: Sequence[Placed], cycle: Sequence[tuple[int, Route]]) -> Diagnostic:
    names = [placed[index].step.id for index, _ in cycle[:_FEW]]
    shown = " → ".join(f"`{name}`" for name in [*names, names[0] if len(cycle) <= _FEW else "…"])
    places = [(placed[index], placed[route.target], route) for index, route in cycle]
    first = next(place for place in places if place[2].key is not None)
    ordered = [first, *(place for place in places if place is not first)][:_FEW]
    notes = tuple(
        Note(f"`{after.step.id}` follows `{one.step.id}`", _route_span(context, one, route))
        for one, after, route in ordered[1:]
    )
    message = f"these steps follow each other for ever: {shown}"
    help_ = "write `loop: {max_iterations: …, until: …}`, or jump back by `on_failure`"
    return context.report("dependency-cycle", message, _route_span(context, first[0], first[2]), help_, notes)


def _route_span(context: Context, one: Placed, route: Route) -> Span:
    return context.span((*one.path, *(route.key or ("id",))))


def _unreachable(context: Context, placed: Sequence[Placed], flow: Flow) -> Iterator[Diagnostic]:
    by_jump_only = handlers([one.step for one in placed])
    for index, one in enumerate(placed):
        if flow.is_reached(index) or context.is_broken(one.path):
            continue
        before = placed[index - 1] if index else None
        is_first = before is None or flow.is_reached(index - 1) or before.step.id in by_jump_only
        if not is_first and one.step.id not in by_jump_only:
            continue  # the first of several tells it
        message = f"nothing leads to step `{one.step.id}`"
        help_ = "jump to it, or take it out"
        if one.step.id in by_jump_only:
            help_ = "it is entered by jumps only, and no step that jumps to it is ever reached"
        yield context.report("unreachable-step", message, context.span((*one.path, "id")), help_, severity="warning")


def _end(context: Context, one: Placed, is_handler: bool) -> Iterator[Diagnostic]:
    step: Step = one.step
    has_end = "end" in step.model_fields_set
    if has_end and not is_handler:
        message = f"`end` does nothing: step `{step.id}` is no handler"
        help_ = "a handler is named by the `on_failure` of a step before it, and by no `on_success`"
        yield from _without_effect(context, one, "end", message, help_)
    elif has_end and step.on_success is not None:
        message = f"`end` does nothing: `on_success` says what follows step `{step.id}`"
        yield from _without_effect(context, one, "end", message, "keep one of them")
    elif is_handler and not has_end and step.on_success is None and not one.is_undoing:
        undoing = next((other for other in context.placed if other.step.compensate is not None), None)
        if undoing is not None:
            message = f"a failure that handler `{step.id}` takes undoes nothing: the run ends as completed then"
            note = Note(f"`{undoing.step.id}` would be undone", context.key_span((*undoing.path, "compensate")))
            help_ = "write `end: failed` where it shall be undone, `end: completed` where not"
            yield context.report(
                "handler-without-end", message, context.span((*one.path, "id")), help_, (note,), severity="warning"
            )


def _without_effect(context: Context, one: Placed, key: str, message: str, help_: str) -> Iterator[Diagnostic]:
    path = (*one.path, key)
    if not context.is_broken(path) and len(find(context.root, path).path) == len(path):
        yield context.report("key-without-effect", message, context.key_span(path), help_, severity="warning")
