"""The value language a second time, as plainly as `docs/expressions.md` says it: no compiler, no closures, no bounds.

It evaluates the trees of `random_expressions` and shares nothing with the product but the shape of a file. Where the
page says that something is an error, `Refused` names its code.
"""

import json
import math
import re
from collections.abc import Callable
from typing import Any

from tests.support.random_expressions import Tree


class Refused(Exception):
    """An error of the language."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


MISSING = ("no-such-field", "no-such-name", "no-such-item")


def kind(value: Any) -> str:
    """Return the name of a value's type."""
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "file" if "$file" in value else "object"
    names = {bool: "boolean", int: "number", float: "number", str: "string", list: "list"}
    return names[type(value)]


def play(tree: Tree, scope: dict[str, Any]) -> Any:
    """Return what a tree gives."""
    match tree:
        case ("value", value):
            return number(value) if kind(value) == "number" else value
        case ("name", name):
            if name not in scope:
                raise Refused("no-such-name")
            return scope[name]
        case ("entry", holder, key):
            return entry(play(holder, scope), key)
        case ("index", holder, key):
            return entry(play(holder, scope), play(key, scope))
        case ("list", items):
            return [play(item, scope) for item in items]
        case ("object", pairs):
            return {wanted(play(key, scope), "string"): play(item, scope) for key, item in pairs}
        case ("call", name, arguments):
            return call(name, arguments, scope)
        case _:
            return operation(tree, scope)


def operation(tree: Tree, scope: dict[str, Any]) -> Any:
    match tree:
        case ("compare", signs, operands):
            return chain(signs, operands, scope)
        case ("junction", word, operands):
            for operand in operands:
                if wanted(play(operand, scope), "boolean") is (word == "or"):
                    return word == "or"
            return word == "and"
        case ("sign", "not", operand):
            return not wanted(play(operand, scope), "boolean")
        case ("sign", sign, operand):
            value = wanted(play(operand, scope), "number")
            return number(0 - value if sign == "-" else 0 + value)
        case ("sum", sign, left, right):
            return arithmetic(sign, play(left, scope), play(right, scope))
        case ("choice", test, then, otherwise):
            return play(then if wanted(play(test, scope), "boolean") else otherwise, scope)
        case _:
            raise AssertionError(tree)


def chain(signs: list[str], operands: list[Tree], scope: dict[str, Any]) -> bool:
    left = play(operands[0], scope)
    for sign, operand in zip(signs, operands[1:], strict=True):
        right = play(operand, scope)
        if not compare(sign, left, right):
            return False
        left = right
    return True


def wanted(value: Any, *kinds: str) -> Any:
    """Return a value that is of one of these types."""
    if kind(value) not in kinds:
        raise Refused("type-mismatch")
    return value


def number(value: Any) -> Any:
    """Return a number that fits."""
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise Refused("number-out-of-range")
    if isinstance(value, float) and not math.isfinite(value):
        raise Refused("number-out-of-range")
    return value


def entry(holder: Any, key: Any) -> Any:
    if kind(holder) in ("object", "file"):
        name = "$file" if kind(holder) == "file" and key == "path" else wanted(key, "string")
        if name not in holder:
            raise Refused("no-such-field")
        return holder[name]
    if kind(holder) == "list" and kind(key) == "number" and isinstance(key, int):
        if not -len(holder) <= key < len(holder):
            raise Refused("no-such-item")
        return holder[key]
    raise Refused("no-such-field" if holder is None or isinstance(key, str) else "type-mismatch")


# --- operators --------------------------------------------------------------------------------------


def compare(sign: str, left: Any, right: Any) -> bool:
    if sign in ("==", "!="):
        return equal(left, right) is (sign == "==")
    if sign in ("in", "not in"):
        return within(left, right) is (sign == "in")
    if (kind(left), kind(right)) not in (("number", "number"), ("string", "string")):
        raise Refused("type-mismatch")
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[sign]


def equal(left: Any, right: Any) -> bool:
    if left is None or right is None:
        return left is None and right is None
    if kind(left) != kind(right):
        raise Refused("type-mismatch")
    return same(left, right)


def same(left: Any, right: Any) -> bool:
    """Deep equality, in which unlike types are merely unequal."""
    if kind(left) != kind(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return left == right


def within(part: Any, whole: Any) -> bool:
    if kind(whole) in ("string", "object") and kind(part) == "string":
        return part in whole
    if kind(whole) != "list":
        raise Refused("type-mismatch")
    if any(same(part, item) for item in whole):
        return True
    kinds = {kind(item) for item in whole} - {"null"}
    if part is not None and kinds and kind(part) not in kinds:
        raise Refused("type-mismatch")
    return False


def arithmetic(sign: str, left: Any, right: Any) -> Any:
    if sign == "+" and kind(left) == kind(right) and kind(left) in ("string", "list"):
        return left + right
    one, other = wanted(left, "number"), wanted(right, "number")
    if sign in ("/", "//", "%") and other == 0:
        raise Refused("division-by-zero")
    plain: dict[str, Callable[[], Any]] = {
        "+": lambda: one + other,
        "-": lambda: one - other,
        "*": lambda: one * other,
        "/": lambda: one / other,
        "//": lambda: one // other,
        "%": lambda: one % other,
    }
    try:
        return number(plain[sign]())
    except OverflowError:
        raise Refused("number-out-of-range") from None


# --- functions --------------------------------------------------------------------------------------

TAKES: dict[str, tuple[tuple[str, ...], ...]] = {
    "len": (("string", "list", "object"),),
    "first": (("list",),),
    "last": (("list",),),
    "keys": (("object",),),
    "values": (("object",),),
    "sort": (("list",),),
    "unique": (("list",),),
    "any": (("list",),),
    "all": (("list",),),
    "range": (("number",), ("number",), ("number",)),
    "int": (("number", "string"),),
    "float": (("number", "string"),),
    "from_json": (("string",),),
    "abs": (("number",),),
    "round": (("number",), ("number",)),
    "sum": (("list",),),
    "lower": (("string",),),
    "upper": (("string",),),
    "trim": (("string",),),
    "startswith": (("string",), ("string",)),
    "endswith": (("string",), ("string",)),
    "replace": (("string",), ("string",), ("string",)),
    "split": (("string",), ("string",)),
    "lines": (("string",),),
    "join": (("list",), ("string",)),
    "slug": (("string",),),
    "contains": (("string", "list", "object"),),
}


def call(name: str, arguments: list[Tree], scope: dict[str, Any]) -> Any:
    if name in ("default", "exists"):
        try:
            found = play(arguments[0], scope)
        except Refused as refused:
            if refused.code not in MISSING:
                raise
            found = None
        if name == "exists":
            return found is not None
        return play(arguments[1], scope) if found is None else found
    values: list[Any] = []
    for index, argument in enumerate(arguments):
        value = play(argument, scope)
        takes = TAKES.get(name, ())
        values.append(wanted(value, *takes[index]) if index < len(takes) else value)
    return BODIES[name](*values)


def text(value: Any) -> str:
    if value is None:
        raise Refused("null-in-text")
    if isinstance(value, str):
        return value
    return value["$file"] if kind(value) == "file" else to_json(value)


def to_json(value: Any) -> str:
    """Return JSON text, piece by piece."""
    match kind(value):
        case "file":
            return to_json(value["$file"])
        case "object":
            return "{" + ",".join(f"{to_json(key)}:{to_json(item)}" for key, item in value.items()) + "}"
        case "list":
            return "[" + ",".join(map(to_json, value)) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)


def whole_number(value: Any) -> int:
    if isinstance(value, str):
        if not re.fullmatch(r"\s*[+-]?[0-9]{1,20}\s*", value):
            raise Refused("bad-argument")
        return number(int(value))
    return number(int(value))


def decimal(value: Any) -> float:
    try:
        if isinstance(value, str) and re.search(r"[^0-9.eE+\-\s]", value):
            raise ValueError(value)
        return number(float(value))
    except ValueError:
        raise Refused("bad-argument") from None


def read_json(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        raise Refused("bad-argument") from None


def item_at(items: list[Any], index: int) -> Any:
    if not items:
        raise Refused("no-such-item")
    return items[index]


def alike(items: list[Any]) -> list[Any]:
    if {kind(item) for item in items} not in ({"number"}, {"string"}, set[str]()):
        raise Refused("type-mismatch")
    return items


def truths(items: list[Any]) -> list[bool]:
    return [wanted(item, "boolean") for item in items]


def numbers(*bounds: Any) -> list[int]:
    if not all(isinstance(bound, int) for bound in bounds) or bounds[2:] == (0,):
        raise Refused("bad-argument")
    start, end, step = (0, *bounds, 1) if len(bounds) == 1 else (*bounds, 1)[:3]
    if (end - start) * (1 if step > 0 else -1) > 10_000 * abs(step):
        raise Refused("result-too-big")
    return list(range(*bounds))


def nearest(value: Any, digits: Any = 0) -> Any:
    if not isinstance(digits, int) or not 0 <= digits <= 15:
        raise Refused("bad-argument")
    return number(round(value, digits) if digits else round(value))


def total(items: list[Any]) -> Any:
    values = [wanted(item, "number") for item in items]
    if all(isinstance(value, int) for value in values):
        return number(sum(values))
    try:
        return number(math.fsum(values))
    except OverflowError:
        raise Refused("number-out-of-range") from None


def extreme(choose: Callable[[list[Any]], Any]) -> Callable[..., Any]:
    def body(*given: Any) -> Any:
        choices = given[0] if len(given) == 1 and kind(given[0]) == "list" else list(given)
        if not choices:
            raise Refused("no-such-item")
        return choose(alike(choices))

    return body


def replaced(whole: str, old: str, new: str) -> str:
    if not old:
        raise Refused("bad-argument")
    return new.join(whole.split(old))


def parts(whole: str, separator: str | None = None) -> list[str]:
    if separator == "":
        raise Refused("bad-argument")
    return whole.split() if separator is None else whole.split(separator)


def distinct(items: list[Any]) -> list[Any]:
    found: list[Any] = []
    for item in items:
        if not any(type(item) is type(one) and json.dumps(item, sort_keys=True) == json.dumps(one, sort_keys=True)
                   for one in found):  # fmt: skip
            found.append(item)
    return found


BODIES: dict[str, Callable[..., Any]] = {
    "len": len,
    "first": lambda items: item_at(items, 0),
    "last": lambda items: item_at(items, -1),
    "keys": lambda holder: [*holder],
    "values": lambda holder: [holder[key] for key in holder],
    "sort": lambda items: sorted(alike(items)),
    "unique": distinct,
    "any": lambda items: True in truths(items),
    "all": lambda items: False not in truths(items),
    "range": numbers,
    "str": text,
    "int": whole_number,
    "float": decimal,
    "json": to_json,
    "from_json": read_json,
    "abs": lambda value: number(0 - value if value < 0 else value * 1 + 0),
    "round": nearest,
    "sum": total,
    "min": extreme(lambda items: sorted(items)[0]),
    "max": extreme(max),
    "lower": lambda whole: "".join(character.lower() for character in whole),
    "upper": lambda whole: "".join(character.upper() for character in whole),
    "trim": lambda whole: re.sub(r"\A\s+|\s+\Z", "", whole),
    "startswith": lambda whole, part: whole[: len(part)] == part,
    "endswith": lambda whole, part: not part or whole[-len(part) :] == part,
    "replace": replaced,
    "split": parts,
    "lines": lambda whole: whole.split("\n")[:-1] if whole.endswith("\n") else whole.split("\n") if whole else [],
    "join": lambda items, separator="": separator.join([text(item) for item in items]),
    "slug": lambda whole: "-".join(re.findall(r"[a-z0-9]+", whole.lower())),
    "contains": lambda whole, part: within(part, whole),
}
