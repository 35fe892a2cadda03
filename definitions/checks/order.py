"""Who has surely ended when a step starts, and who may not have run at all.

In a list a step follows the one before it and the jumps that lead to it (`flow`), or, with `needs`, the steps that it
names; the branches of a parallel group begin together and see nothing of each other. What is in a group has ended
when the group has, as far as all ways through it lead there. So `x` has ended before `s` when, at the list that both
are under, the one around `x` is an ancestor of the one around `s`. What is in a `for_each` is there only for the same
item; what undoes a step sees that step as it ended.

Sets of steps of one list are the bits of an integer, by position: a thousand steps cost next to nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from definitions.checks.context import Context, Placed
from definitions.checks.flow import Flow, flow_of
from definitions.nodes import Path
from definitions.steps import GroupStep, Step

Relation = Literal["ended", "maybe", "around", "inside", "beside", "later", "items", "undoing"]
"""What is known of a step when another one starts.

ended    it is over                                maybe    it is over, unless a jump led around it
around   it holds the other one                    inside   the other one holds it
beside   both run at the same time                 later    it comes after
items    it is done once for each item elsewhere   undoing  it runs only when a step is undone
"""


@dataclass(frozen=True, slots=True)
class StepList:
    """One list of steps, and who waits for whom in it."""

    steps: Sequence[Step]
    path: Path
    is_parallel: bool
    needs: list[list[int]]
    """By position: the positions of those that the step waits for."""
    ancestors: list[int]
    """By position: all that have ended before it."""
    required: list[int]
    """By position: all without which it would be skipped."""
    doubtful: int
    """Those that may be skipped, or may fail without ending the run."""
    unordered: frozenset[int]
    """Those in a cycle, or behind one."""
    flow: Flow | None = None
    """The ways through a list in written order."""
    is_race: bool = False

    def has_left(self, position: int, before: int | None) -> bool:
        """Whether a step has surely been left before another starts; None: when the list has ended well."""
        if self.flow is not None:
            return self.flow.has_left(position, self.flow.end if before is None else before)
        return before is None or bool(self.ancestors[before] >> position & 1)


@dataclass(slots=True)
class Order:
    """Answers about the order of one definition."""

    context: Context
    _lists: dict[Path, StepList] = field(default_factory=dict)

    def relation(self, other: Placed, step: Placed | None) -> Relation:
        """Return what is known of `other` when `step` starts; None: when the run has ended well."""
        viewers = {one.path: one for one in (step, *step.around)} if step else {}
        if any(
            one.is_undoing and one.path[:-1] not in {path[:-1] for path in viewers} for one in (other, *other.around)
        ):
            return "undoing"
        if any(one.step.for_each is not None and one.path not in viewers for one in other.around):
            return "items"
        if step is not None and other in tuple(step.around) and not _is_undone_by(other, step):
            return "around"
        if step is other:
            return "around"
        lists = {one.path[:-1]: one for one in viewers.values()}
        way: list[bool] = []
        for one in (other, *other.around):
            anchor = lists.get(one.path[:-1])
            if anchor is None:
                way.append(self.list_of(one).has_left(one.index, None))
            elif one is anchor:
                return self._within(one, step, all(way))
            else:
                return self._in_list(one, anchor, all(way))
        return "ended" if all(way) else "maybe"

    def _within(self, owner: Placed, step: Placed | None, is_sure: bool) -> Relation:
        """Return the relation of what is inside `owner` to `owner` itself, or to what undoes it."""
        if owner is step:
            return "inside"
        return "ended" if is_sure else "maybe"

    def _in_list(self, near: Placed, anchor: Placed, is_sure: bool) -> Relation:
        """Return the relation of two steps of one list, `near` before `anchor`."""
        steps = self.list_of(anchor)
        if steps.is_parallel:
            return "beside"
        if steps.has_left(near.index, anchor.index):
            return "ended" if is_sure else "maybe"
        if steps.flow is not None:
            return "maybe" if steps.flow.possible[anchor.index] >> near.index & 1 else "later"
        return "later" if steps.ancestors[near.index] >> anchor.index & 1 else "beside"

    def is_known(self, step: Placed) -> bool:
        """Whether the order around `step` can be told: it is in no cycle, nor behind one."""
        return all(one.index not in self.list_of(one).unordered for one in (step, *step.around))

    def absence(self, other: Placed, seen_by: Placed | None) -> tuple[str, Path] | None:
        """Return why `other` may have no result although it is over, and the place that says so.

        Args:
            other: The step whose result is read.
            seen_by: The step that reads it; None: the definition's outputs, when the run has ended well.
        """
        viewers = (seen_by, *seen_by.around) if seen_by else ()
        anchors = {one.path[:-1]: one for one in viewers}
        conditions = {condition_of(one.step) for one in viewers}
        shared = {one.path for one in viewers}
        for one in (other, *other.around):
            if one.path in shared:
                return None
            reason = self._absence_in_list(one, anchors.get(one.path[:-1]), conditions, is_end=seen_by is None)
            if reason:
                return reason
        return None

    def list_of(self, step: Placed) -> StepList:
        """Return the list that a step is in."""
        path = step.path[:-1]
        if path not in self._lists:
            owner = step.parent.step if step.parent else None
            mode = owner.mode if isinstance(owner, GroupStep) and not step.is_undoing else "sequential"
            self._lists[path] = ordered(step.siblings, path, mode)
        return self._lists[path]

    def _absence_in_list(
        self, one: Placed, anchor: Placed | None, conditions: set[str | None], *, is_end: bool
    ) -> tuple[str, Path] | None:
        steps = self.list_of(one)
        sure = 0 if anchor is None else steps.required[anchor.index]
        if sure >> one.index & 1:
            return None
        for position in _bits(steps.doubtful & (steps.required[one.index] | 1 << one.index) & ~sure):
            reason = _own_absence(steps.steps[position], (*steps.path, position), conditions)
            if reason and position == one.index:
                return reason
            if reason:
                need = steps.steps[position].id
                message = f"step `{one.step.id}` is skipped when `{need}`, which it needs, did not run"
                return message, (*one.path, "needs")
        return _led_around(steps, one, anchor, is_end=is_end) or _lost_race(steps, one)


def _led_around(steps: StepList, one: Placed, anchor: Placed | None, *, is_end: bool) -> tuple[str, Path] | None:
    """Return the jump after which a step may have no result.

    At the end of a run (`is_end`) an output of a step that did not run is null; of one that failed it is an error.
    """
    flow = steps.flow
    before = 0 if flow is None else flow.end if anchor is None else anchor.index
    if flow is None or flow.has_passed(one.index, before):
        return None
    ways = (way for way in flow.ways_around(one.index, before) if way[0] == one.index or not is_end)
    around = next(ways, None)
    if around is None:
        return None if is_end else (f"step `{one.step.id}` comes later", (*one.path, "id"))
    index, route = around
    name, path = steps.steps[index].id, (*steps.path, index, *(route.key or ("id",)))
    if index == one.index:
        return f"step `{name}` has failed when its `{path[-1]}` is followed", path
    return f"`{path[-1]}` of step `{name}` may lead around step `{one.step.id}`", path


def _lost_race(steps: StepList, one: Placed) -> tuple[str, Path] | None:
    if not steps.is_race or len(steps.steps) == 1:
        return None
    return f"step `{one.step.id}` may have lost the race", (*steps.path[:-1], "mode")


def _is_undone_by(owner: Placed, step: Placed) -> bool:
    """Whether `step` is part of what undoes `owner`."""
    return any(one.parent is owner and one.is_undoing for one in (step, *step.around))


def ordered(steps: Sequence[Step], path: Path, mode: str) -> StepList:
    """Return a list with all that follows from its `needs`, or from its jumps."""
    is_parallel = mode != "sequential"
    needs: list[list[int]] = [[] for _ in steps] if is_parallel else needs_by_position(steps)
    ancestors, required = [0] * len(needs), [0] * len(needs)
    order = in_order(needs)
    for position in order:
        named = bool(steps[position].needs) and not asks_always(steps[position])
        for need in needs[position]:
            ancestors[position] |= ancestors[need] | 1 << need
            if named:
                required[position] |= required[need] | 1 << need
    doubtful = sum(1 << index for index, step in enumerate(steps) if _is_doubtful(step))
    unordered = frozenset(range(len(needs))) - frozenset(order)
    flow = None
    if not is_parallel and all(step.needs is None for step in steps):
        flow = flow_of(steps)
        every = (1 << len(steps)) - 1
        ancestors = [every if flow.left[index] is None else flow.left[index] or 0 for index in range(len(steps))]
    return StepList(steps, path, is_parallel, needs, ancestors, required, doubtful, unordered, flow, mode == "race")


def needs_by_position(steps: Sequence[Step]) -> list[list[int]]:
    """Return for each step the positions of those that it waits for: its `needs`, else the one before."""
    positions = {step.id: index for index, step in reversed(list(enumerate(steps)))}
    return [
        ([index - 1] if index else [])
        if step.needs is None
        else [positions[name] for name in dict.fromkeys(step.needs) if name in positions]
        for index, step in enumerate(steps)
    ]


def in_order(needs: Sequence[Sequence[int]]) -> list[int]:
    """Return the positions, each after those that it needs; without those in a cycle or behind one."""
    waiting = [len(one) for one in needs]
    followers = followers_of(needs)
    ready = [position for position, count in enumerate(waiting) if not count]
    for position in ready:
        for follower in followers[position]:
            waiting[follower] -= 1
            if not waiting[follower]:
                ready.append(follower)  # the loop goes on over what is added here
    return ready


def followers_of(needs: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return for each position those that wait for it."""
    followers: list[list[int]] = [[] for _ in needs]
    for position, one in enumerate(needs):
        for need in one:
            followers[need].append(position)
    return followers


def asks_always(step: Step) -> bool:
    """Whether a step runs even where a step that it needs did not."""
    return step.when is not None and "always()" in step.when.replace(" ", "")


def condition_of(step: Step) -> str | None:
    """Return the text of `when`, so that equal conditions compare equal."""
    return " ".join(step.when.split()) if step.when is not None else None


def _is_doubtful(step: Step) -> bool:
    return step.when is not None or step.on_failure == "continue"


def _own_absence(step: Step, path: Path, conditions: set[str | None]) -> tuple[str, Path] | None:
    if step.when is not None and condition_of(step) not in conditions:
        return f"step `{step.id}` is skipped when its `when` is false", (*path, "when")
    if step.on_failure == "continue":
        return f"step `{step.id}` may fail, and the run goes on", (*path, "on_failure")
    return None


def _bits(number: int) -> Iterator[int]:
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest
