"""Rules over a whole definition that the models cannot state.

    context         what a check is given, and how it reports a place
    ids             each step has a name of its own
    needs           `needs` name steps of the same list and do not go round
    jumps           jumps stay in their list and leave no step without a way to it
    starts          where a further pass of a loop begins
    outputs         outputs, artifacts, paths
    sharing         what `publish` and `fetch` name
    collections     what `for_each` goes over, as far as it is written
    fields          single fields
    values          values that can never do what they are there for
    workspace       where the files come from, and folders to link
    without_effect  keys that nothing looks at where they stand
    output_schemas  schemas of agents' answers
    workflow_steps  inputs of the definitions that steps run
    texts           every text parsed: syntax, functions, conditions, shell safety
    references      what texts refer to exists, and has surely run
    documents       who stores what, and who reads it
    secrets         they are declared, and stand only in a step's `env`
    scopes          items and `loop` are there where texts name them
    constants       parts of expressions that fail whatever the values
    types           operations, look-ups and conditions that can never work on the declared types
    order           who has ended before whom, who may be skipped
    flow            the ways through one list with jumps
    results         what each step type has to offer

A check is a function from a context to findings. A new one is a module here and its line in `_findings`.
"""

from collections.abc import Iterator
from itertools import islice

from definitions.checks import (
    collections,
    constants,
    documents,
    fields,
    gates,
    ids,
    jumps,
    needs,
    output_schemas,
    outputs,
    references,
    scopes,
    secrets,
    sharing,
    starts,
    texts,
    types,
    values,
    without_effect,
    workflow_steps,
    workspace,
)
from definitions.checks.context import Context
from definitions.diagnostics import Diagnostic

MOST_FINDINGS = 100


def check(context: Context) -> list[Diagnostic]:
    """Return the findings of every check."""
    return list(islice(_findings(context), MOST_FINDINGS))


def _findings(context: Context) -> Iterator[Diagnostic]:
    for one in (
        ids,
        needs,
        jumps,
        outputs,
        sharing,
        collections,
        fields,
        values,
        without_effect,
        gates,
        starts,
        output_schemas,
        workflow_steps,
        workspace,
    ):
        yield from one.check(context)
    parsed = list(texts.parsed_texts(context))
    yield from texts.check(context, parsed)
    yield from references.check(context, parsed)
    yield from scopes.check(context, parsed)
    yield from secrets.check(context, parsed)
    yield from documents.check(context, parsed)
    yield from constants.check(context, parsed)
    yield from types.check(context, parsed)


__all__ = ["Context", "check"]
