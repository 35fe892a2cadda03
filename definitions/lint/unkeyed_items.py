"""`unkeyed-items`: items of a computed collection that only their places name."""

from collections.abc import Iterator

from definitions.checks.context import Placed
from definitions.diagnostics import Diagnostic
from definitions.lint.survey import Survey
from definitions.steps.control import ForEach
from definitions.templates import OPENING
from definitions.types import TypeScope


def check(survey: Survey) -> Iterator[Diagnostic]:
    """Yield a finding for each `for_each` whose items surely have no key of their own."""
    context = survey.context
    owners = [one for one in context.placed if one.step.for_each is not None]
    scope = TypeScope(context.definition, context.is_broken, context.library) if owners else None
    for placed in owners:
        each = placed.step.for_each
        if scope is None or each is None or each.key is not None or not _has_no_key(scope, placed, each):
            continue
        message = f"only their places name the items of `{placed.step.id}`"
        help_ = f'name what tells them apart: `key: "{{{{ {each.name} }}}}"`, or a field of it'
        yield survey.report("unkeyed-items", message, context.span((*placed.path, "for_each", "items")), help_)


def _has_no_key(scope: TypeScope, placed: Placed, each: ForEach) -> bool:
    if not isinstance(each.items, str) or OPENING not in each.items:
        return False  # a written list keeps its places
    scope.reading = placed.step.id
    collection = scope.value(each.items, (*placed.path, "for_each", "items"))
    items = collection.items
    if not collection.is_just("list") or items is None or not items.is_known:
        return False
    if items.may_be("object"):
        names = {"id", "entity_id", f"{each.name}_id"}
        return items.rest != "unknown" and names.isdisjoint(items.fields)
    return True
