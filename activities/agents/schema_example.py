"""A small instance of a JSON Schema: what the scripted agent answers where it has no script.

The instance is built keyword by keyword (constants and defaults first, required properties only), then held to
the whole schema; alternatives are tried until one fits. Where none does, the failure says how to script it.
"""

import itertools
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import cast

from pydantic import JsonValue

from activities.agents.pattern_example import shortest_match
from activities.agents.schema_check import check_schema, fits, resolve_reference
from definitions.errors import ErrorClass, StepFailure

DEEPEST = 12
"""Nesting at which a recursive schema is given up; a shallower alternative is then tried."""
MOST_TRIES = 2000
MOST_STEPS = 5000

Schema = dict[str, JsonValue]

_FORMATS = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "PT1S",
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def example_of(schema: Schema) -> JsonValue:
    """Return a small value that fits `schema`.

    Raises:
        StepFailure: the schema is none, or no fitting value was found.
    """
    check_schema(schema)
    for depth in range(2, DEEPEST + 1, 2):  # the shallowest first: a recursive schema shall end soon
        candidates = _Builder(schema, depth, itertools.count()).values(schema)
        for candidate in itertools.islice(candidates, MOST_TRIES):
            if fits(schema, candidate):
                return candidate
    message = (
        "the scripted agent found no value that fits `output_schema`; "
        "give the step an answer in a script (`--script FILE`)"
    )
    raise StepFailure(ErrorClass.SCHEMA, message)


@dataclass(frozen=True, slots=True)
class _Builder:
    root: Schema
    depth: int
    steps: "itertools.count[int]"
    """Shared by all builders of one example: branching recursion would else take ages."""

    def values(self, schema: JsonValue) -> Iterator[JsonValue]:
        """Yield values that probably fit, likeliest first."""
        if schema is False or self.depth == 0 or next(self.steps) > MOST_STEPS:
            return
        if not isinstance(schema, dict):
            yield {}
            return
        deeper = replace(self, depth=self.depth - 1)
        yield from _literals(schema)
        if "const" in schema or "enum" in schema:
            return
        merged = [deeper.plain(variant) for variant in deeper.variants(schema)]
        yield from _interleaved(merged)

    def variants(self, schema: Schema) -> Iterator[Schema]:
        """Yield `schema` with references, `allOf` and one alternative of each choice merged into it."""
        if self.depth == 0:
            return
        rest = {key: value for key, value in schema.items() if key not in _COMBINING}
        choices: list[list[JsonValue]] = [[part] for part in _list(schema.get("allOf"))]
        if isinstance(schema.get("$ref"), str):
            choices.append([resolve_reference(self.root, str(schema["$ref"]))])
        choices += [_list(schema[key]) for key in ("oneOf", "anyOf") if key in schema]
        if "if" in schema:
            choices.append([{"allOf": [schema["if"], schema.get("then", True)]}, schema.get("else", True)])
        deeper = replace(self, depth=self.depth - 1)
        for combination in itertools.islice(itertools.product(*choices), 64):
            if any(part is False for part in combination):
                continue
            parts = [
                list(itertools.islice(deeper.variants(part), 16)) for part in combination if isinstance(part, dict)
            ]
            for expanded in itertools.islice(itertools.product(*parts), 64):
                yield _merged([rest, *expanded])

    def plain(self, schema: Schema) -> Iterator[JsonValue]:
        """Yield values of a schema without combining keywords."""
        yield from _literals(schema)
        if "const" in schema or "enum" in schema:
            return
        for kind in _types(schema):
            match kind:
                case "object":
                    yield from self._objects(schema)
                case "array":
                    yield from self._arrays(schema)
                case "string":
                    yield from _strings(schema)
                case "integer" | "number":
                    yield from _numbers(schema, is_integer=kind == "integer")
                case "boolean":
                    yield from (True, False)
                case _:
                    yield None

    def _objects(self, schema: Schema) -> Iterator[JsonValue]:
        properties = _mapping(schema.get("properties"))
        names = [str(name) for name in _list(schema.get("required"))]
        optional = [name for name in properties if name not in names]
        names += optional[: max(0, _whole(schema.get("minProperties"), 0) - len(names))]
        for trigger, needed in _mapping(schema.get("dependentRequired")).items():
            if trigger in names:
                names += [str(name) for name in _list(needed) if name not in names]
        filler = (f"key{number}" for number in itertools.count(1))
        while len(names) < _whole(schema.get("minProperties"), 0):
            names.append(next(filler))
        columns = [self._few(self._property(schema, properties, name)) for name in names]
        for values in _combinations(columns):
            yield dict(zip(names, values, strict=True))

    def _property(self, schema: Schema, properties: Schema, name: str) -> JsonValue:
        if name in properties:
            return properties[name]
        for pattern, described in _mapping(schema.get("patternProperties")).items():
            if re.search(pattern, name):
                return described
        return schema.get("additionalProperties", True)

    def _arrays(self, schema: Schema) -> Iterator[JsonValue]:
        first = _list(schema.get("prefixItems"))
        items = schema.get("items", True)
        needed = _whole(schema.get("minItems"), 0)
        contained: list[JsonValue] = []
        if "contains" in schema:
            contained = [schema["contains"]] * _whole(schema.get("minContains"), 1)
        described = (first + contained)[: max(needed, len(first) if needed else 0, len(contained))]
        described += [items] * (needed - len(described))
        columns = [self._few(part) for part in described]
        if schema.get("uniqueItems") is True:
            columns = (
                [
                    column[index % len(column) :] + column[: index % len(column)]
                    for index, column in enumerate(columns)
                    if column
                ]
                if all(columns)
                else columns
            )
        for values in _combinations(columns):
            yield list(values)

    def _few(self, schema: JsonValue) -> list[JsonValue]:
        """Return some values, the shallow ones first."""
        return sorted(itertools.islice(self.values(schema), 12), key=_nesting)


_COMBINING = frozenset({"allOf", "anyOf", "oneOf", "$ref", "if", "then", "else"})


def _literals(schema: Schema) -> Iterator[JsonValue]:
    if "const" in schema:
        yield schema["const"]
    if "default" in schema:
        yield schema["default"]
    yield from _list(schema.get("examples"))
    yield from _list(schema.get("enum"))


def _merged(parts: list[Schema]) -> Schema:
    """Return one schema that asks what all of `parts` ask, as far as an example needs."""
    whole: Schema = {}
    for part in parts:
        for key, value in part.items():
            whole[key] = _both(key, whole[key], value) if key in whole else value
    return whole


def _both(key: str, first: JsonValue, second: JsonValue) -> JsonValue:
    match key, first, second:
        case ("required", list(), list()):
            return [*first, *(name for name in second if name not in first)]
        case ("enum", list(), list()):
            return [value for value in first if value in second]
        case ("properties" | "patternProperties" | "$defs", dict(), dict()):
            shared = {name: {"allOf": [first[name], second[name]]} for name in first if name in second}
            return cast("JsonValue", {**first, **second, **shared})
        case ("type", _, _):
            allowed = second if isinstance(second, list) else [second]
            kept = [kind for kind in (first if isinstance(first, list) else [first]) if kind in allowed]
            return cast("JsonValue", kept or ["integer"])  # `number` and `integer` together
        case (_, int() | float(), int() | float()) if key.startswith(("min", "exclusiveMin")):
            return max(first, second)
        case (_, int() | float(), int() | float()) if key.startswith(("max", "exclusiveMax")):
            return min(first, second)
        case ("items" | "additionalProperties", dict(), dict()):
            return {"allOf": [first, second]}
        case _:
            return second


def _types(schema: Schema) -> list[str]:
    declared = schema.get("type")
    if declared is not None:
        return [str(kind) for kind in (declared if isinstance(declared, list) else [declared])]
    for kind, keywords in _KEYWORDS.items():
        if any(keyword in schema for keyword in keywords):
            return [kind]
    return ["object", "string", "integer", "array", "boolean", "null", "number"]


_KEYWORDS = {
    "object": ("properties", "required", "additionalProperties", "patternProperties", "minProperties"),
    "array": ("items", "prefixItems", "minItems", "contains", "uniqueItems"),
    "string": ("pattern", "minLength", "maxLength", "format"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}


def _strings(schema: Schema) -> Iterator[JsonValue]:
    shortest = _whole(schema.get("minLength"), 0)
    longest = _whole(schema.get("maxLength"), 1 << 20)
    if isinstance(schema.get("pattern"), str):
        match = shortest_match(str(schema["pattern"]), shortest)
        if match is not None:
            yield match
    if schema.get("format") in _FORMATS:
        yield _FORMATS[str(schema["format"])]
    for word in ("text", "b", "c", "d", ""):
        yield (word + "x" * (shortest - len(word)))[:longest]


def _numbers(schema: Schema, *, is_integer: bool) -> Iterator[JsonValue]:
    low = _bound(schema, "minimum", "exclusiveMinimum", strictest=max)
    high = _bound(schema, "maximum", "exclusiveMaximum", strictest=min)
    step = _amount(schema.get("multipleOf")) or (1.0 if is_integer else None)
    if step is not None:
        start = math.ceil(low / step) if low is not None else min(0, math.floor(high / step)) if high is not None else 0
        for count in range(start, start + 6):
            yield _tidy(count * step)
        if high is not None:
            yield _tidy(math.floor(high / step) * step)
        return
    middle = (low + high) / 2 if low is not None and high is not None else None
    beyond = (None if low is None else low + 1, None if high is None else high - 1)
    for value in (0.0, low, high, middle, *beyond, 1.0, 0.5):
        if value is not None:
            yield _tidy(value)


def _nesting(value: JsonValue) -> int:
    match value:
        case dict():
            return 1 + max(map(_nesting, value.values()), default=0)
        case list():
            return 1 + max(map(_nesting, value), default=0)
        case _:
            return 0


def _bound(
    schema: Schema, inclusive: str, exclusive: str, *, strictest: Callable[[list[float]], float]
) -> float | None:
    given = [amount for key in (inclusive, exclusive) if (amount := _amount(schema.get(key))) is not None]
    return strictest(given) if given else None


def _tidy(value: float) -> JsonValue:
    return int(value) if value.is_integer() else value


def _combinations(columns: list[list[JsonValue]]) -> Iterator[tuple[JsonValue, ...]]:
    """Yield rows: the first of each column, then each column varied by itself, then all products."""
    if not all(columns):
        return
    first = [column[0] for column in columns]
    yield tuple(first)
    for index, column in enumerate(columns):
        for value in column[1:]:
            yield (*first[:index], value, *first[index + 1 :])
    yield from itertools.islice(itertools.product(*columns), 500)


def _interleaved(sources: list[Iterator[JsonValue]]) -> Iterator[JsonValue]:
    """Yield from all sources in turn, so that no alternative waits for another to run dry."""
    while sources:
        for source in list(sources):
            try:
                yield next(source)
            except StopIteration:
                sources.remove(source)


def _list(value: JsonValue) -> list[JsonValue]:
    return list(value) if isinstance(value, list) else []


def _mapping(value: JsonValue) -> Schema:
    return value if isinstance(value, dict) else {}


def _whole(value: JsonValue, default: int) -> int:
    return int(value) if isinstance(value, int | float) else default


def _amount(value: JsonValue) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
