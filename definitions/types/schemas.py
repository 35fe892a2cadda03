"""From a JSON Schema (draft 2020-12) to a type: what an answer that fits the schema can be.

Every word that narrows and is not understood here leaves the type wider, never narrower: what a schema allows, its
type allows. One thing is taken stricter than JSON Schema means it: fields that a schema does not name, without saying
`additionalProperties`, are `undeclared`. An agent might give them, but nothing says so.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast
from urllib.parse import unquote

from pydantic import JsonValue

from definitions.nodes import Path
from definitions.types.type import ANY, Rest, Type, joined, one_of

Schema = Mapping[str, JsonValue]

_KINDS = {
    "null": "null",
    "boolean": "boolean",
    "number": "number",
    "integer": "number",
    "string": "string",
    "array": "list",
    "object": "object",
}
_OPENING = frozenset({"patternProperties", "if", "dependentSchemas", "dependencies", "$dynamicRef", "$recursiveRef"})
"""Words by which a value may have fields that `properties` does not name."""
_DEEPEST = 40
_MOST_READ = 20_000
"""Schemas that are looked at, so that references to what holds references cost no more than a definition may."""


def schema_type(schema: JsonValue, path: Path) -> Type:
    """Return what fits a schema that stands at `path` in the document."""
    return _Reading(schema, path).read(schema, path, 0)


@dataclass(slots=True)
class _Reading:
    """One schema, with what its references have been read as."""

    root: JsonValue
    path: Path
    known: dict[str, Type] = field(default_factory=dict[str, Type])
    left: int = _MOST_READ

    def read(self, schema: JsonValue, path: Path, depth: int) -> Type:
        """Return what fits `schema`."""
        if not isinstance(schema, dict) or depth > _DEEPEST:
            return ANY
        if "$id" in schema and depth:
            return ANY  # references inside count from there
        self.left -= 1
        if self.left < 0:
            return ANY
        return _all_of([self._own(schema, path, depth), *self._combined(schema, path, depth)])

    def _combined(self, schema: Schema, path: Path, depth: int) -> Iterator[Type]:
        """Yield what the words say that lay one schema over another."""
        reference = schema.get("$ref")
        if isinstance(reference, str):
            yield self._referred(reference, depth)
        for index, one in _each(schema.get("allOf")):
            yield self.read(one, (*path, "allOf", index), depth + 1)
        for word in ("anyOf", "oneOf"):
            arms = [self.read(one, (*path, word, index), depth + 1) for index, one in _each(schema.get(word))]
            if arms:
                yield joined(arms)

    def _own(self, schema: Schema, path: Path, depth: int) -> Type:
        """Return what the words of one schema say that describe the value itself."""
        values = schema.get("enum") if isinstance(schema.get("enum"), list) else None
        if "const" in schema:
            values = [schema["const"]]
        if values:
            return replace(one_of(cast("list[JsonValue]", values)), origin=path)
        items, prefix = schema.get("items"), schema.get("prefixItems")
        return Type(
            _kinds(schema.get("type")),
            self._fields(schema.get("properties"), (*path, "properties"), depth),
            _rest(schema),
            self._others(schema, path, depth),
            self.read(items, (*path, "items"), depth + 1) if isinstance(items, dict) and prefix is None else None,
            origin=(*path, "properties") if "properties" in schema else path,
        )

    def _fields(self, properties: JsonValue, path: Path, depth: int) -> dict[str, Type]:
        if not isinstance(properties, dict):
            return {}
        return {name: self.read(one, (*path, name), depth + 1) for name, one in properties.items()}

    def _others(self, schema: Schema, path: Path, depth: int) -> Type | None:
        others = schema.get("additionalProperties")
        if not isinstance(others, dict) or not _OPENING.isdisjoint(schema):
            return None
        return self.read(others, (*path, "additionalProperties"), depth + 1)

    def _referred(self, reference: str, depth: int) -> Type:
        if reference in self.known:
            return self.known[reference]
        found = _pointed_at(self.root, reference)
        if found is None:
            return ANY
        self.known[reference] = ANY  # what a schema says of itself, inside itself, is anything
        schema, path = found
        self.known[reference] = self.read(schema, (*self.path, *path), depth + 1)
        return self.known[reference]


def _kinds(word: JsonValue) -> frozenset[str]:
    words = [word] if isinstance(word, str) else word if isinstance(word, list) else []
    known = [_KINDS.get(str(one)) for one in words]
    return frozenset(kind for kind in known if kind) if None not in known else frozenset()


def _rest(schema: Schema) -> Rest:
    others, properties = schema.get("additionalProperties"), schema.get("properties")
    if not _OPENING.isdisjoint(schema) or not isinstance(properties, dict):
        return "unknown"
    if others is False:
        return "none"
    is_silent = others is None and (properties or schema.get("unevaluatedProperties") is False)
    return "undeclared" if is_silent else "unknown"


def _all_of(parts: Sequence[Type]) -> Type:
    """Return what is of all these types at once, or wider."""
    telling = [part for part in parts if not _is_silent(part)] or [ANY]
    found = telling[0]
    for part in telling[1:]:
        found = _both(found, part)
    kinds = next((part.kinds for part in parts if part.is_known), found.kinds)
    literals = next((part.literals for part in parts if part.literals is not None), None)
    is_sure = found.rest == "none" or not any(_is_silent(part) for part in parts[1:])
    return replace(found, kinds=kinds, literals=literals, rest=found.rest if is_sure else "unknown")


def _both(one: Type, other: Type) -> Type:
    if _is_bare(other) or _is_bare(one):
        return one if _is_bare(other) else other
    rest: Rest = "unknown" if "unknown" in (one.rest, other.rest) else "undeclared"
    return Type(one.kinds, {**one.fields, **other.fields}, rest, None, one.items or other.items, None, one.origin)


def _is_bare(part: Type) -> bool:
    """Whether nothing is said of an object's fields."""
    return not part.fields and part.rest == "unknown" and part.others is None


def _is_silent(part: Type) -> bool:
    """Whether nothing is said at all."""
    return part == ANY


def _each(value: JsonValue) -> Sequence[tuple[int, JsonValue]]:
    return list(enumerate(value)) if isinstance(value, list) else []


def _pointed_at(root: JsonValue, reference: str) -> tuple[JsonValue, Path] | None:
    """Return what a JSON pointer names in the schema itself, and its path; None where it names nothing."""
    if not reference.startswith("#") or (reference != "#" and not reference.startswith("#/")):
        return None
    value, path = root, ()
    for part in reference[1:].split("/")[1:]:
        name = unquote(part).replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and name in value:
            value, path = value[name], (*path, name)
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value, path = value[int(name)], (*path, int(name))
        else:
            return None
    return value, path
