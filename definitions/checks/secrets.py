"""Secrets are declared, and stand where their values reach one process and nothing that is recorded."""

from collections.abc import Iterator, Sequence

from definitions.checks.context import Context
from definitions.checks.texts import Parsed
from definitions.diagnostics import Diagnostic, Span
from definitions.expressions import Reference
from definitions.secrets import ROOT, secret_named
from definitions.suggestions import did_you_mean, listed

_WAY_OUT = 'give it to one step as a variable: `env: {TOKEN: "{{ secrets.NAME }}"}`, and read `$TOKEN` there'


def check(context: Context, found: Sequence[Parsed]) -> Iterator[Diagnostic]:
    """Yield what is wrong with references to secrets, and with the list of them."""
    yield from _twice(context)
    for parsed in found:
        for reference in parsed.references:
            if reference.parts[0] == ROOT:
                yield from _reference(context, parsed, reference)


def _reference(context: Context, parsed: Parsed, reference: Reference) -> Iterator[Diagnostic]:
    start, end = reference.spans[0][0], reference.spans[-1][1]
    span = context.span_within(parsed.path, start, end - start)
    is_whole = parsed.owner is not None and parsed.field == "env" and secret_named(parsed.text) is not None
    if not is_whole:
        message = f"`{parsed.text[start:end]}` may stand only as the whole value of a step's `env`"
        yield context.report("misplaced-secret", message, span, _WAY_OUT)
        return
    name = str(reference.parts[1])
    declared = context.definition.secrets
    if name not in declared and not context.is_mended_below((ROOT,)):
        yield context.report("unknown-secret", f"no secret is called `{name}`", span, _help(name, declared))


def _help(name: str, declared: Sequence[str]) -> str:
    if not declared:
        return f"declare it at the definition's top: `secrets: [{name}]`"
    return did_you_mean(name, declared) or f"the secrets are {listed(declared)}; add it to `secrets`"


def _twice(context: Context) -> Iterator[Diagnostic]:
    seen: set[str] = set()
    for index, name in enumerate(context.definition.secrets):
        where = (ROOT, index)
        if name in seen and not context.is_broken(where):
            span: Span = context.span(where)
            message = f"`{name}` stands twice in `secrets`"
            yield context.report("duplicate-item", message, span, "keep one", severity="warning")
        seen.add(name)
