"""Expressions that read files or stored values, evaluated with the store at hand; the rest is workflow code."""

import asyncio

from pydantic import JsonValue

from activities.file_functions.reader import StoreFileReader
from activities.outputs import spilled
from activities.store.interface import Store
from activities.workspace.manifest import load_manifest
from definitions.errors import ErrorClass, ExpressionError, StepFailure
from definitions.expressions import evaluate_condition, parse_condition
from definitions.records import EvaluateCall, EvaluateResult
from definitions.templates import render_value


async def evaluate(store: Store, call: EvaluateCall) -> EvaluateResult:
    """Return the values of all expressions of the call, big ones as references.

    Raises:
        StepFailure: one of them failed (class `expression`; `details` say which), or the store did.
    """
    return await asyncio.to_thread(_evaluate, store, call)


def _evaluate(store: Store, call: EvaluateCall) -> EvaluateResult:
    manifest = None if call.tree is None else load_manifest(store, call.tree)
    files = StoreFileReader(store, manifest)
    values: dict[str, JsonValue] = {}
    for name, expression in call.expressions.items():
        try:
            values[name] = spilled(store, _value(call, name, expression, files))
        except ExpressionError as error:
            details: dict[str, JsonValue] = {"code": error.code, "expression": name, "position": error.position}
            raise StepFailure(ErrorClass.EXPRESSION, error.message, details) from error
    return EvaluateResult(values=values)


def _value(call: EvaluateCall, name: str, expression: JsonValue, files: StoreFileReader) -> JsonValue:
    if name in call.conditions:
        return evaluate_condition(parse_condition(str(expression)), call.values, files)
    return render_value(expression, call.values, files)
