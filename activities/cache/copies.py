"""Copies of files that a result holds: what a step declared as an output or an artifact.

Where `cache.inputs` picks some files only, a result may be taken on a tree in which other files are others. A declared
file that the step did not change would then be a copy of what it was at that time.
"""

import posixpath
from collections.abc import Iterator

from pydantic import JsonValue

from activities.artifacts.content import content_at
from activities.cache.records import CacheRecord
from activities.store.interface import Store
from activities.workspace.manifest import Manifest, printable
from definitions.errors import StepFailure
from definitions.steps import ShellStep, Step
from definitions.stored_values import is_file_reference, is_folder_reference


def stale_copy(store: Store, step: Step, record: CacheRecord, after: Manifest | None) -> str | None:
    """Return why a result's copies do not fit the tree that it would give; None where they do. Blocks."""
    if after is None:
        return None
    for path, kept in _copies(step, record):
        digest = _digest_at(store, after, path, kept)
        if digest is not None and digest != kept.get("digest"):
            return f"`{printable(path)}`, of which the result holds a copy, is not what it was then"
    return None


def _copies(step: Step, record: CacheRecord) -> Iterator[tuple[str, dict[str, JsonValue]]]:
    for declared, kept in ((_files(step), record.outputs), (step.artifacts, record.artifacts)):
        for name, path in declared.items():
            value = kept.get(name)
            if is_file_reference(value) or is_folder_reference(value):
                yield posixpath.normpath(path), value


def _files(step: Step) -> dict[str, str]:
    """Return the files that outputs are copies of, by the outputs' names."""
    if not isinstance(step, ShellStep):
        return {}
    return {name: path for name, path in step.outputs.items() if isinstance(path, str) and "{{" not in path}


def _digest_at(store: Store, tree: Manifest, path: str, kept: dict[str, JsonValue]) -> str | None:
    """Return what is at a path now; None where the tree cannot tell (it is a link, or of a folder of caches)."""
    if is_folder_reference(kept):
        try:
            return content_at(store, tree, path, "copy").digest
        except StepFailure:
            return None
    entry = tree.find(path)
    return entry.digest if entry is not None and entry.type == "f" else None
