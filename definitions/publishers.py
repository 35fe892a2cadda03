"""Who publishes what is fetched: looked for wherever definitions are at hand.

What is fetched may come from anybody who uses the same store, so a name that nobody is known to publish is a warning:
looked for in the definition itself, in all that it leads to, in what stands in its folder, and in the catalog.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from definitions.artifact_names import name_fault
from definitions.checks.context import Context
from definitions.checks.sharing import fetches
from definitions.diagnostics import Diagnostic
from definitions.models import Definition
from definitions.steps import all_steps
from definitions.suggestions import did_you_mean
from definitions.templates import OPENING

_PLACEHOLDER = re.compile(r"\{\{.*?\}\}", re.DOTALL)


def published_names(definition: Definition) -> Iterator[str]:
    """Yield the names that a definition publishes, as written."""
    for step in all_steps(definition.steps):
        for publication in step.publications:
            yield publication.name


def unknown_artifacts(
    context: Context, library: Mapping[str, Definition], siblings: Callable[[], Iterable[str]]
) -> Iterator[Diagnostic]:
    """Yield `unknown-artifact` for each name that is fetched and that nobody at hand publishes.

    `siblings` gives the names that other definitions publish; it is called where it matters.
    """
    known = {name for one in (context.definition, *library.values()) for name in published_names(one)}
    asked = False
    for placed in context.placed:
        for path, fetch in fetches(placed):
            name = fetch.name.partition("@")[0]
            if OPENING in fetch.name or name_fault(name) is not None or context.is_mended_below(path):
                continue
            if not asked and not _is_among(name, known):
                known, asked = known.union(siblings()), True
            if not _is_among(name, known):
                yield _unknown(context, name, (*path, "name"), known)


def _unknown(context: Context, name: str, path: tuple[str | int, ...], known: Iterable[str]) -> Diagnostic:
    message = f"no definition here publishes `{name}`"
    help_ = did_you_mean(name, sorted(one for one in known if OPENING not in one))
    help_ = help_ or f"where others publish it: `# perdure: allow unknown-artifact`; else add a `publish` of `{name}`"
    return context.report("unknown-artifact", message, context.span(path), help_, severity="warning")


def _is_among(name: str, known: Iterable[str]) -> bool:
    return name in known or any(_fits(name, pattern) for pattern in known if OPENING in pattern)


def _fits(name: str, template: str) -> bool:
    """Whether a name could be what a template gives."""
    literals = [re.escape(part) for part in _PLACEHOLDER.split(template)]
    return re.fullmatch(".+".join(literals), name) is not None
