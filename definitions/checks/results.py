"""What a step of each type has to offer as `steps.ID.outputs.NAME`, as far as the definition tells."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import cast

from pydantic import JsonValue

from definitions.models import Definition
from definitions.steps import (
    ActivityStep,
    AgentStep,
    ApprovalStep,
    ArtifactStep,
    AssertStep,
    GroupStep,
    PluginStep,
    SetStep,
    ShellStep,
    Step,
    WaitStep,
    WorkflowStep,
)
from definitions.types.scope import OUTPUT_VARIABLE

STEP_FIELDS = ("outputs", "artifacts", "status", "error", "cached", "feedback")
"""What stands after `steps.ID`."""

_NO_LIBRARY: Mapping[str, Definition] = MappingProxyType({})
_OPEN_SCHEMA_WORDS = frozenset({"$ref", "allOf", "anyOf", "oneOf", "patternProperties", "if"})
_FIXED: dict[type, frozenset[str]] = {
    AssertStep: frozenset({"passed"}),
    ApprovalStep: frozenset({"verdict", "accepted", "decided_by", "decided_at", "comment", "form"}),
    ActivityStep: frozenset({"result"}),
    ArtifactStep: frozenset({"name", "version", "kind", "digest", "size", "media_type", "metadata", "file"}),
}
"""Step types whose outputs are always the same."""


def output_names(step: Step, library: Mapping[str, Definition] = _NO_LIBRARY) -> frozenset[str] | None:
    """Return the names of a step's outputs; None where only the run will tell.

    `library` has the definitions that `workflow` steps run, by reference.
    """
    own = None if step.for_each is not None else _own_names(step, library)
    return None if own is None else own | frozenset(step.outputs)


def producers(steps: Iterable[Step], name: str) -> list[str]:
    """Return the ids of the steps that declare an output or artifact called `name`."""
    found: list[str] = []
    for step in steps:
        declared = step.values if isinstance(step, SetStep) else {}
        if name in step.outputs or name in step.artifacts or name in declared:
            found.append(step.id)
    return found


def _own_names(step: Step, library: Mapping[str, Definition]) -> frozenset[str] | None:
    match step:
        case ShellStep():
            return None if OUTPUT_VARIABLE in step.command else frozenset({"stdout", "exit_code"})
        case AgentStep():
            return _schema_names(step.output_schema)
        case AssertStep() | ApprovalStep() | ActivityStep() | ArtifactStep():
            return _FIXED[type(step)]
        case SetStep():
            return frozenset(step.values)
        case WaitStep():
            return frozenset({"until"} if step.signal is None else {"payload", "received_at"})
        case PluginStep():
            return None
        case WorkflowStep():
            return _names_of_other(step, library)
        case GroupStep():
            return frozenset(child.id for child in step.steps) | ({"winner"} if step.mode == "race" else set[str]())


def _names_of_other(step: WorkflowStep, library: Mapping[str, Definition]) -> frozenset[str] | None:
    if step.detach:
        return frozenset({"execution_id"})
    return frozenset(library[step.definition].outputs) if step.definition in library else None


def _schema_names(schema: dict[str, JsonValue] | None) -> frozenset[str] | None:
    """Return the fields of an answer, where the schema says that it knows them all."""
    if schema is None or not _OPEN_SCHEMA_WORDS.isdisjoint(schema):
        return None
    properties = schema.get("properties")
    if not isinstance(properties, dict) or schema.get("additionalProperties", False) is not False:
        return None
    return frozenset(cast("dict[str, JsonValue]", properties))
