"""Which keys the language has at a path of a document: for suggestions, and for saying "planned"."""

from typing import Any, get_args, get_origin

from pydantic import BaseModel

from definitions.concurrency import Concurrency
from definitions.models import CacheDefaults, Definition, GitSource, Input, Output, Workspace
from definitions.nodes import Mapping, Node, Path, find, text_at
from definitions.steps import STEP_MODELS
from definitions.steps.agent import Budget, NamedAgent, Tools
from definitions.steps.base import CachePolicy, Retry, StepBase
from definitions.steps.control import Compensation, ForEach, Loop
from definitions.steps.gates import Accept, Approval, Approvers
from definitions.steps.sharing import Fetch, Publication, Retention

STEP_BY_TYPE: dict[str, type[StepBase]] = {
    get_args(model.model_fields["type"].annotation)[0]: model for model in STEP_MODELS
}
"""The model of each step type."""

MODELS: dict[str, type[BaseModel]] = {
    "definition": Definition,
    "input": Input,
    "output": Output,
    "workspace": Workspace,
    "git-source": GitSource,
    "cache-defaults": CacheDefaults,
    "concurrency": Concurrency,
    "step": StepBase,
    "retry": Retry,
    "loop": Loop,
    "for-each": ForEach,
    "compensate": Compensation,
    "cache": CachePolicy,
    "publish": Publication,
    "retention": Retention,
    "fetch": Fetch,
    "budget": Budget,
    "tools": Tools,
    "named-agent": NamedAgent,
    "gate-before": Approval,
    "accept": Accept,
    "approvers": Approvers,
    **STEP_BY_TYPE,
}
"""Every model of the language, by the name that documentation gives it."""


def model_at(root: Node, path: Path, top: type[BaseModel] = Definition) -> type[BaseModel] | None:
    """Return the model of the mapping at `path`, None where its keys are the author's own; `top` is the file's."""
    model: type[BaseModel] | None = top
    is_container = False
    for index, element in enumerate(path):
        if isinstance(element, int) and path[index - 1] == "steps":
            kind = text_at(find(root, path[: index + 1]).node, "type")
            model, is_container = STEP_BY_TYPE.get(kind or ""), False
        elif is_container:
            is_container = False
        elif isinstance(element, int) and top is not Definition:
            continue  # a list where one mapping may stand too (stubs of a test file)
        elif model is None or not isinstance(element, str):
            return None
        else:
            model, is_container = _field(model, element)
    return None if is_container else model


def keys_of(model: type[BaseModel] | None) -> list[str]:
    """Return the keys that an author may write in `model`."""
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def places_of(root: Node, path: Path) -> tuple[str, ...]:
    """Return the names under which `definitions.planned` lists keys for the mapping at `path`."""
    if not path:
        return ("definition",)
    if is_step(path):
        node = find(root, path).node
        return ("step", (text_at(node, "type") if isinstance(node, Mapping) else None) or "")
    return (str(path[-1]),)


def is_step(path: Path) -> bool:
    """Whether `path` leads to a step."""
    parents = path[:-2]
    if parents[-1:] == ("compensate",):
        parents = parents[:-1]
    return len(path) > 1 and isinstance(path[-1], int) and path[-2] == "steps" and (not parents or is_step(parents))


def _field(model: type[BaseModel], key: str) -> tuple[type[BaseModel] | None, bool]:
    for name, field in model.model_fields.items():
        if key == (field.alias or name):
            return _nested(field.annotation), _holds_many(field.annotation)
    return None, False


def _nested(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        found = _nested(argument)
        if found:
            return found
    return None


def _holds_many(annotation: Any) -> bool:
    return get_origin(annotation) in (dict, list) and _nested(annotation) is not None
