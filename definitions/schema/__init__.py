"""JSON Schemas for editors: of definitions, and of their test files. Made from the models and their docstrings.

    assembling   pydantic's schema, made plain: references written out, unions as lists of types, words added
    steps        a step as `if type is … then …`, so that an editor names the key that is missing, not ten types
    rules        what the loader checks beyond the models and a schema can say
    hints        what only editors use: examples, snippets, the words of enumerations, older spellings

The schemas are draft 2020-12 and mean the same under draft-07, which most editors know best: no `unevaluated…`, no
`dependent…`, no `prefixItems`, and nothing beside a `$ref`. What a schema refuses the loader refuses, and it refuses
every fault of form that the loader finds (tests/definitions/schema holds both sides); what needs the whole file,
such as an unknown step, is the loader's alone.
"""

from typing import cast

from pydantic import JsonValue

from definitions.models import Definition
from definitions.schema.assembling import FREE_KEYS, Schema, assembled, everywhere, with_free_keys
from definitions.schema.hints import CASES_SNIPPET, DEFINITION_SNIPPET, add_words, snippet
from definitions.schema.rules import add_rules
from definitions.schema.steps import allow_in_place, by_type

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TITLE = "Perdure definition"
CASES_TITLE = "Perdure test file"


def json_schema() -> dict[str, JsonValue]:
    """Return the schema of what an author may write in a definition, older spellings included."""
    schema, definitions = assembled(Definition)
    steps = by_type(definitions)
    add_rules(schema, steps)
    allow_in_place(steps)
    with_free_keys([schema, *steps.values()])
    return _whole(TITLE, schema, steps, snippet("definition", "A definition with one step", DEFINITION_SNIPPET))


def cases_schema() -> dict[str, JsonValue]:
    """Return the schema of a test file, `NAME.test.yaml`."""
    from definitions.cases.models import CaseFile

    schema, _ = assembled(CaseFile)
    schema["patternProperties"] = dict(FREE_KEYS)
    return _whole(CASES_TITLE, schema, {}, snippet("test file", "A test file with one case", CASES_SNIPPET))


def _whole(title: str, schema: Schema, definitions: dict[str, Schema], start: JsonValue) -> dict[str, JsonValue]:
    for one in (schema, *definitions.values()):
        _add_words(one)
    named = {"$defs": dict[str, JsonValue](definitions)} if definitions else {}
    return {"$schema": DIALECT, "title": title, **schema, "defaultSnippets": [start], **named}


def _add_words(schema: Schema) -> None:
    for one in everywhere(schema):
        for key, inner in cast("Schema", one.get("properties", {})).items():
            if isinstance(inner, dict):
                add_words(key, inner)
