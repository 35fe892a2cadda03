"""What texts see besides the run's own values, by where they stand: items by their names, and `loop`.

ambiguous-name   an item is called what something else is called
out-of-scope     `loop.index` outside of a `for_each`, an item's name outside of its own
"""

from collections.abc import Iterator, Sequence

from definitions.checks.context import Context, Placed
from definitions.checks.texts import Parsed
from definitions.diagnostics import Diagnostic, Note
from definitions.expressions.paths import ROOTS
from definitions.nodes import find
from definitions.steps.base import RESERVED_IDS
from definitions.suggestions import did_you_mean, listed

_OF_ITEMS = ("index", "key", "count")
_OF_PASSES = ("iteration", "max_iterations")


def is_item_name(parsed: Parsed, name: str) -> bool:
    """Whether a name is what a `for_each` calls its items, in a text that sees one."""
    return any(one.step.for_each is not None and one.step.for_each.name == name for one in item_owners(parsed))


def item_owners(parsed: Parsed) -> list[Placed]:
    """Return the steps whose items a text sees, the innermost first."""
    owner = parsed.owner
    if owner is None:
        return []
    own = [owner] if _sees_own_item(parsed) else []
    return [one for one in (*own, *owner.around) if one.step.for_each is not None]


def check(context: Context, found: Sequence[Parsed]) -> Iterator[Diagnostic]:
    """Yield `ambiguous-name` and `out-of-scope`."""
    for placed in context.placed:
        yield from _item_name(context, placed)
    for parsed in found:
        for reference in parsed.references:
            if reference.parts[0] == "loop":
                yield from _loop(context, parsed, reference.parts, reference.spans)


def _item_name(context: Context, placed: Placed) -> Iterator[Diagnostic]:
    each, path = placed.step.for_each, (*placed.path, "for_each")
    if each is None or context.is_broken((*path, "as")):
        return
    written = find(context.root, (*path, "as"))
    span = context.span((*path, "as")) if len(written.path) == len(path) + 1 else context.key_span(path)
    name = each.name
    if name in ROOTS or (name in RESERVED_IDS and name != "item"):
        message = f"`{name}` has a meaning of its own and cannot be the name of an item"
        yield context.report("ambiguous-name", message, span, "choose another name")
        return
    outer = next((one for one in placed.around if one.step.for_each and one.step.for_each.name == name), None)
    step = context.by_id.get(name)
    other = outer or step
    if other is not None:
        what = f"the items of `{other.step.id}` are" if outer else "a step is"
        place = context.key_span((*other.path, "for_each")) if outer else context.span((*other.path, "id"))
        message = f"an item is called `{name}`, and {what} called so too"
        yield context.report("ambiguous-name", message, span, "choose another name with `as`", (Note("here", place),))


def _loop(
    context: Context, parsed: Parsed, parts: Sequence[object], spans: Sequence[tuple[int, int]]
) -> Iterator[Diagnostic]:
    seen = _fields_of_loop(parsed)
    field = parts[1] if len(parts) > 1 else None
    if seen and (not isinstance(field, str) or field in seen):
        return
    if not seen:
        at, message = 0, "there is no `loop` around this text"
        help_: str | None = "`loop` is seen inside a step with `for_each` or `loop`"
        if parsed.owner is not None and (parsed.owner.step.for_each or parsed.owner.step.loop):
            help_ = f"`{parsed.field}` is evaluated once, before the step begins"
    else:
        at, message = 1, f"`loop` has no `{field}` here"
        help_ = did_you_mean(str(field), seen) or f"it has {listed(seen)}"
        if field in _OF_ITEMS and field not in seen and item_owners(parsed):
            help_ = "inside the passes of a loop it has the pass; put the loop into a group of the item"
    start, end = spans[at]
    yield context.report("out-of-scope", message, context.span_within(parsed.path, start, end - start), help_)


def _fields_of_loop(parsed: Parsed) -> tuple[str, ...]:
    """Return the fields of `loop` that a text sees: those of the innermost `loop` or `for_each` around it."""
    owner = parsed.owner
    if owner is None:
        return ()
    if parsed.path[-2:] == ("for_each", "key"):
        return ("key",)
    if owner.step.loop is not None and _sees_own_pass(parsed):
        return _OF_PASSES
    if owner.step.for_each is not None and _sees_own_item(parsed):
        return _OF_ITEMS
    for inner, outer in _ways_out(owner):
        if inner.is_undoing and outer.step.loop is not None:
            return (*_OF_PASSES, *_OF_ITEMS)
        if outer.step.loop is not None:
            return _OF_PASSES
        if outer.step.for_each is not None:
            return _OF_ITEMS
    return ()


def _ways_out(placed: Placed) -> Iterator[tuple[Placed, Placed]]:
    """Yield each step around one, with the step through which it is reached."""
    inner = placed
    for outer in placed.around:
        yield inner, outer
        inner = outer


def _sees_own_item(parsed: Parsed) -> bool:
    """Whether a text is evaluated for each item: not `when`, nor the collection itself."""
    key = parsed.path[len(parsed.owner.path) :][:2] if parsed.owner else ()
    return key[:1] != ("when",) and key != ("for_each", "items")


def _sees_own_pass(parsed: Parsed) -> bool:
    """Whether a text is evaluated in each pass."""
    return parsed.field not in ("when", "for_each", "store", "summary") or parsed.is_about_a_pass
