"""The ways through one list of steps whose order is the written one, with jumps.

From each step routes lead on: where it ended well (or was skipped), where it failed and `on_failure` says so, where its
loop was used up. Over all ways from the list's beginning to a step this tells which steps have surely been left before
it, and which of them surely ended well the last time. A step that no way leads to is unreachable.

Sets of steps are the bits of an integer, by position.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from definitions.nodes import Path
from definitions.routes import exhausted_target, failure_target, handlers, success_target
from definitions.steps import Step


@dataclass(frozen=True, slots=True)
class Route:
    """One way on from a step."""

    target: int
    """The position of the step that follows; one more than the last is the list's end."""
    is_well: bool
    """Whether the step has ended well, or was skipped by its own `when`."""
    key: Path | None = None
    """The key of the step that says so; None where the list simply goes on."""


@dataclass(frozen=True, slots=True)
class Flow:
    """What is sure on entry to each step, and where the list has ended well."""

    routes: list[list[Route]]
    left: list[int | None]
    """By position, the list's end last: the steps that were surely visited and left. None: no way leads there."""
    passed: list[int | None]
    """The same: those whose latest visit surely ended well."""
    possible: list[int]
    """By position: those that may have been visited before."""

    @property
    def end(self) -> int:
        """Return the position of the list's end."""
        return len(self.routes)

    def is_reached(self, position: int) -> bool:
        """Whether some way leads to a step."""
        return self.left[position] is not None

    def has_left(self, position: int, before: int) -> bool:
        """Whether the step at `position` was surely left when the one at `before` starts."""
        return _holds(self.left[before], position)

    def has_passed(self, position: int, before: int) -> bool:
        """Whether the step at `position` surely ended well the last time when the one at `before` starts."""
        return _holds(self.passed[before], position)

    def ways_around(self, position: int, before: int) -> Iterator[tuple[int, Route]]:
        """Yield the jumps after which the step at `position` may have no result when the one at `before` starts."""
        for index, routes in enumerate(self.routes):
            for route in routes:
                reached = self.possible[before] >> route.target & 1 or route.target == before
                if self.is_reached(index) and route.key is not None and reached:
                    is_its_own = index == position and not route.is_well
                    if is_its_own or (index != position and not self.has_passed(position, index)):
                        yield index, route


def flow_of(steps: Sequence[Step]) -> Flow:
    """Return the ways through a list without `needs`."""
    routes = routes_of(steps)
    left: list[int | None] = [None] * (len(steps) + 1)
    passed: list[int | None] = [None] * (len(steps) + 1)
    left[0] = passed[0] = 0
    waiting = {0} if steps else set[int]()
    while waiting:
        index = min(waiting)
        waiting.discard(index)
        for route in routes[index]:
            before = (left[route.target], passed[route.target])
            done = (passed[index] or 0) | 1 << index if route.is_well else (passed[index] or 0) & ~(1 << index)
            left[route.target] = _met(before[0], (left[index] or 0) | 1 << index)
            passed[route.target] = _met(before[1], done)
            if before != (left[route.target], passed[route.target]) and route.target < len(steps):
                waiting.add(route.target)
    return Flow(routes, left, passed, _possible(routes))


def routes_of(steps: Sequence[Step]) -> list[list[Route]]:
    """Return the routes of each step; a jump to a step that is not in the list is none."""
    positions = {step.id: index for index, step in reversed(list(enumerate(steps)))}
    by_jump_only = handlers(steps)
    following = [len(steps)] * (len(steps) + 1)
    for index in range(len(steps) - 1, -1, -1):
        following[index] = following[index + 1] if steps[index].id in by_jump_only else index
    found: list[list[Route]] = []
    for index, step in enumerate(steps):
        next_one: int | None = following[index + 1]
        if step.id in by_jump_only:
            next_one = None if step.end == "failed" else len(steps)
        found.append(list(_routes(step, next_one, positions, len(steps))))
    return found


def _routes(step: Step, following: int | None, positions: dict[str, int], end: int) -> Iterator[Route]:
    """Yield the ways on from a step; `following` is where the list goes on by itself, None where it fails then."""
    if step.on_success == "end":
        yield Route(end, True, ("on_success",))
    elif step.on_success is None and following is not None:
        yield Route(following, True)
    if step.on_failure == "continue" and following is not None:
        yield Route(following, False)
    elif step.on_failure == "end":
        yield Route(end, False, ("on_failure",))
    named = (
        (success_target(step), True, ("on_success",)),
        (failure_target(step), False, ("on_failure",)),
        (exhausted_target(step), False, ("loop", "on_exhausted")),
        (_rework_target(step), False, ("accept", "on_reject")),
    )
    for target, is_well, key in named:
        if target is not None and target in positions:
            yield Route(positions[target], is_well, key)


def _rework_target(step: Step) -> str | None:
    """Return the step itself where what it produced may be sent back."""
    return step.id if step.accept is not None and step.accept.on_reject == "rework" else None


def _possible(routes: Sequence[Sequence[Route]]) -> list[int]:
    possible = [0] * (len(routes) + 1)
    waiting, seen = ({0} if routes else set[int]()), {0}
    while waiting:
        index = min(waiting)
        waiting.discard(index)
        for route in routes[index]:
            more = possible[route.target] | possible[index] | 1 << index
            is_first = route.target not in seen
            seen.add(route.target)
            if (is_first or more != possible[route.target]) and route.target < len(routes):
                waiting.add(route.target)
            possible[route.target] = more
    return possible


def _met(known: int | None, more: int) -> int:
    return more if known is None else known & more


def _holds(bits: int | None, position: int) -> bool:
    """Whether a set holds a position; where no way leads nothing is doubtful."""
    return bits is None or bool(bits >> position & 1)
