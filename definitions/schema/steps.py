"""A step, told apart by its `type`.

`Step` has the keys that every step may have, with their rules; `if type is shell then ShellStep` adds those of the
type and refuses all others. So a fault is said once and exactly: an editor that meets a plain union of ten types
says that none fits. The keys of any step stand in a type's schema as `true`, only to be allowed there.
"""

from typing import cast

from pydantic import JsonValue

from definitions.schema.assembling import FREE_KEYS, Schema
from definitions.schema.hints import STEP_SNIPPETS, explain, snippet
from definitions.shape import STEP_BY_TYPE
from definitions.spellings import PROVIDER_TYPES
from definitions.steps import AgentStep
from definitions.steps.base import RESERVED_IDS, StepBase

_SHORT = "Short for `agent` with `provider: {}`."


def by_type(models: dict[str, Schema]) -> dict[str, Schema]:
    """Return `Step` and the schema of each type, by name, from the models' own schemas."""
    common: Schema = {}
    found: dict[str, Schema] = {}
    for kind, model in STEP_BY_TYPE.items():
        schema = models[model.__name__]
        properties = cast("Schema", schema["properties"])
        common |= {key: properties[key] for key in properties if key in StepBase.model_fields}
        found[model.__name__] = _of_type(schema, kind)
    return {"Step": _step(common), **found}


def allow_in_place(steps: dict[str, Schema]) -> None:
    """Let a step stand in place of the steps that undo another; it needs no id there."""
    step = steps["Step"]
    properties = cast("Schema", step["properties"])
    steps["Undo"] = {**step, "title": "step that undoes", "required": ["type"]}
    several = cast("Schema", properties["compensate"])
    keys = cast("Schema", several["properties"])
    properties["compensate"] = {
        "description": several["description"],
        "type": ["object", "null"],
        "properties": keys,
        "if": {"type": "object", "not": {"required": ["steps"]}},
        "then": {"$ref": "#/$defs/Undo"},
        "else": {
            "properties": dict.fromkeys(keys, True),
            "additionalProperties": False,
            "patternProperties": dict(FREE_KEYS),
        },
    }


def _of_type(schema: Schema, kind: str) -> Schema:
    properties = cast("Schema", schema["properties"])
    own: Schema = {key: True if key in StepBase.model_fields else one for key, one in properties.items()}
    own["type"] = True
    required = [key for key in cast("list[str]", schema["required"]) if key not in ("id", "type")]
    found: Schema = {
        "title": f"{kind} step",
        "description": schema.get("description", ""),
        "type": "object",
        "properties": own,
        "additionalProperties": False,
        "patternProperties": dict(FREE_KEYS),
    }
    return {**found, "required": cast("JsonValue", required)} if required else found


def _step(common: Schema) -> Schema:
    short = {name: _SHORT.format(provider) for name, provider in PROVIDER_TYPES.items()}
    texts = {kind: " ".join((model.__doc__ or "").split()) for kind, model in STEP_BY_TYPE.items()} | short
    snippets = [
        snippet(f"{kind} step", " ".join((STEP_BY_TYPE[kind].__doc__ or "").split()), body)
        for kind, body in STEP_SNIPPETS.items()
    ]
    identifier: Schema = {
        **cast("Schema", common["id"]),
        "patternErrorMessage": "an id begins with a letter and has letters, digits, `_` and `-`, at most 100",
        "allOf": [
            {
                "pattern": f"^(?!({'|'.join(sorted(RESERVED_IDS))})$)",
                "patternErrorMessage": "this word has a meaning of its own and cannot be a step's id",
            }
        ],
    }
    kind: Schema = {
        "description": "What the step does.",
        "type": "string",
        "enum": [*texts],
    }
    explain(kind, [*texts.values()])
    models = {kind: model.__name__ for kind, model in STEP_BY_TYPE.items()}
    models |= dict.fromkeys(PROVIDER_TYPES, AgentStep.__name__)
    return {
        "title": "step",
        "description": "One step; `type` decides which further keys it has.",
        "type": "object",
        "required": ["id", "type"],
        "properties": {"id": identifier, "type": kind, **{key: one for key, one in common.items() if key != "id"}},
        "allOf": [_when(kind, name) for kind, name in models.items()],
        "defaultSnippets": cast("JsonValue", snippets),
    }


def _when(kind: str, name: str) -> JsonValue:
    return {
        "if": {"properties": {"type": {"const": kind, "doNotSuggest": True}}, "required": ["type"]},
        "then": {"$ref": f"#/$defs/{name}"},
    }
