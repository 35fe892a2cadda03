"""Search attributes of a run: for lists of runs and of open gates, changed per gate and at the end, never per step.

Only those that `prepare` found in the namespace are set: an unregistered one would wedge the run. Each change is
an event in history, and a list of more than 2 KB would end the run; so names are few and cut.
"""

from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributeUpdate

from definitions.records import Gate
from definitions.statuses import ENDED, RunState

APPROVERS_LIMIT = 20
NAME_LIMIT = 60

Value = str | int | list[str]


class Attributes:
    """The search attributes as they were last set."""

    def __init__(self, open_gates: int) -> None:
        self.known: list[str] = []
        self._set: dict[str, Value] = {"PerdureOpenGates": open_gates}

    def waits(self, definition_id: str) -> None:
        """Say which definition waits for its turn."""
        self._write(PerdureDefinition=definition_id, PerdureStatus="pending")

    def started(self, definition_id: str) -> None:
        """Say which definition runs."""
        self._write(PerdureDefinition=definition_id, PerdureStatus="running")

    def follow(self, state: RunState, waiting: list[Gate]) -> None:
        """Follow gates that opened or closed, and the end of the run."""
        if len(waiting) == self._set["PerdureOpenGates"]:
            if state in ENDED:
                self._write(PerdureStatus=state)
            return
        names = [name for gate in waiting for name in [*gate.users, *gate.groups]]
        approvers = [name[:NAME_LIMIT] for name in dict.fromkeys(names)][:APPROVERS_LIMIT]
        self._write(PerdureStatus=state, PerdureOpenGates=len(waiting), PerdureApprovers=approvers)

    def _write(self, **values: Value) -> None:
        changes: list[SearchAttributeUpdate[Any]] = []
        for name, value in values.items():
            if self._set.get(name, []) != value:
                self._set[name] = value
                changes += [_change(name, value)] if name in self.known else []
        if changes:
            workflow.upsert_search_attributes(changes)  # pyright: ignore[reportUnknownMemberType]


def _change(name: str, value: Value) -> SearchAttributeUpdate[Any]:
    match value:
        case str():
            return SearchAttributeKey.for_keyword(name).value_set(value)
        case int():
            return SearchAttributeKey.for_int(name).value_set(value)
        case list():
            key = SearchAttributeKey.for_keyword_list(name)
            return key.value_set(value) if value else key.value_unset()
