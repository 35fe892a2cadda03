"""`env.X`: the variables that a definition names, as they are frozen at a run's start."""

from collections.abc import Iterable, Mapping

from pydantic import BaseModel, JsonValue

from definitions.models import Definition
from definitions.references import references
from definitions.steps import all_steps


def frozen_environment(
    definition: Definition, given: Mapping[str, str], others: Iterable[Definition] = ()
) -> dict[str, JsonValue]:
    """Return `env.X` for each name that the definition, or one of those that it runs, uses; absent is null."""
    used = {path for one in (definition, *others) for model in _models(one) for path in references(model)}
    return {name: given.get(name) for name in sorted({path[1] for path in used if path[0] == "env" and len(path) > 1})}


def _models(definition: Definition) -> list[BaseModel]:
    """Return every model of a definition that holds texts of its own."""
    return [definition, *definition.outputs.values(), *all_steps(definition.steps)]
