"""`env.X`: the variables that a definition names, as they are frozen at a run's start."""

from collections.abc import Mapping

from pydantic import BaseModel, JsonValue

from definitions.models import Definition
from definitions.references import references
from definitions.steps import GroupStep


def frozen_environment(definition: Definition, given: Mapping[str, str]) -> dict[str, JsonValue]:
    """Return `env.X` for each name that the definition uses; absent is null."""
    used = {path for model in _models(definition) for path in references(model)}
    return {name: given.get(name) for name in sorted({path[1] for path in used if path[0] == "env" and len(path) > 1})}


def _models(definition: Definition) -> list[BaseModel]:
    """Return every model of a definition that holds texts of its own."""
    models: list[BaseModel] = [definition, *definition.outputs.values()]
    waiting = list(definition.steps)
    while waiting:
        step = waiting.pop()
        models.append(step)
        if isinstance(step, GroupStep):
            waiting.extend(step.steps)
    return models
