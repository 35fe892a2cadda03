"""Expressions that read files or stored values, evaluated with the store at hand; the rest is workflow code."""

import asyncio
import posixpath

from pydantic import JsonValue

from activities.file_functions.reader import StoreFileReader
from activities.outputs import spilled
from activities.store.interface import Store
from activities.workspace.manifest import Manifest, load_manifest
from definitions.errors import ErrorClass, ExpressionError, StepFailure
from definitions.expressions import evaluate_condition, parse_condition
from definitions.records import EvaluateCall, EvaluateResult
from definitions.stored_values import file_reference
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
            value = _value(call, name, expression, files)
            values[name] = spilled(store, value if name not in call.files else _file(manifest, name, value))
        except ExpressionError as error:
            details: dict[str, JsonValue] = {"code": error.code, "expression": name, "position": error.position}
            raise StepFailure(ErrorClass.EXPRESSION, error.message, details) from error
    return EvaluateResult(values=values)


def _file(manifest: Manifest | None, name: str, path: JsonValue) -> JsonValue:
    """Return what stands for a file of the workspace. Raises StepFailure where there is none."""
    entry = None if manifest is None else manifest.find(posixpath.normpath(str(path)))
    if entry is None or entry.type != "f":
        message = f"input `{name}`: the workspace has no file `{path}`"
        raise StepFailure(ErrorClass.EXPRESSION, message, {"code": "no-such-file"})
    return file_reference(entry.path, entry.digest, entry.size)


def _value(call: EvaluateCall, name: str, expression: JsonValue, files: StoreFileReader) -> JsonValue:
    if name in call.conditions:
        return evaluate_condition(parse_condition(str(expression)), call.values, files)
    return render_value(expression, call.values, files)
