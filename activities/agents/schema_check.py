"""Output schemas (JSON Schema, draft 2020-12), and answers held to them, the same for every provider.

No agent's own check is relied on: Claude Code reports success where the model never gave the structured answer,
others do not check at all. Schemas are the author's text, so a schema is checked itself, before anything is
spent, and never makes this machine fetch what a `$ref` names.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any, cast

from pydantic import JsonValue

from definitions.errors import ErrorClass, StepFailure

MOST_FINDINGS = 10
_MOST_CHARACTERS = 300


def check_schema(schema: dict[str, JsonValue]) -> None:
    """Make sure that `schema` is a schema that can be applied. Raises `StepFailure`."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise _unfit(f"at `{error.json_path}`: {_cut(error.message)}") from error
    except RecursionError as error:
        raise _unfit("it is nested too deeply") from error
    for reference in _references(schema):
        if not reference.startswith("#"):
            raise _unfit(f"`$ref: {reference}` is outside of it; only references within (`#/$defs/…`) are followed")
        _resolve(schema, reference)


def findings(schema: dict[str, JsonValue], answer: JsonValue) -> list[str]:
    """Return why `answer` does not fit, one line each; empty where it does.

    Raises:
        StepFailure: the schema cannot be applied.
    """
    from jsonschema.exceptions import ValidationError

    try:
        errors = cast("Iterator[ValidationError]", _validator(schema).iter_errors(answer))
        return [f"at `{error.json_path}`: {_cut(error.message)}" for error in islice(errors, MOST_FINDINGS)]
    except RecursionError as error:
        raise _unfit("a `$ref` in it never ends") from error


def fits(schema: dict[str, JsonValue] | bool, answer: JsonValue) -> bool:
    """Whether `answer` fits."""
    return bool(_validator(schema).is_valid(answer))


def resolve_reference(schema: dict[str, JsonValue], reference: str) -> JsonValue:
    """Return the schema that a reference within `schema` names. Raises `StepFailure`."""
    return _resolve(schema, reference)


def _validator(schema: dict[str, JsonValue] | bool) -> Any:  # jsonschema is not typed
    from jsonschema import Draft202012Validator
    from referencing import Registry

    return cast("Any", Draft202012Validator)(schema, registry=cast("Any", Registry)())


def _resolve(schema: dict[str, JsonValue], reference: str) -> JsonValue:
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    resource: Any = DRAFT202012.create_resource(cast("Any", schema))
    registry: Any = cast("Any", Registry)().with_resource("", resource)
    try:
        return cast("JsonValue", registry.resolver().lookup(reference).contents)
    except (Unresolvable, RecursionError) as error:
        raise _unfit(f"`$ref: {reference}` names nothing in it") from error


def _references(value: JsonValue) -> Iterator[str]:
    """Yield every `$ref` of a schema. Literal values (`const`, `enum`, …) are no schemas and are passed over."""
    pending: list[JsonValue] = [value]
    while pending:
        match pending.pop():
            case dict() as mapping:
                reference = mapping.get("$ref")
                if isinstance(reference, str):
                    yield reference
                pending += [item for key, item in mapping.items() if key not in _LITERALS]
            case list() as items:
                pending += items
            case _:
                pass


_LITERALS = frozenset({"const", "enum", "default", "examples"})


def _unfit(why: str) -> StepFailure:
    return StepFailure(ErrorClass.SCHEMA, f"`output_schema` cannot be used: {why}; correct it in the definition")


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}…"
