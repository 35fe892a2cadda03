"""`artifact` steps: publish or fetch, and nothing else. What is fetched lies in the workspace already."""

import asyncio

from pydantic import JsonValue

from activities.artifacts.content import reference_to
from activities.artifacts.step_artifacts import facts_of, publish_for
from activities.artifacts.versions import ArtifactVersion
from activities.executors.interface import Execution, Outcome
from activities.file_functions.reader import StoreFileReader
from activities.workspace.manifest import load_manifest
from definitions.records import StepResult

_NOTHING = ("name", "version", "kind", "digest", "size", "media_type", "metadata", "file")


class ArtifactExecutor:
    """Runs `artifact` steps; `activities.executors.interface.Executor`."""

    async def identity(self, execution: Execution) -> dict[str, JsonValue]:
        """Return nothing: such steps are not cached."""
        return {}

    async def execute(self, execution: Execution) -> Outcome:
        """Publish, or tell what was fetched. Raises `StepFailure`, `ExpressionError`."""
        if execution.step.publications:
            execution.published += await asyncio.to_thread(_publish, execution)
        for version in (*execution.published, *execution.fetched):
            return Outcome(facts_of(version, reference_to(version)))
        return Outcome(dict.fromkeys(_NOTHING))


def _publish(execution: Execution) -> list[ArtifactVersion]:
    store, call = execution.store, execution.call
    manifest = None if call.tree is None else load_manifest(store, call.tree)
    files = StoreFileReader(store, manifest)
    nothing = StepResult(tree=call.tree)
    return publish_for(store, execution.step, call, execution.context, nothing, manifest, files, execution.fetched)
