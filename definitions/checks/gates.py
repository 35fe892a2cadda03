"""Gates around steps (`approval`, `accept`) and `acceptors`: somebody can decide, each key does something.

key-without-effect · gate-without-approvers · duplicate-item · ambiguous-name
"""

from collections.abc import Iterator, Sequence

from definitions.checks.context import Context, Placed
from definitions.diagnostics import Diagnostic
from definitions.nodes import Path
from definitions.steps import ApprovalStep, GroupStep
from definitions.steps.gates import Accept, Approval, Approvers
from definitions.suggestions import did_you_mean, listed


def check(context: Context) -> Iterator[Diagnostic]:
    """Yield what is wrong with gates that are keys of steps."""
    for placed in context.placed:
        yield from _of_a_step(context, placed)
    yield from _acceptors(context)


def _of_a_step(context: Context, placed: Placed) -> Iterator[Diagnostic]:
    step = placed.step
    for key, gate in (("approval", step.approval), ("accept", step.accept)):
        path = (*placed.path, key)
        if gate is None or context.is_broken(path):
            continue
        if isinstance(step, ApprovalStep):
            message = f"`{step.id}` is a gate itself; `{key}` would ask for the same again"
            yield _without_effect(context, path, message, "leave it out")
            continue
        yield from _time(context, gate, path, step.id)
        yield from _who(context, gate, path, step.id)
    if step.accept is not None and not context.is_broken((*placed.path, "accept")):
        yield from _accept(context, placed, step.accept)


def _time(context: Context, gate: Approval | Accept, path: Path, step_id: str) -> Iterator[Diagnostic]:
    if gate.timeout is None and "on_timeout" in gate.model_fields_set and not context.is_broken((*path, "on_timeout")):
        message = f"`on_timeout` does nothing: the gate of `{step_id}` has no `timeout`"
        yield _without_effect(context, (*path, "on_timeout"), message, "add `timeout: 3d`, or leave it out")


def _who(context: Context, gate: Approval | Accept, path: Path, step_id: str) -> Iterator[Diagnostic]:
    key = "approvers" if isinstance(gate, Approval) else "acceptors"
    who = gate.approvers if isinstance(gate, Approval) else gate.acceptors
    if isinstance(who, Approvers):
        yield from _people(context, who, (*path, key), f"the gate of `{step_id}`")


def _people(context: Context, who: Approvers, path: Path, gate: str) -> Iterator[Diagnostic]:
    if not who.users and not who.groups and not context.is_mended_below(path):
        help_ = "name users or groups, or write `any`"
        yield context.report("gate-without-approvers", f"nobody could decide at {gate}", context.key_span(path), help_)
    for kind, names in (("users", who.users), ("groups", who.groups)):
        yield from _twice(context, names, (*path, kind))


def _twice(context: Context, names: Sequence[str], path: Path) -> Iterator[Diagnostic]:
    for index, name in enumerate(names):
        where = (*path, index)
        if context.is_broken(where):
            continue
        if not name.strip():
            yield context.report("invalid-value", "a name must not be empty", context.span(where))
        elif name in names[:index]:
            message = f"`{name}` stands twice in `{path[-1]}`"
            yield context.report("duplicate-item", message, context.span(where), "keep one", severity="warning")


def _accept(context: Context, placed: Placed, accept: Accept) -> Iterator[Diagnostic]:
    step, path = placed.step, (*placed.path, "accept")
    if accept.on_reject == "rework" and step.max_visits == 1:
        message = f"`rework` does nothing: `{step.id}` may be visited once only"
        yield _without_effect(context, (*path, "on_reject"), message, "write `max_visits: 2` or more")
    if isinstance(step, GroupStep) and any(child.id == "accept" for child in step.steps):
        message = f"the gate after `{step.id}` and the step `accept` inside it would both be `{step.id}/accept`"
        yield context.report("ambiguous-name", message, context.key_span(path), "choose another id for the step inside")


def _acceptors(context: Context) -> Iterator[Diagnostic]:
    used = [one.step.accept.doc_type for one in context.placed if one.step.accept and one.step.accept.doc_type]
    is_whole = not any(context.is_mended_below(one.path) for one in context.placed)
    for name, who in context.definition.acceptors.items():
        path: Path = ("acceptors", name)
        if context.is_broken(path):
            continue
        if isinstance(who, Approvers):
            yield from _people(context, who, path, f"gates for `{name}`")
        if name not in used and is_whole:
            help_ = did_you_mean(name, used) or (f"the `doc_type`s are {listed(dict.fromkeys(used))}" if used else None)
            yield _without_effect(
                context, path, f"no step has `accept` with `doc_type: {name}`", help_ or "leave it out"
            )


def _without_effect(context: Context, path: Path, message: str, help_: str) -> Diagnostic:
    return context.report("key-without-effect", message, context.key_span(path), help_, severity="warning")
