"""From an expression's tree to its type; on the way, all that can never work.

Each part is looked at once. A part that is at fault has the type `ANY`, so that one mistake is said once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from definitions.expressions.paths import Span
from definitions.expressions.tree import (
    Calculated,
    Called,
    Chosen,
    Compared,
    Entry,
    Indexed,
    Joined,
    Listed,
    Literal,
    Mapped,
    Named,
    Signed,
    Tree,
)
from definitions.types import calls, lookups, operations
from definitions.types.faults import Fault
from definitions.types.type import ANY, BOOLEAN, STRING, Type, join, joined, list_of, record, type_of

if TYPE_CHECKING:
    from definitions.nodes import Path
    from definitions.steps import Step

_MOST_ARMS = 16


class Scope(Protocol):
    """What names mean."""

    def named(self, name: str, owner: "Step | None" = None) -> Type:
        """Return what a name is."""
        ...

    def step(self, name: str, owner: "Step | None" = None) -> Type:
        """Return what `steps.NAME` is."""
        ...


@dataclass(slots=True)
class Inference:
    """The types in one expression."""

    scope: Scope
    text: str
    owner: "Step | None" = None
    """The step whose own result may be read, where it may."""
    faults: list[Fault] = field(default_factory=list[Fault])
    defaults: int = 0
    """How many `default(…)` or `exists(…)` stand around what is looked at."""
    _known: dict[int, Type] = field(default_factory=dict[int, Type])

    def of(self, tree: Tree) -> Type:
        """Return the type of a part."""
        known = self._known.get(id(tree))
        if known is None:
            known = self._known[id(tree)] = self._look(tree)
        return known

    def _look(self, tree: Tree) -> Type:
        match tree:
            case Literal():
                return type_of(tree.value)
            case Named():
                return self.scope.named(tree.name, self.owner)
            case Entry():
                return self._path(tree)
            case Indexed():
                return lookups.indexed(self, tree)
            case Called():
                return calls.called(self, tree)
            case Listed():
                return list_of(joined(self.of(item) for item in tree.items))
            case Mapped():
                return self._object(tree)
            case _:
                return self._operation(tree)

    def _operation(self, tree: Compared | Joined | Signed | Calculated | Chosen) -> Type:
        match tree:
            case Compared():
                operations.compared(self, tree)
                return BOOLEAN
            case Joined():
                for operand in tree.operands:
                    self.want(operand, BOOLEAN, f"what `{tree.word}` joins")
                return BOOLEAN
            case Signed():
                return operations.signed(self, tree)
            case Calculated():
                return operations.calculated(self, tree)
            case Chosen():
                self.want(tree.test, BOOLEAN, "what stands after `if`")
                return join(self.of(tree.then), self.of(tree.otherwise))

    def _path(self, tree: Entry) -> Type:
        """Return the type of a path, from its beginning on: one may have two thousand keys, and Python's stack less."""
        holders: list[Entry] = []
        holder = tree.holder
        while isinstance(holder, Entry) and id(holder) not in self._known:
            holders.append(holder)
            holder = holder.holder
        for one in reversed(holders):
            self._known[id(one)] = lookups.entry(self, one)
        return lookups.entry(self, tree)

    def _object(self, tree: Mapped) -> Type:
        fields: dict[str, Type] = {}
        names: list[str | None] = []
        for key, value in tree.entries:
            self.want(key, STRING, "a key of an object")
            name = key.value if isinstance(key, Literal) and isinstance(key.value, str) else None
            names.append(name)
            found = self.of(value)
            if name is not None:
                fields[name] = found
        if "$file" in fields or "$value" in fields:
            return ANY
        return record(fields, "unknown" if None in names else "none")

    # --- parts that may be one thing or another -----------------------------------------------------

    def arms(self, tree: Tree) -> list[tuple[Tree, Type]]:
        """Return what an author wrote as either one or the other: each must fit where it stands."""
        found = list(self._arms(tree))
        return found if len(found) <= _MOST_ARMS else [(tree, self.of(tree))]

    def _arms(self, tree: Tree) -> Iterator[tuple[Tree, Type]]:
        self.of(tree)
        match tree:
            case Chosen():
                yield from self._arms(tree.then)
                yield from self._arms(tree.otherwise)
            case Called(function="default", arguments=(first, second)):
                if not self.of(first).is_just("null"):
                    yield first, self.of(first).present
                if calls.may_be_absent(self, first):
                    yield from self._arms(second)
            case _:
                yield tree, self.of(tree)

    # --- faults -------------------------------------------------------------------------------------

    def want(self, tree: Tree, wanted: Type, what: str) -> None:
        """Say that `what` must be `wanted`, where a part can never be that."""
        for arm, found in self.arms(tree):
            if found.is_known and not found.may_be(*wanted.kinds):
                message = f"{what} must be {wanted.in_words}, and {self.quote(arm.span)} is {found.in_words}"
                self.report("type-mismatch", message, arm.span, _conversion(wanted, found), found.origin)

    def report(  # a finding has many facts
        self, code: str, message: str, span: Span, help_: str | None = None, origin: "Path | None" = None
    ) -> Type:
        """Take note of a fault; return the type of what is at fault."""
        self.faults.append(Fault(code, message, span, help_, origin))
        return ANY

    def doubt(self, code: str, message: str, span: Span, help_: str | None, origin: "Path | None") -> None:
        """Take note of what works and can never mean anything."""
        self.faults.append(Fault(code, message, span, help_, origin, "warning"))

    def quote(self, span: Span) -> str:
        """Return a piece of the author's text as messages show it."""
        text = " ".join(self.text[span[0] : span[1]].split())
        return f"`{text if len(text) <= 60 else text[:57] + '…'}`"


def _conversion(wanted: Type, found: Type) -> str | None:
    is_text = found.present.is_just("string")
    if wanted.is_just("boolean") and is_text:
        return "compare it: `… == 'true'`"
    if wanted.is_just("boolean"):
        return "compare it with something (`==`, `>`, `in`)"
    if wanted.is_just("number") and is_text:
        return "convert it with `float(…)` or `int(…)`"
    if wanted.is_just("string") and found.present.is_just("number"):
        return "convert it with `str(…)`"
    return None
