"""`docs`: what steps stored, by scope.

An item of a `for_each` with a `scope` has documents of its own: it sees them first, then those of the scopes around
it, never those of the items beside it. Outside, `docs.SCOPE[KEY].NAME` is an item's document. Read from the ledger
each time, so nothing is lost when a run goes on in another history.
"""

from collections.abc import Iterator
from typing import cast
from urllib.parse import unquote

from pydantic import JsonValue

from definitions.steps import WorkflowStep
from workflows.frames import Paths
from workflows.ledger import Book
from workflows.paths import parts

Scope = tuple[tuple[str, str], ...]
"""The scopes around a path, the outermost first: their names, and the item's key in the path."""


class Shelf:
    """The documents of one definition of a run; `base` is the path under which it runs, empty for the run's own."""

    def __init__(self, paths: Paths, book: Book, base: str) -> None:
        self._paths = paths
        self._book = book
        self._base = f"{base}/" if base else ""

    def visible(self, here: str) -> dict[str, JsonValue]:
        """Return `docs` as a text at path `here` sees it."""
        mine = self._scope(here) or ()
        levels: list[dict[str, JsonValue]] = [{} for _ in range(len(mine) + 1)]
        for scope, documents in self._stored():
            if scope == mine[: len(scope)]:
                levels[len(scope)].update(documents)
            elif self._is_seen_from_outside(scope, mine):
                (name, key), level = scope[-1], levels[len(scope) - 1]
                items = cast("dict[str, JsonValue]", level.setdefault(name, {}))
                cast("dict[str, JsonValue]", items.setdefault(key, {})).update(documents)
        return {name: value for level in levels for name, value in level.items()}

    def _stored(self) -> Iterator[tuple[Scope, dict[str, JsonValue]]]:
        for path, record in self._book.records.items():
            if (
                record.documents
                and not record.produced
                and path.startswith(self._base)
                and (scope := self._scope(path)) is not None
            ):
                yield scope, record.documents

    @staticmethod
    def _is_seen_from_outside(scope: Scope, mine: Scope) -> bool:
        """Whether a scope lies directly in one of mine, and is not that of a sibling."""
        around = len(scope) - 1
        if scope[:around] != mine[:around]:
            return False
        return around >= len(mine) or scope[around][0] != mine[around][0]

    def _scope(self, path: str) -> Scope | None:
        """Return the scopes around a path; None where it is inside another definition."""
        found: list[tuple[str, str]] = []
        relative = path[len(self._base) :] if path.startswith(self._base) else ""
        for part in parts(relative):
            if part.step_id not in self._paths:
                continue
            step = self._paths.step(part.step_id)
            if isinstance(step, WorkflowStep) and part.path != relative:
                return None
            if part.key is not None and step.for_each is not None and step.for_each.scope is not None:
                found.append((step.for_each.scope, unquote(part.key)))
        return tuple(found)
