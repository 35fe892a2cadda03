"""Definitions as the steps of another run them: in the same run, with its files, each with its own `env` and cache."""

from collections.abc import Mapping

from definitions.library import reached
from definitions.models import Definition
from definitions.steps import AgentStep, ShellStep, Step, lists_of


def parts_of(definition: Definition, library: Mapping[str, Definition]) -> dict[str, Definition]:
    """Return what a run of a linked definition interprets itself beside that one, by key."""
    inside = reached(definition, library, with_detached=False)
    is_cached = definition.cache.default == "on"
    return {key: as_part(library[key], is_cached=is_cached) for key in sorted(inside)}


def as_part(definition: Definition, *, is_cached: bool) -> Definition:
    """Return a definition as a step of another runs it.

    Its `env` becomes that of each process that it starts. Steps that say nothing about the cache follow their own
    definition's default, also where that of the run (`is_cached`) is another.
    """
    inner = definition.cache.default == "on"
    default = None if inner == is_cached else inner
    if not definition.env and default is None:
        return definition
    steps = [_settled(step, definition.env, default) for step in definition.steps]
    return definition.model_copy(update={"steps": steps, "env": {}})


def _settled(step: Step, env: Mapping[str, str], default: bool | None) -> Step:
    changes: dict[str, object] = {}
    if isinstance(step, ShellStep | AgentStep):
        if env:
            changes["env"] = {**env, **step.env}
        if default is not None and step.cache is None and step.cache_key is None and step.use_cache is None:
            changes["cache"] = default
    for keys, inner in lists_of(step):
        steps = [_settled(one, env, default) for one in inner]
        if keys == ("steps",):
            changes["steps"] = steps
        elif step.compensate is not None:
            changes["compensate"] = step.compensate.model_copy(update={"steps": steps})
    return step.model_copy(update=changes) if changes else step
