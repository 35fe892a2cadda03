"""A store that is away at certain calls: before anything of them is done, or after all of it."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from activities.store.interface import Arrival, Store, StoreAway


class FlakyStore:
    """Raises `StoreAway` for calls by name, as often as `absences` says; all else goes to a real store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.absences = 0
        self.is_late = False
        """Whether the call is done before it is told to have failed: an answer was lost."""
        self.breaks_listing_at: int | None = None
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if not callable(found):
            return found

        def asked(*arguments: Any, **named: Any) -> Any:
            self.calls.append(name)
            if name in ("list_keys", "list_entries", "list_blobs"):
                return self._listed(found, *arguments)
            if name == "arriving":
                return self._in_pairs(*arguments)
            if self.absences == 0:
                return found(*arguments, **named)
            self.absences -= 1
            if self.is_late:
                found(*arguments, **named)
            raise StoreAway("the store `flaky` does not answer; see that it is there")

        return asked

    def _in_pairs(self, digests: Iterable[str]) -> Iterator[Arrival]:
        wanted = sorted(digests)
        for start in range(0, len(wanted), 2):
            if self.absences:
                self.absences -= 1
                raise StoreAway("the store `flaky` broke off; see that it is there")
            yield Arrival(frozenset(wanted[start : start + 2]))

    def _listed(self, found: Callable[..., Iterator[Any]], *arguments: Any) -> Iterator[Any]:
        for number, one in enumerate(found(*arguments)):
            if self.breaks_listing_at == number and self.absences:
                self.absences -= 1
                raise StoreAway("the store `flaky` broke off; see that it is there")
            yield one
