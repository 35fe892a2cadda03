"""A type: what is known of a value without having it.

`kinds` are the names that `definitions.values.type_name` would give; no kinds means that it may be anything. A stored
value has the type of what is stored, for every operation reads it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from types import MappingProxyType
from typing import Literal, cast

from pydantic import JsonValue

from definitions.nodes import Path
from definitions.values import type_name, with_article

Kinds = frozenset[str]
Rest = Literal["unknown", "undeclared", "none"]
"""Fields besides the known ones: may be there; are declared nowhere; cannot be there."""

MOST_LITERALS = 50
MOST_PARTS = 1_000
"""A value that holds the step before it twice doubles with each step; so does its type."""
MOST_JOINED = 200
"""Parts of two types up to which they are joined part by part; of more, only the kinds are kept."""
_NO_FIELDS: Mapping[str, "Type"] = MappingProxyType({})
_ORDER = ("boolean", "number", "string", "list", "object", "file", "null")


@dataclass(frozen=True, slots=True)
class Type:
    """What is known of a value."""

    kinds: Kinds = frozenset()
    """The names of what it can be; empty: anything."""
    fields: Mapping[str, "Type"] = field(default_factory=lambda: _NO_FIELDS)
    """Where it is an object: fields that it has, or may have."""
    rest: Rest = "unknown"
    """Where it is an object: whether it may have other fields."""
    others: "Type | None" = None
    """Where it is an object: what all other fields are; None: anything."""
    items: "Type | None" = None
    """Where it is a list: what each item is; None: anything."""
    literals: tuple[JsonValue, ...] | None = None
    """Where only these values are possible."""
    origin: Path | None = field(default=None, compare=False)
    """Where in the document it is declared."""
    weight: int = field(default=1, init=False, compare=False)
    """How many types it is made of; one of too many forgets its parts."""

    def __post_init__(self) -> None:
        weight = 1 + sum(held.weight for held in (*self.fields.values(), self.others, self.items) if held)
        if weight > MOST_PARTS:
            for name, nothing in (("fields", _NO_FIELDS), ("rest", "unknown"), ("others", None), ("items", None)):
                object.__setattr__(self, name, nothing)
            weight = 1
        object.__setattr__(self, "weight", weight)

    @property
    def is_known(self) -> bool:
        """Whether it can be told what kind of value it is."""
        return bool(self.kinds)

    def may_be(self, *kinds: str) -> bool:
        """Whether it can be of one of these kinds."""
        return not self.kinds or not self.kinds.isdisjoint(kinds)

    def is_just(self, kind: str) -> bool:
        """Whether it is surely of this kind."""
        return len(self.kinds) == 1 and kind in self.kinds

    @property
    def present(self) -> "Type":
        """Return it without null, unless it is nothing but null."""
        if "null" not in self.kinds or len(self.kinds) == 1:
            return self
        literals = None if self.literals is None else tuple(one for one in self.literals if one is not None)
        return replace(self, kinds=self.kinds - {"null"}, literals=literals)

    @property
    def in_words(self) -> str:
        """Return its kinds as they stand in a sentence: `a number or null`."""
        names = sorted(self.kinds, key=_ORDER.index)
        return " or ".join(
            [with_article(names[0]), *(name if name == "null" else with_article(name) for name in names[1:])]
        )


ANY = Type()
"""Nothing is known."""
NULL = Type(frozenset({"null"}), literals=(None,))
BOOLEAN = Type(frozenset({"boolean"}))
NUMBER = Type(frozenset({"number"}))
STRING = Type(frozenset({"string"}))
LIST = Type(frozenset({"list"}))
OBJECT = Type(frozenset({"object"}))
FILE = Type(frozenset({"file"}), {"path": STRING, "size": NUMBER, "digest": STRING}, "none")


def record(fields: Mapping[str, Type], rest: Rest = "none") -> Type:
    """Return the type of objects with these fields."""
    return Type(frozenset({"object"}), fields, rest)


def mapping_of(others: Type) -> Type:
    """Return the type of objects whose keys nobody knows, and whose values are `others`."""
    return Type(frozenset({"object"}), others=others)


def list_of(items: Type) -> Type:
    """Return the type of lists of `items`."""
    return Type(frozenset({"list"}), items=None if items == ANY else items)


def one_of(values: Iterable[JsonValue]) -> Type:
    """Return the type of what is one of these values."""
    literals = tuple(values)
    if len(literals) > MOST_LITERALS:
        return joined(type_of(value) for value in literals)
    return replace(joined(type_of(value) for value in literals), literals=literals)


def type_of(value: JsonValue) -> Type:
    """Return what is known of a value that is at hand."""
    if isinstance(value, dict):
        return record({key: type_of(item) for key, item in value.items()}) if _is_plain(value) else ANY
    if isinstance(value, list):
        return list_of(joined(type_of(item) for item in value))
    return Type(frozenset({type_name(value)}), literals=(value,))


def _is_plain(value: dict[str, JsonValue]) -> bool:
    return type_name(cast("JsonValue", value)) == "object"


def optional(one: Type) -> Type:
    """Return a type that may also be null."""
    return join(one, NULL) if one.is_known else one


def joined(types: Iterable[Type]) -> Type:
    """Return what is known of a value that is of one of these types; of no types at all, nothing."""
    found = list(types)
    if sum(held.weight for held in found) > MOST_JOINED:
        return Type(_all_kinds(found))
    return reduce(join, found) if found else ANY


def join(one: Type, other: Type) -> Type:
    """Return what is known of a value that is of one type or the other."""
    if one == other:
        return one
    if one.weight + other.weight > MOST_JOINED:
        return Type(_all_kinds([one, other]))
    holders = [held for held in (one, other) if held.may_be("object", "file")]
    lists = [held for held in (one, other) if held.may_be("list")]
    objects = _join_objects(*holders) if len(holders) == 2 else holders[0] if holders else ANY
    return Type(
        _all_kinds([one, other]),
        objects.fields,
        objects.rest,
        objects.others,
        _join_items(lists),
        _join_literals(one, other),
        one.origin or other.origin,
    )


def _all_kinds(types: Iterable[Type]) -> Kinds:
    kinds = [held.kinds for held in types]
    return frozenset[str]().union(*kinds) if all(kinds) else frozenset()


def _join_objects(one: Type, other: Type) -> Type:
    names = dict.fromkeys([*one.fields, *other.fields])
    fields = {
        name: join(one.fields[name], other.fields[name])
        if name in one.fields and name in other.fields
        else one.fields.get(name) or other.fields[name]
        for name in names
        if (name in one.fields or one.rest != "unknown") and (name in other.fields or other.rest != "unknown")
    }
    rests: tuple[Rest, ...] = ("unknown", "undeclared", "none")
    rest = rests[min(rests.index(one.rest), rests.index(other.rest))]
    others = join(one.others, other.others) if one.others and other.others else None
    return Type(fields=fields, rest=rest, others=others)


def _join_items(lists: list[Type]) -> Type | None:
    known = [held.items for held in lists if held.items is not None]
    return joined(known) if known and len(known) == len(lists) else None


def _join_literals(one: Type, other: Type) -> tuple[JsonValue, ...] | None:
    if one.literals is None or other.literals is None:
        return None
    both = [*one.literals]
    both += [value for value in other.literals if not any(is_same(value, known) for known in one.literals)]
    return tuple(both) if len(both) <= MOST_LITERALS else None


def is_same(one: JsonValue, other: JsonValue) -> bool:
    """Whether two literals are one value; `true` is not `1`."""
    return type_name(one) == type_name(other) and one == other
