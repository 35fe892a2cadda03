"""Which values a step sees: `inputs`, `env`, `run`, `steps.ID` of what has ended, `docs`, `loop`, an item's name.

Only what an expression refers to is put together: a scope over all steps would make each
evaluation as long as the run.
"""

from collections.abc import Mapping

from pydantic import JsonValue

from definitions.expressions import parse_condition
from definitions.models import Definition
from definitions.records import StepRecord
from definitions.references import project, references, scope_path
from definitions.steps import all_steps
from definitions.templates import OPENING, parse_template
from workflows.documents import Shelf
from workflows.frames import Frame, Paths
from workflows.ledger import Book

Reference = tuple[str, ...]


def references_in(value: JsonValue) -> frozenset[Reference]:
    """Return what the templates in a value refer to. Raises ExpressionError where one is not valid."""
    if isinstance(value, str):
        found = parse_template(value).references if OPENING in value else ()
        return frozenset(scope_path(reference) for reference in found)
    items = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []
    return frozenset(reference for item in items for reference in references_in(item))


def condition_references(text: str) -> frozenset[Reference]:
    """Return what a condition refers to. Raises ExpressionError where it is not valid."""
    return frozenset(scope_path(reference) for reference in parse_condition(text).references)


def answer_fields(definition: Definition) -> dict[str, list[str]]:
    """Return the fields of each step's outputs that other texts of the definition read, by step id."""
    models = [*definition.outputs.values(), *all_steps(definition.steps)]
    read = {path for model in models for path in references(model) if path[0] == "steps" and path[2:3] == ("outputs",)}
    fields: dict[str, list[str]] = {}
    for path in sorted(path for path in read if len(path) > 3):
        known = fields.setdefault(path[1], [])
        known += [path[3]] if path[3] not in known else []
    return fields


class Scopes:
    """Makes scopes for one definition of a run."""

    def __init__(
        self,
        definition: Definition,
        inputs: Mapping[str, JsonValue],
        env: Mapping[str, JsonValue],
        run: Mapping[str, JsonValue],
        book: Book,
        base: str = "",
    ) -> None:
        self._inputs = dict(inputs)
        self._fixed: dict[str, JsonValue] = {"env": dict(env), "run": dict(run)}
        self.paths = Paths(definition.steps, book)
        self._shelf = Shelf(self.paths, book, base)
        self._book = book
        self.environment = dict(env)
        self.facts = dict(run)

    def scope(self, references: frozenset[Reference], frame: Frame) -> dict[str, JsonValue]:
        """Return the scope of a text in `frame`, as far as `references` need it."""
        steps: dict[str, JsonValue] = {}
        for step_id in self._mentioned(references):
            record = self._own(step_id, frame)
            if record is None and (path := self.paths.find(step_id, frame)) is not None:
                record = self._book.get(path)
            if record is not None:
                steps[step_id] = step_entry(record)
        values = {"inputs": {**self._inputs, **self._book.inputs}, **self._fixed, "steps": steps}
        if any(reference[0] == "docs" for reference in references):
            values["docs"] = self._shelf.visible(frame.here)
        return {**values, **frame.visible()}

    def projection(self, references: frozenset[Reference], frame: Frame) -> dict[str, JsonValue]:
        """Return just the values referred to: what travels to an activity."""
        return project(self.scope(references, frame), references)

    def has_ended(self, references: frozenset[Reference], frame: Frame) -> bool:
        """Whether every step referred to has ended."""
        return all(self.paths.find(step_id, frame) is not None for step_id in self._mentioned(references))

    def _own(self, step_id: str, frame: Frame) -> StepRecord | None:
        """Return the result of a step that the text stands in or belongs to.

        Until somebody decides over this visit, the feedback is what sent back the one before: for all passes of a loop.
        """
        owning = frame.owning(step_id)
        if owning is None:
            return None
        record, path = owning.results[step_id], owning.visit_before(step_id)
        before = None if path is None else self._book.get(path)
        if before is None or not before.reworked or record.acceptance is not None:
            return record
        return record.model_copy(update={"acceptance": before.acceptance})

    def _mentioned(self, references: frozenset[Reference]) -> list[str]:
        if ("steps",) in references:
            return list(self.paths)
        named = {reference[1] for reference in references if reference[0] == "steps" and len(reference) > 1}
        return sorted(step_id for step_id in named if step_id in self.paths)


def step_entry(record: StepRecord) -> dict[str, JsonValue]:
    """Return what expressions see as `steps.ID`."""
    return {
        "outputs": record.outputs,
        "artifacts": record.artifacts,
        "status": record.status,
        "cached": record.cached,
        "error": None if record.error is None else record.error.model_dump(mode="json"),
        "feedback": None if record.acceptance is None else record.acceptance.comment,
    }
