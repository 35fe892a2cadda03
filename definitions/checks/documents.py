"""Documents: who stores what in which scope, and who reads it.

unknown-document     nothing stores it where the text sees it
duplicate-document   two steps store it in one scope, or all items of a `for_each` do
may-not-have-run     it is stored later, beside, or perhaps not at all

A scope is the names of the `for_each` scopes around a step: the item's own first, then outward. Which item of a scope
it is only a run knows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from definitions.checks.context import Context, Placed
from definitions.checks.order import Order
from definitions.checks.texts import Parsed
from definitions.diagnostics import Diagnostic, Note
from definitions.expressions import Reference
from definitions.nodes import Path
from definitions.suggestions import did_you_mean, listed

Scope = tuple[str, ...]
_FEW = 8


@dataclass(frozen=True, slots=True)
class _Document:
    """A document as some step stores it."""

    name: str
    step: Placed
    scope: Scope

    @property
    def path(self) -> Path:
        return (*self.step.path, "store", self.name)


def check(context: Context, found: Sequence[Parsed]) -> Iterator[Diagnostic]:
    """Yield what is wrong with documents."""
    documents = [_Document(name, one, scope_of(one)) for one in context.placed for name in one.step.store]
    order = Order(context)
    yield from _twice(context, order, documents)
    for one in documents:
        yield from _of_all_items(context, one)
    for parsed in found:
        for reference in parsed.references:
            if reference.parts[0] == "docs":
                yield from _reading(context, order, documents, parsed, reference)


def scope_of(placed: Placed) -> Scope:
    """Return the names of the scopes that a step is in, its own included, the outermost first."""
    around = [one.step.for_each.scope for one in (placed, *placed.around) if one.step.for_each is not None]
    return tuple(reversed([name for name in around if name is not None]))


# --- storing ----------------------------------------------------------------------------------------


def _twice(context: Context, order: Order, documents: Sequence[_Document]) -> Iterator[Diagnostic]:
    first: dict[tuple[Scope, str], list[_Document]] = {}
    scopes = {(scope[:-1], scope[-1]): one for one in context.placed if (scope := _own_scope(one))}
    for one in documents:
        known = first.setdefault((one.scope, one.name), [])
        other = next((two for two in known if not _exclude_each_other(order, one.step, two.step)), None)
        known.append(one)
        if other is not None:
            message = f"document `{one.name}` is stored by step `{other.step.step.id}` too"
            note = Note("here", context.key_span(other.path))
            help_ = "choose another name; only where one of two steps runs may both store it"
            yield context.report("duplicate-document", message, context.key_span(one.path), help_, (note,))
        elif (one.scope, one.name) in scopes:
            owner = scopes[one.scope, one.name]
            message = f"`docs.{one.name}` is the scope of the items of `{owner.step.id}`"
            note = Note("here", context.span((*owner.path, "for_each", "scope")))
            yield context.report(
                "duplicate-document", message, context.key_span(one.path), "choose another name", (note,)
            )


def _own_scope(placed: Placed) -> Scope:
    each = placed.step.for_each
    return scope_of(placed) if each is not None and each.scope is not None else ()


def _exclude_each_other(order: Order, one: Placed, other: Placed) -> bool:
    """Whether at most one of two steps runs: they stand in one list, and no way leads from the one to the other."""
    if one.path[:-1] != other.path[:-1]:
        return False
    flow = order.list_of(one).flow
    if flow is None:
        return False
    return not (flow.possible[one.index] >> other.index & 1 or flow.possible[other.index] >> one.index & 1)


def _of_all_items(context: Context, one: _Document) -> Iterator[Diagnostic]:
    """Yield the finding where the items of a `for_each` all store one document."""
    for owner in (one.step, *one.step.around):
        each = owner.step.for_each
        if each is None:
            continue
        if each.scope is None:
            message = f"each item of `{owner.step.id}` stores `{one.name}`, and the last one would count"
            note = Note("the items have no scope of their own", context.key_span((*owner.path, "for_each")))
            help_ = f"give the items a scope: `for_each: {{scope: {each.name}, …}}`"
            yield context.report("duplicate-document", message, context.key_span(one.path), help_, (note,))
        return


# --- reading ----------------------------------------------------------------------------------------


def _reading(
    context: Context, order: Order, documents: Sequence[_Document], parsed: Parsed, reference: Reference
) -> Iterator[Diagnostic]:
    mine: Scope = () if parsed.owner is None else _scope_of_text(parsed, parsed.owner)
    name = reference.parts[1] if len(reference.parts) > 1 else None
    if not isinstance(name, str):
        return
    found, at = _named(documents, mine, name), 1
    if not found and _is_scope(context, mine, name):
        inner = reference.parts[3] if len(reference.parts) > 3 else None
        if not isinstance(inner, str):
            return
        found, at, name = _in_items(documents, mine, name, inner), 3, inner
    if not found:
        yield _unknown(context, documents, parsed, reference, at, mine)
    elif not reference.has_default and parsed.owner is not None:
        yield from _absence(context, order, found, parsed, parsed.owner, reference, at)


def _scope_of_text(parsed: Parsed, owner: Placed) -> Scope:
    """Return the scopes that a text sees; a step's own is not there yet where its items are made."""
    scope = scope_of(owner)
    is_before = parsed.field == "when" or parsed.path[-2:-1] == ("for_each",) or parsed.field == "for_each"
    return scope[:-1] if is_before and _own_scope(owner) else scope


def _named(documents: Sequence[_Document], mine: Scope, name: str) -> list[_Document]:
    """Return who stores a document as a text sees it: in its own scope, or the nearest outward."""
    for length in range(len(mine), -1, -1):
        found = [one for one in documents if one.name == name and one.scope == mine[:length]]
        if found:
            return found
    return []


def _is_scope(context: Context, mine: Scope, name: str) -> bool:
    scopes = {scope for one in context.placed if (scope := _own_scope(one))}
    return any(scope[-1] == name and scope[:-1] == mine[: len(scope) - 1] for scope in scopes)


def _in_items(documents: Sequence[_Document], mine: Scope, scope: str, name: str) -> list[_Document]:
    return [
        one
        for one in documents
        if one.name == name and one.scope[-1:] == (scope,) and one.scope[:-1] == mine[: len(one.scope) - 1]
    ]


def _unknown(
    context: Context, documents: Sequence[_Document], parsed: Parsed, reference: Reference, at: int, mine: Scope
) -> Diagnostic:
    name = str(reference.parts[at])
    elsewhere = next((one for one in documents if one.name == name), None)
    if at == 1:
        seen = sorted({one.name for one in documents if one.scope == mine[: len(one.scope)]})
    else:
        seen = sorted({one.name for one in documents if one.scope[-1:] == reference.parts[1:2]})
    help_ = did_you_mean(name, seen)
    if help_ is None and elsewhere is not None and elsewhere.scope:
        help_ = f"it is stored for each item: `docs.{elsewhere.scope[-1]}[KEY].{name}`"
    if help_ is None:
        help_ = f"there are {listed(seen)}" if 0 < len(seen) <= _FEW else f"store it: `store: {{{name}: …}}`"
    return _report(context, "unknown-document", f"no document is called `{name}` here", parsed, reference, at, help_)


def _absence(  # a reading has many facts
    context: Context,
    order: Order,
    found: Sequence[_Document],
    parsed: Parsed,
    owner: Placed,
    reference: Reference,
    at: int,
) -> Iterator[Diagnostic]:
    if len(found) > 1 or not order.is_known(owner):
        return  # whichever of them ran
    reason = _reason(order, found[0], owner)
    if reason is not None:
        note = Note("it is stored here", context.key_span(found[0].path))
        help_ = f"give a default: `default({parsed.text[reference.position : reference.end]}, …)`"
        yield _report(context, "may-not-have-run", reason, parsed, reference, at, help_, (note,))


def _reason(order: Order, document: _Document, owner: Placed) -> str | None:
    """Return why a document may not be there when a step reads it."""
    step, name = document.step, document.name
    relation = order.relation(step, owner)
    if relation == "items" or (step.step.for_each is not None and relation == "ended"):
        return None  # of an item that only the run knows
    if relation in ("ended", "maybe"):
        absence = order.absence(step, owner)
        return None if absence is None else f"{absence[0]}, so document `{name}` may not be there"
    if relation == "beside":
        return f"step `{step.step.id}`, which stores `{name}`, runs side by side with `{owner.step.id}`"
    return f"step `{step.step.id}`, which stores `{name}`, has not ended when this is read"


def _report(  # a finding has many facts
    context: Context,
    code: str,
    message: str,
    parsed: Parsed,
    reference: Reference,
    at: int,
    help_: str | None,
    notes: tuple[Note, ...] = (),
) -> Diagnostic:
    start, end = reference.spans[at]
    return context.report(code, message, context.span_within(parsed.path, start, end - start), help_, notes)
