"""An expression as a tree: what the compiler understood, for those who judge a text without running it.

The closures of `code` run; this tree is read, by `definitions.types`. Spans count in the author's text. Python's own
tree is not kept: it has other positions, names made fit for its parser, and nodes that the language does not have.
"""

from dataclasses import dataclass

from pydantic import JsonValue

from definitions.expressions.paths import Key, Span


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, string, boolean or null."""

    value: JsonValue
    span: Span


@dataclass(frozen=True, slots=True)
class Listed:
    """`[a, b]`."""

    items: tuple["Tree", ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Mapped:
    """`{"a": b}`."""

    entries: tuple[tuple["Tree", "Tree"], ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Named:
    """A name of the scope: where every reference begins."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Entry:
    """`holder.key`, `holder["key"]`, `holder[0]`: an entry whose key is known without values."""

    holder: "Tree"
    key: Key
    key_span: Span
    span: Span


@dataclass(frozen=True, slots=True)
class Indexed:
    """`holder[key]` with a key that is itself computed."""

    holder: "Tree"
    key: "Tree"
    span: Span


@dataclass(frozen=True, slots=True)
class Called:
    """A call; in `x.f(a)` the first argument is `x`."""

    function: str
    arguments: tuple["Tree", ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Compared:
    """`a < b`, or a chain of such."""

    signs: tuple[str, ...]
    operands: tuple["Tree", ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Joined:
    """`a and b`, `a or b`."""

    word: str
    operands: tuple["Tree", ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Signed:
    """`not a`, `-a`, `+a`."""

    sign: str
    operand: "Tree"
    span: Span


@dataclass(frozen=True, slots=True)
class Calculated:
    """`a + b` and its kin."""

    sign: str
    left: "Tree"
    right: "Tree"
    span: Span


@dataclass(frozen=True, slots=True)
class Chosen:
    """`a if test else b`."""

    test: "Tree"
    then: "Tree"
    otherwise: "Tree"
    span: Span


Tree = Literal | Listed | Mapped | Named | Entry | Indexed | Called | Compared | Joined | Signed | Calculated | Chosen
