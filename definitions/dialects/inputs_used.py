"""Inputs that a dialect's texts use and nobody declared: required ones, of any type."""

import re
from collections.abc import Iterator

from definitions.diagnostics import Span
from definitions.dialects.grafting import entry, mapping, text
from definitions.dialects.rewriting import CONDITIONS
from definitions.inputs import NAME_PATTERN
from definitions.nodes import Entry, Mapping, Node, Scalar, Sequence

_USED = re.compile(
    r"(?P<string>'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\")"
    r"|(?<![\w.])inputs\s*(?:\.\s*(?P<name>\w+)|\[\s*(?P<quote>['\"])(?P<quoted>\w+)(?P=quote)\s*\])"
)


def declare(root: Mapping) -> tuple[str, ...]:
    """Declare what is used and not declared; return the names."""
    declared = root.get("inputs")
    if declared is None:
        declared = Mapping({}, root.span)
    if not isinstance(declared, Mapping):
        return ()
    added: list[str] = []
    for name, place in list(_used(root, "")):
        if name not in declared.entries and NAME_PATTERN.fullmatch(name):
            written = Scalar(name, name, "plain", place)
            declared.entries[name] = Entry(written, mapping(written, type=text("any", written)))
            added.append(name)
    if added:
        root.entries.setdefault("inputs", entry("inputs", declared))
    return tuple(added)


def _used(node: Node, key: str) -> Iterator[tuple[str, Span]]:
    match node:
        case Scalar(value=str(value)) if "{{" in value or key in CONDITIONS:
            for found in _USED.finditer(value):
                name = found["name"] or found["quoted"]
                if name:
                    yield name, node.span
        case Sequence():
            for item in node.items:
                yield from _used(item, key)
        case Mapping():
            for name, one in node.entries.items():
                yield from _used(one.value, name)
        case _:
            return
