"""Nodes of the main language's tree that stand where the author wrote what they are made from."""

from definitions.nodes import Entry, Mapping, Node, Scalar, Sequence

Entries = dict[str, Entry]


def text(value: str, at: Node) -> Scalar:
    """Return a text that stands where `at` stands."""
    style = at.style if isinstance(at, Scalar) else "plain"
    return Scalar(value, value, style, at.span)


def scalar(value: str | int | float | bool | None, at: Node) -> Scalar:
    """Return a value that stands where `at` stands."""
    return Scalar(value, str(value), "plain", at.span)


def entry(key: str, value: Node, at: Node | None = None) -> Entry:
    """Return an entry whose key stands where `at`, or the value, stands."""
    place = value if at is None else at
    return Entry(Scalar(key, key, "plain", place.span), value)


def mapping(at: Node, **values: Node) -> Mapping:
    """Return a mapping made up at one place."""
    return Mapping({key: entry(key, value, at) for key, value in values.items()}, at.span, is_flow=True)


def sequence(at: Node, items: list[Node]) -> Sequence:
    """Return a list made up at one place."""
    return Sequence(items, at.span, is_flow=True)


def renamed(key: str, written: Entry, value: Node | None = None) -> Entry:
    """Return an entry under today's key: findings show the author's."""
    shown = Scalar(key, key, written.key.style, written.key.span)
    return Entry(shown, written.value if value is None else value)


def moved(node: Node, at: Node) -> Node:
    """Return a node of another file, standing where this file refers to it."""
    match node:
        case Scalar():
            return Scalar(node.value, node.text, "plain", at.span)
        case Sequence():
            return Sequence([moved(item, at) for item in node.items], at.span, is_flow=True)
        case Mapping():
            entries = {key: entry(key, moved(one.value, at), at) for key, one in node.entries.items()}
            return Mapping(entries, at.span, is_flow=True)


def copied(node: Node) -> Node:
    """Return a node that can be changed without changing this one."""
    if isinstance(node, Mapping):
        entries = {key: Entry(one.key, copied(one.value)) for key, one in node.entries.items()}
        return Mapping(entries, node.span, node.is_flow)
    if isinstance(node, Sequence):
        return Sequence([copied(item) for item in node.items], node.span, node.is_flow)
    return node
