"""The JSON Schema of a definition, for editors: made from the models, their docstrings as descriptions."""

from typing import cast

from pydantic import JsonValue

from definitions.descriptions import descriptions
from definitions.models import Definition
from definitions.shape import MODELS
from definitions.spellings import PROVIDER_TYPES
from definitions.steps import AgentStep

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_Schema = dict[str, JsonValue]


def json_schema() -> dict[str, JsonValue]:
    """Return the schema of what an author may write, older spellings included."""
    schema = cast("_Schema", Definition.model_json_schema(by_alias=True))
    _describe(schema)
    _allow_extensions(schema)
    _allow_id_from_name(schema)
    _allow_provider_types(schema)
    return {"$schema": DIALECT, **schema, "title": "Perdure definition"}


def _describe(schema: _Schema) -> None:
    """Give each key the text that stands under it in its model."""
    definitions = cast("dict[str, _Schema]", schema["$defs"])
    for model in (Definition, *MODELS.values()):
        owner = schema if model is Definition else definitions.get(model.__name__, {})
        properties = cast("dict[str, _Schema]", owner.get("properties", {}))
        for name, text in descriptions(model).items():
            key = model.model_fields[name].alias or name
            if key in properties:
                properties[key]["description"] = text


def _allow_extensions(value: JsonValue) -> None:
    """Keys `x-…` are free wherever keys are fixed."""
    if isinstance(value, list):
        for item in value:
            _allow_extensions(item)
    elif isinstance(value, dict):
        if value.get("additionalProperties") is False:
            value["patternProperties"] = {"^x-": {}}
        for item in value.values():
            _allow_extensions(item)


def _allow_id_from_name(schema: _Schema) -> None:
    schema["required"] = ["steps"]
    schema["anyOf"] = [{"required": ["name"]}, {"required": ["id"]}]


def _allow_provider_types(schema: _Schema) -> None:
    """`type: claude_code` is an agent step, so the discriminator must not send editors away from it."""
    definitions = cast("_Schema", schema["$defs"])
    agent = cast("_Schema", definitions[AgentStep.__name__])
    properties = cast("_Schema", agent["properties"])
    properties["type"] = {"enum": ["agent", *PROVIDER_TYPES], "type": "string"}
    for owner in [schema, *definitions.values()]:
        steps = cast("_Schema", cast("_Schema", owner).get("properties", {})).get("steps")
        items = steps.get("items") if isinstance(steps, dict) else None
        if isinstance(items, dict):
            items.pop("discriminator", None)
