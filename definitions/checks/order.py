"""Who has surely ended when a step starts, and who may not have run at all.

In a list a step follows the one before it, or, with `needs`, the steps that it names; the branches of a
parallel group begin together and see nothing of each other. What is in a group has ended when the group
has. So `x` has ended before `s` when, at the list that both are under, the one around `x` is an ancestor of
the one around `s`.

Sets of steps of one list are the bits of an integer, by position: a thousand steps cost next to nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from definitions.checks.context import Context, Placed
from definitions.nodes import Path
from definitions.steps import GroupStep, Step

Relation = Literal["ended", "around", "beside", "later"]


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


@dataclass(slots=True)
class Order:
    """Answers about the order of one definition."""

    context: Context
    _lists: dict[Path, StepList] = field(default_factory=dict)

    def relation(self, other: Placed, step: Placed) -> Relation:
        """Return what is known of `other` when `step` starts."""
        lists = {one.path[:-1]: one for one in (other, *other.around)}
        for anchor in (step, *step.around):
            near = lists.get(anchor.path[:-1])
            if near is None:
                continue
            steps = self.list_of(anchor)
            if near is anchor:
                return "around"
            if steps.is_parallel:
                return "beside"
            if steps.ancestors[anchor.index] >> near.index & 1:
                return "ended"
            return "later" if steps.ancestors[near.index] >> anchor.index & 1 else "beside"
        return "later"

    def is_known(self, step: Placed) -> bool:
        """Whether the order around `step` can be told: it is in no cycle, nor behind one."""
        return all(one.index not in self.list_of(one).unordered for one in (step, *step.around))

    def absence(self, other: Placed, seen_by: Placed | None) -> tuple[str, Path] | None:
        """Return why `other` may have no result although it is over, and the place that says so."""
        viewers = (seen_by, *seen_by.around) if seen_by else ()
        required = {one.path[:-1]: self.list_of(one).required[one.index] for one in viewers}
        conditions = {condition_of(one.step) for one in viewers}
        shared = {one.path for one in viewers}
        for one in (other, *other.around):
            if one.path in shared:
                return None
            reason = self._absence_in_list(one, required.get(one.path[:-1], 0), conditions)
            if reason:
                return reason
        return None

    def list_of(self, step: Placed) -> StepList:
        """Return the list that a step is in."""
        path = step.path[:-1]
        if path not in self._lists:
            owner = step.parent.step if step.parent else None
            is_parallel = isinstance(owner, GroupStep) and owner.mode != "sequential"
            self._lists[path] = ordered(step.siblings, path, is_parallel=is_parallel)
        return self._lists[path]

    def _absence_in_list(self, one: Placed, sure: int, conditions: set[str | None]) -> tuple[str, Path] | None:
        steps = self.list_of(one)
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
        return None


def ordered(steps: Sequence[Step], path: Path, *, is_parallel: bool) -> StepList:
    """Return a list with all that follows from its `needs`."""
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
    return StepList(steps, path, is_parallel, needs, ancestors, required, doubtful, unordered)


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
