"""Expressions at random, as trees of plain tuples and as texts; values, and types with values of theirs.

    ("value", v)  ("name", n)  ("entry", holder, key)  ("index", holder, key)  ("list", items)  ("object", pairs)
    ("call", function, arguments)  ("compare", signs, operands)  ("junction", word, operands)  ("sign", sign, operand)
    ("sum", sign, left, right)  ("choice", test, then, otherwise)

A seeded `Random` draws, and not hypothesis: these trees are big, and thousands of them are wanted in a second. The
seed of a case is its number, so each one can be played again.
"""

import json
import os
from collections.abc import Mapping
from random import Random
from typing import Any

from definitions.types import ANY, Type
from definitions.types.type import BOOLEAN, FILE, NULL, NUMBER, STRING, join, list_of, mapping_of, one_of, record

LONG = os.environ.get("PERDURE_LONG_TESTS") == "1"
"""`PERDURE_LONG_TESTS=1` plays twenty times as many cases."""

FIELDS = ("x", "y", "z")
WORDS = ("", "a", "low", "3", "x", "a b", "B\n", "é", "1.5", "true")
NUMBERS = (0, 1, 2, 3, -1, 7, 0.5, -2.5, 1.0, 1e300, 2**63 - 1, -(2**63))
FILE_VALUE = {"$file": "a.py", "digest": "ab", "size": 3}
ARITHMETIC = ("+", "-", "*", "/", "//", "%")
COMPARISONS = ("==", "!=", "<", "<=", ">", ">=", "in", "not in")
KINDS = ("number", "string", "boolean", "list", "object")
FUNCTIONS: dict[str, tuple[str, tuple[str, ...], int]] = {
    "len": ("number", ("list",), 1),
    "first": ("any", ("list",), 1),
    "last": ("any", ("list",), 1),
    "keys": ("list", ("object",), 1),
    "values": ("list", ("object",), 1),
    "sort": ("list", ("list",), 1),
    "unique": ("list", ("list",), 1),
    "any": ("boolean", ("list",), 1),
    "all": ("boolean", ("list",), 1),
    "range": ("list", ("number", "number", "number"), 1),
    "str": ("string", ("any",), 1),
    "int": ("number", ("number",), 1),
    "float": ("number", ("string",), 1),
    "json": ("string", ("any",), 1),
    "from_json": ("any", ("string",), 1),
    "abs": ("number", ("number",), 1),
    "round": ("number", ("number", "number"), 1),
    "sum": ("number", ("list",), 1),
    "min": ("number", ("number", "number", "number"), 1),
    "max": ("string", ("string", "string", "string"), 1),
    "lower": ("string", ("string",), 1),
    "upper": ("string", ("string",), 1),
    "trim": ("string", ("string",), 1),
    "startswith": ("boolean", ("string", "string"), 2),
    "endswith": ("boolean", ("string", "string"), 2),
    "replace": ("string", ("string", "string", "string"), 3),
    "split": ("list", ("string", "string"), 1),
    "lines": ("list", ("string",), 1),
    "join": ("string", ("list", "string"), 1),
    "slug": ("string", ("string",), 1),
    "contains": ("boolean", ("list", "any"), 2),
}
"""What each mostly gives and mostly takes, and how many arguments it needs."""

Tree = tuple[Any, ...]


def cases(count: int) -> range:
    """Return the seeds of as many cases, more of them in a long run."""
    return range(count * 20 if LONG else count)


# --- values and types -------------------------------------------------------------------------------


def random_value(random: Random, depth: int = 2) -> Any:
    """Return any JSON value, or a file."""
    match random.randrange(8 if depth else 5):
        case 0:
            return None
        case 1:
            return random.random() < 0.5
        case 2:
            return random.choice(NUMBERS)
        case 3:
            return random.choice(WORDS)
        case 4:
            return dict(FILE_VALUE) if random.random() < 0.3 else random.choice(NUMBERS[:5])
        case 5 | 6:
            return [random_value(random, depth - 1) for _ in range(random.randrange(4))]
        case _:
            return {name: random_value(random, depth - 1) for name in FIELDS if random.random() < 0.6}


def random_scope(random: Random) -> tuple[dict[str, Any], dict[str, str]]:
    """Return values by name, and the kind that each has."""
    values: dict[str, Any] = {
        "n": random.choice(NUMBERS),
        "m": random.choice(NUMBERS[:6]),
        "s": random.choice(WORDS),
        "t": random.choice(WORDS),
        "b": random.random() < 0.5,
        "l": [random.choice(NUMBERS[:6]) for _ in range(random.randrange(4))],
        "k": [random.choice(WORDS) for _ in range(random.randrange(4))],
        "j": [random_value(random) for _ in range(random.randrange(3))],
        "o": {name: random_value(random) for name in FIELDS if random.random() < 0.8},
        "a": random_value(random),
    }
    kinds = {"n": "number", "m": "number", "s": "string", "t": "string", "b": "boolean", "l": "list", "k": "list",
             "j": "list", "o": "object", "a": "any", "missing": "missing"}  # fmt: skip
    return values, kinds


def random_type(random: Random, depth: int = 2, *, has_null: bool = True) -> Type:
    """Return a type of any shape."""
    plain = [NUMBER, STRING, BOOLEAN, FILE, one_of(["low", "a"])]
    choice = random.randrange(10 if depth else 5)
    if choice < 5:
        return random.choice([*plain, NULL, ANY] if has_null else plain)
    inner = [random_type(random, depth - 1, has_null=has_null) for _ in range(3)]
    fields = {name: held for name, held in zip(FIELDS, inner, strict=True) if random.random() < 0.6}
    match choice:
        case 5 | 6:
            return list_of(inner[0])
        case 7:
            return record(fields)
        case 8:
            return record(fields, "unknown") if random.random() < 0.5 else mapping_of(inner[0])
        case _:
            return join(inner[0], inner[1])


def value_of_type(random: Random, held: Type, least: int) -> Any:
    """Return a value of a type; its lists have at least `least` items."""
    if held.literals is not None:
        return random.choice(held.literals)
    if not held.is_known:
        return random_value(random)
    kind = random.choice(sorted(held.kinds))
    if kind == "list":
        return [value_of_type(random, held.items or ANY, least) for _ in range(random.randint(least, 2))]
    if kind == "object":
        found = {name: value_of_type(random, inner, least) for name, inner in held.fields.items()}
        if held.others is not None:
            found |= {name: value_of_type(random, held.others, least) for name in FIELDS[:2] if name not in found}
        return found
    scalars = {"null": [None], "boolean": [True, False], "number": NUMBERS, "string": WORDS, "file": [FILE_VALUE]}
    return random.choice(scalars[kind])


# --- expressions ------------------------------------------------------------------------------------


class Maker:
    """Makes trees that mostly fit together; `is_lazy` allows those whose parts may be left out of an evaluation.

    `names` gives the names of the scope, and the kind of value that each mostly has.
    """

    def __init__(self, random: Random, names: Mapping[str, str], *, is_lazy: bool = True) -> None:
        self.random = random
        self.names = names
        self.is_lazy = is_lazy

    def tree(self, depth: int, wanted: str = "any") -> Tree:
        """Return a tree of at most that depth, mostly of the wanted kind."""
        if self.random.random() < 0.06:
            wanted = "any"
        if wanted == "any":
            wanted = self.random.choice(KINDS)
        if depth == 0 or self.random.random() < 0.12:
            return self.leaf(wanted)
        anything = [self.call, self.call, self.entry, self.index]
        if self.is_lazy:
            anything += [self.choice, self.fallback]
        own = {
            "number": [self.sum, self.sum, self.sign],
            "string": [self.sum],
            "boolean": [self.comparison, self.comparison, *([self.junction] if self.is_lazy else []), self.sign],
            "list": [self.listed, self.sum],
            "object": [self.object, self.object],
        }[wanted]
        return self.random.choice([*own, *anything])(depth - 1, wanted)

    def leaf(self, wanted: str) -> Tree:
        if self.random.random() < 0.6:
            fitting = [name for name, kind in self.names.items() if kind in (wanted, "any")]
            return ("name", self.random.choice(fitting or list(self.names)))
        plain = {"number": NUMBERS, "string": WORDS, "boolean": (True, False), "list": ([],), "object": ({},)}[wanted]
        value = self.random.choice(plain) if self.random.random() < 0.95 else None
        return ("list", []) if value == [] else ("object", []) if value == {} else ("value", value)

    def entry(self, depth: int, wanted: str) -> Tree:
        if self.random.random() < 0.4:
            return ("entry", self.tree(depth, "list"), self.random.choice([0, 0, 1, -1]))
        return ("entry", self.tree(depth, "object"), self.random.choice([*FIELDS, *FIELDS, "path", "q"]))

    def index(self, depth: int, wanted: str) -> Tree:
        if self.random.random() < 0.5:
            return ("index", self.tree(depth, "list"), self.tree(depth, "number"))
        return ("index", self.tree(depth, "object"), self.tree(depth, "string"))

    def listed(self, depth: int, wanted: str) -> Tree:
        kind = self.random.choice(KINDS)
        return ("list", [self.tree(depth, kind) for _ in range(self.random.randrange(4))])

    def object(self, depth: int, wanted: str) -> Tree:
        names = [name for name in FIELDS if self.random.random() < 0.6]
        return ("object", [(("value", name), self.tree(depth)) for name in names])

    def call(self, depth: int, wanted: str) -> Tree:
        fitting = [name for name, (gives, _, _) in FUNCTIONS.items() if gives in (wanted, "any")]
        name = self.random.choice(fitting or list(FUNCTIONS))
        _, takes, least = FUNCTIONS[name]
        count = self.random.randint(least, len(takes))
        return ("call", name, [self.tree(depth, kind) for kind in takes[:count]])

    def comparison(self, depth: int, wanted: str) -> Tree:
        sign = self.random.choice(COMPARISONS)
        if sign in ("in", "not in"):
            return ("compare", [sign], [self.tree(depth), self.tree(depth, self.random.choice(["list", "string"]))])
        kind = self.random.choice(KINDS if sign in ("==", "!=") else KINDS[:2])
        count = self.random.choice([1, 1, 2]) if self.is_lazy and sign in ("<", "<=", ">", ">=") else 1
        return ("compare", [sign] * count, [self.tree(depth, kind) for _ in range(count + 1)])

    def sign(self, depth: int, wanted: str) -> Tree:
        if wanted == "boolean":
            return ("sign", "not", self.tree(depth, "boolean"))
        return ("sign", self.random.choice(["-", "+"]), self.tree(depth, "number"))

    def sum(self, depth: int, wanted: str) -> Tree:
        sign = self.random.choice(ARITHMETIC) if wanted == "number" else "+"
        return ("sum", sign, self.tree(depth, wanted), self.tree(depth, wanted))

    def junction(self, depth: int, wanted: str) -> Tree:
        operands = [self.tree(depth, "boolean") for _ in range(self.random.choice([2, 2, 3]))]
        return ("junction", self.random.choice(["and", "or"]), operands)

    def choice(self, depth: int, wanted: str) -> Tree:
        return ("choice", self.tree(depth, "boolean"), self.tree(depth, wanted), self.tree(depth, wanted))

    def fallback(self, depth: int, wanted: str) -> Tree:
        if wanted == "boolean":
            return ("call", "exists", [self.tree(depth)])
        return ("call", "default", [self.tree(depth, wanted), self.tree(depth, wanted)])


def written(tree: Tree, random: Random) -> str:
    """Return a tree as an author might write it: any quotes, white space, dots or brackets."""
    space = random.choice(["", " ", "\n"])
    match tree:
        case ("value", value):
            return _literal(value, random)
        case ("name", name):
            return name
        case ("entry", holder, key):
            inside = f"({space}{written(holder, random)})"
            if isinstance(key, str) and random.random() < 0.6:
                return f"{inside}.{key}"
            return f"{inside}[{space}{_literal(key, random)}]"
        case ("index", holder, key):
            return f"({written(holder, random)})[({written(key, random)})]"
        case ("list", items):
            return f"[{', '.join(written(item, random) for item in items)}{space}]"
        case ("object", pairs):
            return f"{{{', '.join(f'{written(key, random)}:{written(item, random)}' for key, item in pairs)}}}"
        case ("call", name, arguments):
            return f"{name}({', '.join(written(argument, random) for argument in arguments)})"
        case _:
            return _written_operation(tree, random, space)


def _written_operation(tree: Tree, random: Random, space: str) -> str:
    match tree:
        case ("compare", signs, operands):
            rest = "".join(f" {sign} ({written(item, random)})" for sign, item in zip(signs, operands[1:], strict=True))
            return f"({written(operands[0], random)}){rest}"
        case ("junction", word, operands):
            return f" {word} ".join(f"({written(operand, random)})" for operand in operands)
        case ("sign", sign, operand):
            return f"{sign}{space}({written(operand, random)})"
        case ("sum", sign, left, right):
            return f"({written(left, random)}){space}{sign}{space}({written(right, random)})"
        case (_, test, then, otherwise):
            return f"({written(then, random)}) if ({written(test, random)}) else ({written(otherwise, random)})"
        case _:
            raise AssertionError(tree)


def _literal(value: Any, random: Random) -> str:
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=random.random() < 0.5)
        return text if random.random() < 0.5 else "'" + text[1:-1] + "'"
    if value == -(2**63) and not isinstance(value, float):
        return "(-9223372036854775807 - 1)"
    if isinstance(value, int | float) and not isinstance(value, bool) and value < 0:
        return f"-{-value!r}"
    return json.dumps(value)
