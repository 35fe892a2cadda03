"""`cached-effect`: a step that would not do its work a second time, because its result is known."""

from collections.abc import Iterator

from definitions.diagnostics import Diagnostic, Note
from definitions.lint.survey import FoundEffect, Survey
from definitions.nodes import Path


def check(survey: Survey) -> Iterator[Diagnostic]:
    """Yield a finding for the first effect of each cached step."""
    seen: set[Path] = set()
    for found in survey.effects:
        path = found.step.path
        where = _asked_at(survey, found)
        if where is None or path in seen:
            continue
        seen.add(path)
        yield survey.report(
            "cached-effect",
            f"`{found.effect.command}` {found.effect.what}, and the step is cached: on a hit it does not happen",
            found.span,
            "set `cache: false`, or put what can be cached into a step of its own",
            (Note("caching is asked for here", survey.context.key_span(where)),),
        )


def _asked_at(survey: Survey, found: FoundEffect) -> Path | None:
    """Return the path of the key that has the step cached."""
    step, path = found.step.step, found.step.path
    if step.is_cached:
        key = "use_cache" if step.use_cache else "cache" if step.cache is not None else "cache_key"
        return (*path, key)
    says_nothing = step.cache is None and step.use_cache is None
    return ("cache", "default") if says_nothing and survey.context.definition.cache.default == "on" else None
