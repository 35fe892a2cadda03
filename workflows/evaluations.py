"""Values and conditions: pure where they can be, by an activity where they read files or big values."""

from pydantic import JsonValue

from definitions.errors import ExpressionError, StepFailure
from definitions.expressions import FilesNeeded, evaluate_condition, parse_condition
from definitions.records import EvaluateCall, RunHandle
from definitions.stored_values import INLINE_LIMIT, json_size
from definitions.templates import render_value
from workflows.failures import expression_failure
from workflows.host import Host
from workflows.places import Place
from workflows.scope import Reference, Scopes, condition_references, references_in

SUMMARY_LIMIT = 200


class Evaluator:
    """Evaluates the texts of one definition of a run."""

    def __init__(self, scopes: Scopes, host: Host, run: RunHandle) -> None:
        self._scopes = scopes
        self._host = host
        self._run = run

    async def condition(self, text: str, place: Place) -> bool:
        """Return whether a condition holds. Raises StepFailure (class `expression`)."""
        known: frozenset[Reference] = frozenset()
        try:
            known = condition_references(text)
            return evaluate_condition(parse_condition(text), self._scopes.scope(known, place.frame))
        except FilesNeeded:
            values = await self._evaluate({"condition": text}, ["condition"], known, place)
            return values["condition"] is True
        except ExpressionError as error:
            raise expression_failure(error, text) from error

    async def values(self, templates: dict[str, JsonValue], place: Place) -> dict[str, JsonValue]:
        """Return templates' values by name; big ones as references. Raises StepFailure (class `expression`)."""
        known: frozenset[Reference] = frozenset()
        try:
            known = references_in(templates)
            scope = self._scopes.scope(known, place.frame)
            rendered = {name: render_value(template, scope) for name, template in templates.items()}
        except FilesNeeded:
            return await self._evaluate(templates, [], known, place)
        except ExpressionError as error:
            raise expression_failure(error) from error
        if all(json_size(value) <= INLINE_LIMIT for value in rendered.values()):
            return rendered
        return await self._evaluate(templates, [], known, place)

    async def text(self, template: str, place: Place) -> str:
        """Return a template as text for people; what cannot be evaluated stands as it was written."""
        try:
            value = (await self.values({"text": template}, place))["text"]
        except StepFailure:
            return template
        return value if isinstance(value, str) else template

    async def stored(self, value: JsonValue, place: Place) -> JsonValue:
        """Return a value that was computed here, as a reference where it is too big to travel."""
        if json_size(value) <= INLINE_LIMIT:
            return value
        await self._host.may_start()
        call = EvaluateCall(
            run=self._run,
            path=place.path,
            expressions={"value": "{{ result }}"},
            values={"result": value},
            tree=place.tree,
        )
        return (await self._host.evaluate(call))["value"]

    async def files(self, paths: dict[str, str], place: Place) -> dict[str, JsonValue]:
        """Return what stands for files of the workspace, by name. Raises StepFailure where one is not there."""
        if not paths:
            return {}
        await self._host.may_start()
        call = EvaluateCall(
            run=self._run,
            path=place.path,
            expressions={name: f"{{{{ result.{name} }}}}" for name in paths},
            files=list(paths),
            values={"result": dict(paths)},
            tree=place.tree,
        )
        return await self._host.evaluate(call)

    def summary(self, template: str, place: Place) -> str:
        """Return a step's one line for people; what cannot be evaluated at once stands as it was written."""
        try:
            rendered = render_value(template, self._scopes.scope(references_in(template), place.frame))
        except (ExpressionError, FilesNeeded):
            return template
        return str(rendered)[:SUMMARY_LIMIT]

    async def _evaluate(
        self, expressions: dict[str, JsonValue], conditions: list[str], known: frozenset[Reference], place: Place
    ) -> dict[str, JsonValue]:
        await self._host.may_start()
        call = EvaluateCall(
            run=self._run,
            path=place.path,
            expressions=expressions,
            conditions=conditions,
            values=self._scopes.projection(known, place.frame),
            tree=place.tree,
        )
        return await self._host.evaluate(call)
