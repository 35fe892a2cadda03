"""What a function of the expression language is, and the table of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from definitions.suggestions import closest

TypeSet = frozenset[str]
"""Type names of `definitions.values.type_name` that fit; empty: any."""

ANY: TypeSet = frozenset()
TEXT: TypeSet = frozenset({"string"})
NUMBER: TypeSet = frozenset({"number"})
BOOLEAN: TypeSet = frozenset({"boolean"})
LIST: TypeSet = frozenset({"list"})
OBJECT: TypeSet = frozenset({"object"})
FILE: TypeSet = frozenset({"string", "file"})

Depth = Literal["top", "whole"]
"""How far stored values inside the arguments are read: the arguments themselves, or all that they hold."""

Kind = Literal["pure", "lazy", "file", "evaluation"]
"""`lazy` gets closures, `file` has no body here, `evaluation` gets the `Evaluation` first."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter: its name in the docs, the types that fit, whether it may be left out or repeated."""

    name: str
    types: TypeSet = ANY
    items: TypeSet = ANY
    """Where it is a list: the types of items that fit."""
    is_optional: bool = False
    is_repeated: bool = False


@dataclass(frozen=True, slots=True)
class Function:
    """A function that expressions may call."""

    name: str
    parameters: tuple[Parameter, ...]
    result: TypeSet
    items: TypeSet
    """Where it gives a list: the types of its items."""
    kind: Kind
    depth: Depth
    is_method: bool
    only_in_when: bool
    doc: str
    example: str
    gives: str
    """What the example gives, as JSON; empty where that depends on files."""
    body: Callable[..., Any]

    @property
    def reads_files(self) -> bool:
        """Whether only an activity can call it."""
        return self.kind == "file"

    @property
    def least(self) -> int:
        """How many arguments it needs."""
        return sum(1 for parameter in self.parameters if not parameter.is_optional)

    @property
    def most(self) -> int | None:
        """How many arguments it takes; None: any number."""
        return None if self.parameters and self.parameters[-1].is_repeated else len(self.parameters)

    def parameter(self, index: int) -> Parameter:
        """Return the parameter that argument `index` belongs to."""
        return self.parameters[min(index, len(self.parameters) - 1)]

    @property
    def signature(self) -> str:
        """Return how it is called, for docs and messages: `round(number, digits?)`."""
        shown = [
            parameter.name + ("…" if parameter.is_repeated else "?" if parameter.is_optional else "")
            for parameter in self.parameters
        ]
        return f"{self.name}({', '.join(shown)})"


FUNCTIONS: dict[str, Function] = {}
"""All functions by name, in the order of the docs."""


def function(
    name: str,
    *parameters: Parameter,
    result: TypeSet,
    example: str,
    gives: str = "",
    items: TypeSet = ANY,
    kind: Kind = "pure",
    depth: Depth = "top",
    is_method: bool = False,
    only_in_when: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Put the decorated body into the table; its docstring is the function's page."""

    def register(body: Callable[..., Any]) -> Callable[..., Any]:
        doc = " ".join((body.__doc__ or "").split())
        FUNCTIONS[name] = Function(
            name, parameters, result, items, kind, depth, is_method, only_in_when, doc, example, gives, body
        )
        return body

    return register


def find(name: str) -> Function | None:
    """Return the function of that name."""
    return FUNCTIONS.get(name)


def suggestion(name: str) -> str | None:
    """Return the name of a function that is spelled nearly like `name`."""
    return closest(name, FUNCTIONS)
