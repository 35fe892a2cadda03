"""What a step hands on: its type's own outputs, the declared ones, artifacts. All small, or references.

On `shell`, a declared output without `{{` is a file: an immutable copy made when the step ends. Elsewhere, and
with `{{`, it is a template over the step's own result (`steps.ID.outputs.…`, or `result.…`).
"""

from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from activities.artifacts.content import content_at
from activities.store.interface import Store
from activities.workspace.manifest import Manifest
from definitions.errors import ErrorClass, StepFailure
from definitions.expressions import FileReader
from definitions.steps import ShellStep, Step
from definitions.stored_values import INLINE_LIMIT, file_reference, folder_reference, json_size, value_reference
from definitions.templates import render_value
from definitions.values import canonical_json


def declared_outputs(
    store: Store,
    step: Step,
    own: Mapping[str, JsonValue],
    folder: Path,
    scope: Mapping[str, JsonValue],
    files: FileReader,
) -> dict[str, JsonValue]:
    """Return all outputs of a step: its own, and those that the author declared.

    Raises:
        StepFailure: A file is missing (class `output`).
        ExpressionError: A template cannot be evaluated on the result.
    """
    outputs = dict(own)
    for name, declared in step.outputs.items():
        if isinstance(step, ShellStep) and isinstance(declared, str) and "{{" not in declared:
            outputs[name] = keep_file(store, folder, declared, f"output `{name}`")
        else:
            outputs[name] = render_value(declared, own_scope(step, own, scope), files)
    return {name: spilled(store, value) for name, value in outputs.items()}


def own_scope(step: Step, own: Mapping[str, JsonValue], scope: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the scope in which a step's declared outputs are rendered: with its own result in it."""
    steps = scope.get("steps")
    others = dict(steps) if isinstance(steps, dict) else {}
    entry: dict[str, JsonValue] = {
        "outputs": dict(own),
        "artifacts": {},
        "status": "completed",
        "error": None,
        "cached": False,
    }
    return {**scope, "steps": {**others, step.id: entry}, "result": dict(own)}


def kept_artifacts(store: Store, step: Step, folder: Path, manifest: Manifest | None = None) -> dict[str, JsonValue]:
    """Return references to the files and folders that the step keeps. Raises StepFailure where one is missing.

    Folders are taken from `manifest`, the tree after the step; where a run has no workspace, only files are kept.
    """
    kept: dict[str, JsonValue] = {}
    for name, path in step.artifacts.items():
        what = f"artifact `{name}`"
        if manifest is not None and (folder / path).is_dir():
            content = content_at(store, manifest, path, what)
            kept[name] = folder_reference(path.removeprefix("./"), content.digest, content.size, content.files)
        else:
            kept[name] = keep_file(store, folder, path, what)
    return kept


def keep_file(store: Store, folder: Path, path: str, what: str) -> dict[str, JsonValue]:
    """Keep an immutable copy of a file of the workspace; return its reference."""
    target = (folder / path).resolve()
    if not target.is_relative_to(folder.resolve()):
        raise StepFailure(ErrorClass.OUTPUT, f"{what}: `{path}` lies outside the workspace", {"path": path})
    if not target.is_file():
        kind = "is a folder, not a file" if target.is_dir() else "was not made by the step"
        raise StepFailure(ErrorClass.OUTPUT, f"{what}: `{path}` {kind}", {"path": path})
    digest, size = store.write_blob_from(target)
    return file_reference(path.removeprefix("./"), digest, size)


def spilled(store: Store, value: JsonValue) -> JsonValue:
    """Return a value as it travels: inline when small, else a reference to its blob."""
    size = json_size(value)
    if size <= INLINE_LIMIT:
        return value
    return value_reference(store.write_blob(canonical_json(value).encode("utf-8", "surrogatepass")), size)
