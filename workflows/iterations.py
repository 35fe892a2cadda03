"""`for_each`: the body once for each item, so many side by side as `concurrency` says.

The collection is frozen when the step is first reached: inline where it is small, else in the store, from which it is
read in windows. Each item has a record, `epics[E-12]`. All items begin with the same files.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import JsonValue

from definitions.collections import itemise
from definitions.errors import ExpressionError, StepFailure
from definitions.records import Items, ItemsCall, StepRecord, StepResult
from definitions.steps import Step
from definitions.steps.control import ForEach
from definitions.stored_values import is_value_reference
from workflows.failures import expression_failure, step_failure
from workflows.joins import join, side_by_side
from workflows.paths import key_in_path
from workflows.places import Place, RunFailed
from workflows.scope import references_in

if TYPE_CHECKING:
    from workflows.interpreter import Interpreter


async def run(interpreter: Interpreter, step: Step, for_each: ForEach, place: Place) -> StepRecord:
    """Take every item to its end; return the record of the whole, whose outputs are the items', by key."""
    interpreter.begin(step, place)
    try:
        items = await _freeze(interpreter, for_each, place)
        iteration = Iteration(interpreter, step, for_each, place, items)
        await iteration.run()
        result = await iteration.result()
    except StepFailure as failure:
        return interpreter.fail(step, place.path, failure)
    except RunFailed as failure:
        interpreter.fail(step, place.path, step_failure(failure.error), is_final=True)
        raise
    except asyncio.CancelledError:
        interpreter.cancel(place.path)
        raise
    return interpreter.complete(step, place.path, result)


async def _freeze(interpreter: Interpreter, for_each: ForEach, place: Place) -> Items:
    """Return the collection as it was when the step was first reached."""
    record = interpreter.book.get(place.path)
    if record is not None and record.items is not None:
        return record.items
    value = (await interpreter.evaluator.values({"items": for_each.items}, place))["items"]
    if is_value_reference(value):
        items = await interpreter.host.items(
            ItemsCall(
                run=interpreter.journal.run,
                path=place.path,
                items=value,
                name=for_each.name,
                key=for_each.key,
                values={} if for_each.key is None else _key_values(interpreter, for_each.key, place),
                tree=place.tree,
            )
        )
    else:
        scope = {} if for_each.key is None else _key_values(interpreter, for_each.key, place)
        try:
            keys, values = itemise(value, for_each.name, for_each.key, scope)
        except ExpressionError as error:
            raise expression_failure(error, for_each.key) from error
        items = Items(keys=keys, values=values)
    kept = items if items.digest is None else items.model_copy(update={"values": []})
    interpreter.book.update(place.path, items=kept, finished=0)
    interpreter.host.changed()
    return items


async def item_values(
    interpreter: Interpreter, for_each: ForEach, path: str, key_in_path_: str
) -> dict[str, JsonValue]:
    """Return what the texts of an item see beside the rest, for an item of a `for_each` that was walked before."""
    record = interpreter.book.get(path)
    items = Items() if record is None or record.items is None else record.items
    index = next((index for index, key in enumerate(items.keys) if key_in_path(key) == key_in_path_), None)
    if index is None:
        return {}
    window = items if items.digest is None else await _window(interpreter, path, items, index)
    return _values(for_each, items, index, window.values[index - window.start])


async def _window(interpreter: Interpreter, path: str, items: Items, index: int) -> Items:
    await interpreter.host.may_start()
    return await interpreter.host.items(
        ItemsCall(run=interpreter.journal.run, path=path, digest=items.digest, start=index)
    )


def _values(for_each: ForEach, items: Items, index: int, value: JsonValue) -> dict[str, JsonValue]:
    return {
        for_each.name: value,
        "loop": {"index": index + 1, "key": items.keys[index], "count": len(items.keys)},
    }


def _key_values(interpreter: Interpreter, key: str, place: Place) -> dict[str, JsonValue]:
    return interpreter.scopes.scope(references_in(key), place.frame)


@dataclass(slots=True)
class Iteration:
    """One `for_each` that is being walked."""

    interpreter: Interpreter
    step: Step
    for_each: ForEach
    place: Place
    items: Items
    _next: int = 0
    _window: dict[int, JsonValue] = field(default_factory=dict[int, JsonValue])
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    _finished: int = 0

    async def run(self) -> None:
        """Take the items to their ends. Raises the failure of the first in declared order, where one stops the rest."""
        self._keep(self.items)
        failures: dict[int, StepFailure] = {}
        lanes = min(self.for_each.concurrency, len(self.items.keys))
        await side_by_side([lambda: self._lane(failures)] * lanes)
        if failures:
            raise failures[min(failures)]

    async def result(self) -> StepResult:
        """Return the outputs by key, in item order; null where an item failed."""
        outputs: dict[str, JsonValue] = {}
        trees: dict[str, str | None] = {}
        for key in self.items.keys:
            record = self.interpreter.book.get(self._path(key)) or StepRecord()
            outputs[key] = record.outputs if record.status == "completed" else None
            trees[key] = record.tree
        tree = self.place.tree
        if self.for_each.merge != "outputs":
            texts = self.for_each.merge == "texts"
            tree = await join(self.interpreter, self.place.path, tree, trees, texts=texts)
        stored = await self.interpreter.evaluator.stored(outputs, self.place)
        return StepResult(outputs=stored if isinstance(stored, dict) else {}, tree=tree)

    async def _lane(self, failures: dict[int, StepFailure]) -> bool:
        """Take one item after the other; give False where the others shall stop."""
        while self._next < len(self.items.keys):
            index = self._next
            self._next += 1
            record = await self._one(index, self.items.keys[index])
            self._finished += 1
            self.interpreter.book.update(self.place.path, finished=self._finished)
            if record.status == "failed" and self.for_each.on_error == "stop" and record.error is not None:
                failures[index] = step_failure(record.error)
                return False
        return True

    async def _one(self, index: int, key: str) -> StepRecord:
        book, path = self.interpreter.book, self._path(key)
        record = book.ended(path)
        if record is not None:
            self.interpreter.read_back(path, record)
            return record
        await self.interpreter.host.may_start(is_long=self.step.queue == "agent")
        values = _values(self.for_each, self.items, index, await self._value(index))
        inside = Place(path, self.place.tree, self.place.frame.item(path, values))
        self.interpreter.begin(self.step, inside, of=len(self.items.keys))
        record = await self.interpreter.body(self.step, inside, "item")
        if record.status == "failed" and self.for_each.on_error == "continue":
            record = book.update(path, handled=True)
        book.fold(path)
        return record

    async def _value(self, index: int) -> JsonValue:
        """Return an item's value; a stored collection is read a window at a time."""
        while index not in self._window:
            async with self._reading:
                if index not in self._window:
                    self._keep(await _window(self.interpreter, self.place.path, self.items, index))
        return self._window.pop(index)

    def _keep(self, window: Items) -> None:
        self._window.update((window.start + offset, value) for offset, value in enumerate(window.values))

    def _path(self, key: str) -> str:
        return f"{self.place.path}[{key_in_path(key)}]"
