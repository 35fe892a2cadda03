"""A YAML or JSON document as a tree in which every value knows where it stands.

`yaml_guard` builds it, `spellings` changes it, `validation` turns it into plain values, and every check
asks it for places: `find(root, ("steps", 0, "command"))`. A path holds keys and indexes.
"""

from collections.abc import Sequence as Offsets
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

from definitions.diagnostics import Span

Path = tuple[str | int, ...]
Style = Literal["plain", "single", "double", "literal", "folded"]


@dataclass(slots=True)
class Scalar:
    """A text, number, boolean or null; `text` is what was written, after unquoting."""

    value: str | int | float | bool | None
    text: str
    style: Style
    span: Span
    origin: "Origin | None" = None
    """What the author wrote, where this was made from it (`definitions.dialects`)."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The text that another was made from, and where each character of the new one stands in it."""

    node: Scalar
    offsets: Offsets[int]

    def stretch(self, start: int, width: int) -> tuple[int, int]:
        """Return where a stretch of the new text begins in the author's, and how wide it is there."""
        if not self.offsets:
            return 0, 1
        first = self.offsets[min(start, len(self.offsets) - 1)]
        last = self.offsets[min(start + max(width, 1), len(self.offsets)) - 1]
        return first, max(last - first + 1, 1)


@dataclass(slots=True)
class Sequence:
    """A list."""

    items: list["Node"]
    span: Span
    is_flow: bool = False


@dataclass(slots=True)
class Entry:
    """A key of a mapping, and its value."""

    key: Scalar
    value: "Node"


@dataclass(slots=True)
class Mapping:
    """Keys and values, in written order."""

    entries: dict[str, Entry]
    span: Span
    is_flow: bool = False

    def get(self, key: str) -> "Node | None":
        """Return the value of `key`, None where it is absent."""
        entry = self.entries.get(key)
        return entry.value if entry else None


Node = Scalar | Sequence | Mapping


@dataclass(slots=True)
class Located:
    """What a path leads to. Where it leads nowhere, `node` is the last thing on the way."""

    node: Node
    key: Scalar | None = None
    path: Path = field(default=())


def to_value(node: Node) -> JsonValue:
    """Return the plain value."""
    match node:
        case Scalar():
            return node.value
        case Sequence():
            return [to_value(item) for item in node.items]
        case Mapping():
            return {key: to_value(entry.value) for key, entry in node.entries.items()}


def find(root: Node, path: Path) -> Located:
    """Return the value at `path`, or the nearest one around it."""
    located = Located(root)
    for step in path:
        node = located.node
        if isinstance(node, Mapping) and isinstance(step, str) and step in node.entries:
            entry = node.entries[step]
            located = Located(entry.value, entry.key, (*located.path, step))
        elif isinstance(node, Sequence) and isinstance(step, int) and 0 <= step < len(node.items):
            located = Located(node.items[step], None, (*located.path, step))
        else:
            break
    return located


def text_at(mapping: Node | None, key: str) -> str | None:
    """Return the text under `key` of a mapping, None where there is no text."""
    node = mapping.get(key) if isinstance(mapping, Mapping) else None
    return node.value if isinstance(node, Scalar) and isinstance(node.value, str) else None


def head(node: Node) -> Span:
    """Return the smallest span that shows where `node` begins: a scalar whole, else its first token."""
    match node:
        case Scalar():
            return first_line(node.span, node.text if node.style == "plain" else None)
        case Mapping() if not node.is_flow and node.entries:
            return next(iter(node.entries.values())).key.span
        case Sequence() if not node.is_flow and node.items:
            return head(node.items[0])
        case _:
            return Span(node.span.line, node.span.column, node.span.line, node.span.column + 1)


def first_line(span: Span, text: str | None = None) -> Span:
    """Return `span` cut to its first line (a block scalar shows its `|`)."""
    if span.line == span.end_line:
        return span
    words = text.split(maxsplit=1) if text else []
    width = len(words[0]) if words else 1
    return Span(span.line, span.column, span.line, span.column + max(width, 1))
