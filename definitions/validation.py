"""The tree against the models: pydantic's complaints in the language's own words, at the smallest token.

`validate` gives the definition, or the findings, and as a third thing a *mended* definition: the same with
what is wrong left out, so that the checks can go on and all findings come in one pass. A mended definition
is never run.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import BaseModel, JsonValue, ValidationError
from pydantic_core import ErrorDetails

from definitions.diagnostics import Diagnostic, Span
from definitions.foreign_words import help_for_key
from definitions.models import Definition
from definitions.nodes import Mapping, Node, Path, Scalar, find, first_line, head, text_at, to_value
from definitions.planned import STEP_TYPES, is_planned_key
from definitions.shape import STEP_BY_TYPE, is_step, keys_of, model_at, places_of
from definitions.suggestions import did_you_mean, listed

Top = TypeVar("Top", bound=BaseModel)

_MOST_FINDINGS = 100
_FEW = 8
_WANTED = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "`true` or `false`",
    "bool_parsing": "`true` or `false`",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


@dataclass(frozen=True, slots=True)
class Validated:
    """What validation gives: `definition` where nothing is wrong, `mended` where something can be checked on."""

    definition: Definition | None
    mended: Definition | None
    diagnostics: list[Diagnostic]
    broken: frozenset[Path] = frozenset()
    """What was left out or replaced."""


@dataclass(slots=True)
class _Complaint:
    """What pydantic says about one path; several where a union tried its members."""

    path: Path
    errors: list[ErrorDetails] = field(default_factory=list)


def validate(root: Node, file: str) -> Validated:
    """Check the shape of a definition's tree."""
    if not isinstance(root, Mapping):
        message = f"a definition is a mapping, not {kind_of(root)}"
        return Validated(None, None, [Diagnostic("wrong-type", "error", message, file, head(root))])
    value = to_value(root)
    definition, complaints = _attempt(Definition, root, value)
    if definition:
        return Validated(definition, definition, [])
    findings = [finding for complaint in complaints[:_MOST_FINDINGS] for finding in _explain(root, complaint, file)]
    broken = frozenset(complaint.path for complaint in complaints)
    return Validated(None, _mend(root, value, complaints), findings, broken)


def validate_as(top: type[Top], root: Mapping, file: str) -> tuple[Top | None, list[Diagnostic]]:
    """Check the shape of another file of the language (a test file) against its model, in the same words."""
    found, complaints = _attempt(top, root, to_value(root))
    shown = complaints[:_MOST_FINDINGS]
    return found, [finding for complaint in shown for finding in _explain(root, complaint, file, top)]


def kind_of(node: Node) -> str:
    """Return what `node` is, in words."""
    if isinstance(node, Scalar):
        match node.value:
            case None:
                return "nothing"
            case bool():
                return f"`{str(node.value).lower()}`"
            case int() | float():
                return f"the number `{node.text}`"
            case str():
                return "a text"
    return "a mapping" if isinstance(node, Mapping) else "a list"


def _attempt(top: type[Top], root: Mapping, value: JsonValue) -> tuple[Top | None, list[_Complaint]]:
    try:
        return top.model_validate_json(json.dumps(value), strict=True), []
    except ValidationError as error:
        complaints: dict[Path, _Complaint] = {}
        for detail in error.errors(include_url=False):
            path = _path_of(root, detail["loc"], detail["type"])
            complaints.setdefault(path, _Complaint(path)).errors.append(detail)
        return None, _without_union_noise(root, complaints)


def _path_of(root: Node, location: tuple[int | str, ...], error_type: str) -> Path:
    """Return the document path of pydantic's `location`, which also names union members on the way."""
    path: Path = ()
    for index, element in enumerate(location):
        is_tag = is_step(path) and path[-1:] == location[index - 1 : index]
        if is_tag and element == text_at(find(root, path).node, "type"):
            continue
        is_there = len(find(root, (*path, element)).path) == len(path) + 1
        if is_there or (error_type == "missing" and index == len(location) - 1):
            path = (*path, element)
    return path


def _without_union_noise(root: Node, complaints: dict[Path, _Complaint]) -> list[_Complaint]:
    """Where a union's members complain at a path and also deeper, only the deeper ones are about what was meant."""
    above = {path[:length] for path in complaints for length in range(1, len(path))}
    return [
        complaint
        for complaint in complaints.values()
        if complaint.path not in above or isinstance(find(root, complaint.path).node, Scalar)
    ]


# --- words ------------------------------------------------------------------------------------------


def _explain(
    root: Mapping, complaint: _Complaint, file: str, top: type[BaseModel] = Definition
) -> Iterator[Diagnostic]:
    located = find(root, complaint.path)
    first = next((error for error in complaint.errors if _expected(error)), complaint.errors[0])
    match first["type"]:
        case "extra_forbidden":
            yield _unknown_key(root, complaint.path, file, top)
        case "missing" if complaint.path == ("id",):
            yield from _missing_id(root, file)
        case "missing":
            yield _missing_key(root, complaint.path, file)
        case "union_tag_invalid":
            yield _unknown_type(find(root, (*complaint.path, "type")).node, file)
        case "union_tag_not_found":
            yield _missing_key(root, (*complaint.path, "type"), file)
        case "literal_error" | "enum":
            yield _not_among(complaint, located.node, file)
        case kind if kind in _WANTED:
            yield _wrong_type(complaint, located.node, file)
        case _:
            yield _unfit(complaint.path, first, located.node, file)


def _unknown_key(root: Mapping, path: Path, file: str, top: type[BaseModel]) -> Diagnostic:
    key, parent = str(path[-1]), path[:-1]
    located = find(root, path)
    span = located.key.span if located.key else head(located.node)
    if top is Definition and is_planned_key(key, places_of(root, parent)):
        return Diagnostic("unknown-key", "error", f"`{key}` is planned and not there yet", file, span)
    known = keys_of(model_at(root, parent, top))
    help_ = help_for_key(key, places_of(root, parent)) if top is Definition else None
    help_ = help_ or (_key_of_other_types(key) if is_step(parent) else None) or did_you_mean(key, known)
    if help_ is None and 0 < len(known) <= _FEW:
        help_ = f"the keys here are {listed(known)}"
    return Diagnostic("unknown-key", "error", f"no key is called `{_cut(key)}` here", file, span, help=help_)


def _key_of_other_types(key: str) -> str | None:
    owners = [name for name, model in STEP_BY_TYPE.items() if key in keys_of(model)]
    return f"it is a key of {listed(owners)} steps" if owners else None


def _missing_key(root: Mapping, path: Path, file: str) -> Diagnostic:
    key, parent = str(path[-1]), path[:-1]
    node = find(root, parent).node
    span, owner = head(node), "this mapping"
    if is_step(parent):
        kind = text_at(node, "type")
        name = text_at(node, "id")
        owner = f"step `{_cut(name)}`" if name else "this step"
        anchor = node.get("type" if kind and key != "id" else "id") if isinstance(node, Mapping) else None
        span = head(anchor) if anchor else span
        if kind and key != "id":
            owner = f"the {kind} step `{_cut(name)}`" if name else f"this {kind} step"
    elif not parent:
        owner = "the definition"
    help_ = f"add `type:`, one of {listed(STEP_BY_TYPE)}" if key == "type" and is_step(parent) else f"add `{key}:`"
    return Diagnostic("missing-key", "error", f"{owner} has no `{key}`", file, span, help=help_)


def _missing_id(root: Mapping, file: str) -> Iterator[Diagnostic]:
    """Yield the finding about a name that gives no id; where there is no name, that is said already."""
    name = text_at(root, "name")
    if name is not None:
        message = f"no id can be made from the name `{_cut(name)}`"
        yield Diagnostic("missing-key", "error", message, file, head(root.entries["name"].value), help="add `id:`")


def _unknown_type(node: Node, file: str) -> Diagnostic:
    name = node.text if isinstance(node, Scalar) else kind_of(node)
    if name in STEP_TYPES:
        message = f"the step type `{name}` is planned and not there yet"
        return Diagnostic("unknown-step-type", "error", message, file, head(node))
    help_ = did_you_mean(name, STEP_BY_TYPE) or f"the types are {listed(STEP_BY_TYPE)}"
    return Diagnostic(
        "unknown-step-type", "error", f"no step type is called `{_cut(name)}`", file, head(node), help=help_
    )


def _not_among(complaint: _Complaint, node: Node, file: str) -> Diagnostic:
    key = _key_name(complaint.path)
    allowed = [word for error in complaint.errors for word in re.findall(r"'([^']*)'", _expected(error))]
    if not isinstance(node, Scalar):
        return _wrong_type(complaint, node, file)
    others = [_WANTED[error["type"]] for error in complaint.errors if error["type"] in _WANTED]
    help_ = did_you_mean(node.text, allowed) or f"it can be {' or '.join([listed(allowed, 'or'), *others])}"
    return Diagnostic("invalid-value", "error", f"`{key}` cannot be `{_cut(node.text)}`", file, head(node), help=help_)


def _wrong_type(complaint: _Complaint, node: Node, file: str) -> Diagnostic:
    wanted = list(dict.fromkeys(_wanted(error) for error in complaint.errors))
    key = _key_name(complaint.path)
    span = head(node)
    if isinstance(node, Scalar) and wanted == ["a text"] and not isinstance(node.value, str) and node.value is not None:
        return _ambiguous(node, file)
    help_ = None
    if isinstance(node, Scalar) and wanted == ["`true` or `false`"] and node.text.lower() in ("yes", "on", "no", "off"):
        help_ = f"write `{'true' if node.text.lower() in ('yes', 'on') else 'false'}`"
    elif isinstance(node, Scalar) and node.style != "plain" and "number" in wanted[0]:
        help_ = "leave the quotes out"
    elif isinstance(node, Scalar) and wanted == ["a list"] and isinstance(node.value, str):
        help_ = f"write `[{_cut(node.text)}]`" if "\n" not in node.text else None
    message = f"`{key}` must be {' or '.join(wanted)}, not {kind_of(node)}"
    return Diagnostic("wrong-type", "error", message, file, span, help=help_)


def _ambiguous(node: Scalar, file: str) -> Diagnostic:
    written = json.dumps(node.value)
    kind = "boolean" if isinstance(node.value, bool) else "number"
    meaning = f"a {kind}" if written == node.text else f"the {kind} `{written}`"
    message = f"`{_cut(node.text)}` is {meaning}, and a text is wanted here"
    return Diagnostic("ambiguous-scalar", "error", message, file, head(node), help=f'write `"{_cut(node.text)}"`')


def _unfit(path: Path, error: ErrorDetails, node: Node, file: str) -> Diagnostic:
    key, span = _key_name(path), head(node)
    context = error.get("ctx", {})
    help_: str | None = None
    match error["type"]:
        case "value_error":
            message = str(context.get("error", error["msg"]))
        case "string_pattern_mismatch":
            message = f"`{_cut(node.text if isinstance(node, Scalar) else '')}` is not fit for an id"
            help_ = "an id begins with a letter and has letters, digits, `_` and `-`"
        case "greater_than_equal":
            message = f"`{key}` must be at least {context.get('ge')}"
        case "greater_than":
            message = f"`{key}` must be more than {context.get('gt')}"
        case "less_than_equal":
            message = f"`{key}` must be at most {context.get('le')}"
        case "too_short" | "string_too_short":
            message = f"`{key}` must not be empty"
        case _:
            message = f"`{key}`: {error['msg'][:1].lower()}{error['msg'][1:]}"
    return Diagnostic("invalid-value", "error", message, file, _whole(node, span), help=help_)


def _whole(node: Node, span: Span) -> Span:
    return first_line(node.span) if isinstance(node, Scalar) and node.span.line == node.span.end_line else span


def _key_name(path: Path) -> str:
    names = [element for element in path if isinstance(element, str)]
    if path and isinstance(path[-1], int):
        return f"{names[-1]}[{path[-1]}]" if names else str(path[-1])
    return _cut(names[-1]) if names else "the definition"


def _expected(error: ErrorDetails) -> str:
    return str(error.get("ctx", {}).get("expected", ""))


def _wanted(error: ErrorDetails) -> str:
    expected = re.findall(r"'([^']*)'", _expected(error))
    return _WANTED.get(error["type"]) or " or ".join(f"`{word}`" for word in expected) or "something else"


def _cut(text: str | None) -> str:
    shown = (text or "").split("\n")[0]
    return shown if len(shown) <= 60 and shown == text else f"{shown[:60]}…"


# --- going on ---------------------------------------------------------------------------------------

_STAND_INS: dict[str, JsonValue] = {
    "command": "true",
    "prompt": "-",
    "condition": "true",
    "values": {"unknown": None},
    "duration": "1s",
    "steps": [{"id": "unknown_step", "type": "wait", "duration": "1s"}],
    "id": "unknown-definition",
    "name": "unknown",
}
_NOTHING = ""
_MOST_REPAIRS = 4


def _mend(root: Mapping, value: JsonValue, complaints: list[_Complaint]) -> Definition | None:
    """Return the definition with everything that is complained about left out or replaced."""
    for _ in range(_MOST_REPAIRS):
        for complaint in sorted(complaints, key=lambda one: [str(part).rjust(9) for part in one.path], reverse=True):
            _repair(value, complaint)
        try:
            return Definition.model_validate_json(json.dumps(value), strict=True)
        except ValidationError as error:
            details = error.errors(include_url=False)
            complaints = [_Complaint(_path_of(root, one["loc"], one["type"]), [one]) for one in details]
    return None


def _repair(value: JsonValue, complaint: _Complaint) -> None:
    path = complaint.path
    parent = _inside(value, path[:-1])
    key = path[-1] if path else None
    if isinstance(parent, list) and isinstance(key, int) and key < len(parent):
        _repair_item(parent, key, path)
    elif isinstance(parent, dict) and isinstance(key, str):
        parent.pop(key, None)
        if key == "id" and is_step(path[:-1]):
            parent[key] = "_".join(("unknown", *map(str, path)))
        elif key in _STAND_INS:
            parent[key] = _STAND_INS[key]


def _repair_item(items: list[JsonValue], index: int, path: Path) -> None:
    if is_step(path):
        items[index] = _stand_in_step(items[index], path)
    elif items[index] == _NOTHING:
        del items[index]
    else:
        items[index] = _NOTHING  # so that the places of the other items stay right


def _inside(value: JsonValue, path: Path) -> JsonValue:
    for element in path:
        if isinstance(value, dict) and isinstance(element, str):
            value = value.get(element)
        elif isinstance(value, list) and isinstance(element, int) and element < len(value):
            value = value[element]
        else:
            return None
    return value


def _stand_in_step(step: JsonValue, path: Path) -> JsonValue:
    """Return a step that stands for one of an unknown type: its id stays known to the others."""
    known = step if isinstance(step, dict) else {}
    given = known.get("id")
    name = given if isinstance(given, str) else "_".join(("unknown", *map(str, path)))
    return {"id": name, "type": "wait", "duration": "1s"}
