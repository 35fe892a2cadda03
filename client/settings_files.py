"""Settings files of editors: JSON with comments and trailing commas, which people write by hand.

`with_added` adds to such a text what is missing and touches nothing else: comments, order, spaces and every value that
is there stay as they are. The result is read again before it is given back.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from pydantic import JsonValue

_TOKEN = re.compile(
    r"""(?P<gap>[\s\ufeff]+|//[^\n]*|/\*.*?\*/)|(?P<string>"(?:[^"\\\n]|\\.)*")|(?P<mark>[{}\[\]:,])|(?P<word>[^\s{}\[\]:,"/]+)""",
    re.DOTALL,
)
_DEEPEST = 50


class NotSettingsError(ValueError):
    """The text is not an object of settings that something can be added to."""


@dataclass(slots=True)
class _Value:
    """A value, and where it stands; of a collection also what is inside."""

    start: int
    end: int
    plain: JsonValue
    members: dict[str, "_Value"] = field(default_factory=dict[str, "_Value"])
    last: "_Value | None" = None
    has_comma: bool = False
    """Whether a comma follows the last item."""


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    start: int
    end: int


def parsed(text: str) -> JsonValue:
    """Return what a text with comments says.

    Raises:
        NotSettingsError: it is not JSON, comments and trailing commas aside.
    """
    return _tree(text).plain


def with_added(text: str, added: dict[str, JsonValue]) -> str:
    """Return `text` with what of `added` is not there: keys of objects, items of lists. Nothing is replaced.

    Raises:
        NotSettingsError: the text is not an object.
    """
    tree = _tree(text)
    if not isinstance(tree.plain, dict):
        raise NotSettingsError("the settings are not an object")
    changed = text
    backwards = [*_insertions(text, tree, added)][::-1]  # what comes second to one place is put there first
    for place, inserted in sorted(backwards, key=lambda one: -one[0]):
        changed = changed[:place] + inserted + changed[place:]
    if parsed(changed) != _merged(tree.plain, added):
        raise NotSettingsError("the settings cannot be added to")
    return changed


def _merged(there: JsonValue, added: JsonValue) -> JsonValue:
    match there, added:
        case dict(), dict():
            return there | {key: _merged(there[key], one) if key in there else one for key, one in added.items()}
        case list(), list():
            return [*there, *(one for one in added if one not in there)]
        case _:
            return there


def _insertions(text: str, there: _Value, added: JsonValue) -> Iterator[tuple[int, str]]:
    """Yield places and what is put there."""
    if isinstance(there.plain, dict) and isinstance(added, dict):
        for key, one in added.items():
            if key in there.members:
                yield from _insertions(text, there.members[key], one)
        missing = [f"{json.dumps(key)}: {_written(one)}" for key, one in added.items() if key not in there.members]
    elif isinstance(there.plain, list) and isinstance(added, list):
        missing = [_written(one) for one in added if one not in there.plain]
    else:
        return
    if missing:
        yield from _at_the_end(text, there, missing)


def _at_the_end(text: str, there: _Value, missing: list[str]) -> Iterator[tuple[int, str]]:
    inside = text[there.start + 1 : there.end - 1]
    newline = "\r\n" if "\r\n" in text else "\n"
    if there.last and "\n" not in inside:
        yield (
            there.end - 1 - (len(inside) - len(inside.rstrip())),
            (" " if there.has_comma else ", ") + ", ".join(missing),
        )
        return
    outer = _indent_at(text, there.end - 1 if "\n" in inside else there.start)
    indent = _indent_at(text, there.last.start) if there.last else outer + "  "
    if there.last and not there.has_comma:
        yield there.last.end, ","
    place = there.start + 1 + len(inside.rstrip())
    lines = f",{newline}{indent}".join(missing)
    closing = "" if "\n" in inside[len(inside.rstrip()) :] else newline + outer
    yield place, f"{newline}{indent}{lines}{closing}"


def _indent_at(text: str, place: int) -> str:
    line = text[text.rfind("\n", 0, place) + 1 : place]
    return line[: len(line) - len(line.lstrip())]


def _written(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False)


# --- reading ----------------------------------------------------------------------------------------


def _tree(text: str) -> _Value:
    tokens = list(_tokens(text))
    value, index = _read(tokens, 0, 0)
    if index != len(tokens):
        raise NotSettingsError("something follows the settings")
    return value


def _tokens(text: str) -> Iterator[_Token]:
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise NotSettingsError(f"no JSON stands at character {place + 1}")
        place = found.end()
        if found.lastgroup != "gap":
            yield _Token(found.group(), found.start(), found.end())


def _read(tokens: list[_Token], index: int, depth: int) -> tuple[_Value, int]:
    token = _at(tokens, index)
    if depth > _DEEPEST:
        raise NotSettingsError("the settings are nested too deep")
    if token.text in "{[":
        return _read_collection(tokens, index, depth)
    try:
        plain: JsonValue = json.loads(token.text)
    except ValueError as error:
        raise NotSettingsError(f"`{token.text[:20]}` is not JSON") from error
    return _Value(token.start, token.end, plain), index + 1


def _read_collection(tokens: list[_Token], index: int, depth: int) -> tuple[_Value, int]:
    opening = tokens[index]
    is_object = opening.text == "{"
    found = _Value(opening.start, opening.end, {} if is_object else [])
    index += 1
    while _at(tokens, index).text != ("}" if is_object else "]"):
        if found.last and not found.has_comma:
            raise NotSettingsError("a comma is missing")
        key = ""
        if is_object:
            key, index = _read_key(tokens, index)
        value, index = _read(tokens, index, depth + 1)
        if isinstance(found.plain, dict):
            found.plain[key], found.members[key] = value.plain, value
        elif isinstance(found.plain, list):
            found.plain.append(value.plain)
        found.last, found.has_comma = value, _at(tokens, index).text == ","
        index += found.has_comma
    found.end = tokens[index].end
    return found, index + 1


def _read_key(tokens: list[_Token], index: int) -> tuple[str, int]:
    key = _at(tokens, index).text
    if not key.startswith('"') or _at(tokens, index + 1).text != ":":
        raise NotSettingsError("a key is missing")
    try:
        return str(json.loads(key)), index + 2
    except ValueError as error:
        raise NotSettingsError(f"`{key[:20]}` is not a key") from error


def _at(tokens: list[_Token], index: int) -> _Token:
    if index >= len(tokens):
        raise NotSettingsError("the text ends too early")
    return tokens[index]
