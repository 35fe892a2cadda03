"""What the loader checks of single fields beyond their models, as far as a schema can say it.

The counterparts are `definitions.spellings` (the id from the name), `definitions.inputs` (declarations),
`definitions.checks.fields` (waits, agents by command), `definitions.checks.outputs` (files of shell steps) and
`definitions.checks.values` (texts of nothing but space, names of environment variables).
"""

from typing import cast

from pydantic import JsonValue

from definitions.artifact_names import LONGEST_REFERENCE, REFERENCE_PATTERN
from definitions.durations import LONGEST, PATTERN
from definitions.inputs import NAME_PATTERN
from definitions.schema.assembling import Schema
from definitions.steps.agent import NAME_PATTERN as AGENT_NAME

_GIVES_AN_ID = "[A-Za-z0-9\u0130\u212a]"
"""What of a name is left in an id; two letters outside of ASCII have a lower case inside it."""

_UNSEEN: Schema = {"doNotSuggest": True}
"""A rule is about a key that is offered elsewhere already."""

_DEFAULTS: dict[str, Schema] = {
    "string": {"type": ["string", "null"]},
    "number": {"type": ["number", "null"]},
    "integer": {"type": ["integer", "null"]},
    "boolean": {"type": ["boolean", "null"]},
    "object": {"type": ["object", "null"]},
    "array": {"type": ["array", "null"]},
    "file": {"type": ["string", "null"]},
    "artifact": {"type": ["string", "null"], "pattern": REFERENCE_PATTERN, "maxLength": LONGEST_REFERENCE},
    "duration": {"type": ["string", "null"], "pattern": PATTERN, "maxLength": LONGEST},
}


def add_rules(schema: Schema, steps: dict[str, Schema]) -> None:
    """Add the rules to the schemas of a definition and of its step types."""
    _id_from_name(schema)
    _inputs(_at(schema, "inputs"))
    _agents(_at(schema, "agents"))
    _wait(_at(steps["WaitStep"], "duration"))
    for owner in (schema, steps["Step"]):
        _env(_at(owner, "env"))
    for text in (_at(steps["ShellStep"], "command"), _at(steps["AgentStep"], "prompt")):
        text |= {"pattern": r"\S", "patternErrorMessage": "must not be empty"}
    _agent(steps["AgentStep"])
    _shell(steps["ShellStep"])


def _id_from_name(schema: Schema) -> None:
    schema["required"] = ["steps"]
    schema["if"] = {"not": {"required": ["id"]}}
    schema["then"] = {"required": ["name"], "properties": {"name": {"pattern": _GIVES_AN_ID, **_UNSEEN}}}


def _inputs(schema: Schema) -> None:
    schema["propertyNames"] = {
        "pattern": f"^({NAME_PATTERN.pattern}|x-.*)$",
        "patternErrorMessage": "letters, digits and `_`, a letter first, so that expressions can name it",
    }
    declared = cast("Schema", schema["additionalProperties"])
    declared["allOf"] = [_default_of(kind, default) for kind, default in _DEFAULTS.items()]


def _agents(schema: Schema) -> None:
    schema["propertyNames"] = {
        "pattern": f"{AGENT_NAME}|^x-",
        "patternErrorMessage": "letters, digits, `_`, `.` and `-`, as in the name of a file",
    }


def _default_of(kind: str, default: Schema) -> JsonValue:
    """Return the rule for a type of input; without `type` an input is a string."""
    condition: Schema = {"properties": {"type": {"const": kind, **_UNSEEN}}}
    if kind != "string":
        condition["required"] = ["type"]
    return {"if": condition, "then": {"properties": {"default": {**default, **_UNSEEN}}}}


def _wait(schema: Schema) -> None:
    schema["pattern"] = rf"{PATTERN}|\{{\{{"
    schema["patternErrorMessage"] = "a number with a unit (`90s`, `10m`, `1h30m`), or a template"


def _env(schema: Schema) -> None:
    schema["propertyNames"] = {
        "pattern": r"^(x-.*|[^=\s\u0000]+)$",
        "patternErrorMessage": "no environment variable can have this name",
    }


def _agent(schema: Schema) -> None:
    schema["if"] = {"properties": {"provider": {"const": "command", **_UNSEEN}}, "required": ["provider"]}
    schema["then"] = {"required": ["command"], "properties": {"command": {"type": "array", "minItems": 1, **_UNSEEN}}}


def _shell(schema: Schema) -> None:
    """Outputs of a shell step are paths or templates, other values are for `set`; some exit code must be a success."""
    _at(schema, "exit_codes")["minItems"] = 1
    cast("Schema", schema["properties"])["outputs"] = {
        "description": "Named results: files by their paths, or templates over the step's own result.",
        "type": "object",
        "additionalProperties": {"type": "string", "errorMessage": "the path of a file, or a template"},
    }


def _at(schema: Schema, key: str) -> Schema:
    return cast("Schema", cast("Schema", schema["properties"])[key])
