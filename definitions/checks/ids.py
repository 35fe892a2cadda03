"""Names: each step has its own, and none that means something else."""

from collections.abc import Iterator

from definitions.checks.context import Context, Placed
from definitions.diagnostics import Diagnostic, Note
from definitions.nodes import Scalar, find
from definitions.steps import GroupStep
from definitions.steps.base import RESERVED_IDS


def check(context: Context) -> Iterator[Diagnostic]:
    """Yield `duplicate-step-id` and `reserved-id`."""
    first: dict[str, int] = {}
    for index, placed in enumerate(context.placed):
        name, path = placed.step.id, (*placed.path, "id")
        node = find(context.root, path).node
        if not isinstance(node, Scalar) or node.value != name:
            continue  # a stand-in for an id that is wrong
        span = context.span(path)
        if name in RESERVED_IDS:
            yield context.report(
                "reserved-id", f"`{name}` has a meaning of its own and cannot be a step's id", span, "choose another id"
            )
        elif name == "winner" and _is_in_race(placed):
            message = "`winner` is the output of a race that names the branch that won"
            yield context.report("reserved-id", message, span, "choose another id")
        elif name in first:
            where = context.span((*context.placed[first[name]].path, "id"))
            note = Note(f"`{name}` is first used here", where)
            yield context.report(
                "duplicate-step-id", f"two steps are called `{name}`", span, "choose another id", (note,)
            )
        else:
            first[name] = index


def _is_in_race(placed: Placed) -> bool:
    owner = placed.parent.step if placed.parent else None
    return isinstance(owner, GroupStep) and owner.mode == "race" and not placed.is_undoing
