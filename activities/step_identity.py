"""Whether a step is cached, and the key of one about to run.

The key is of its rendered body, its tool, its files and its declared environment.
"""

import asyncio
import hashlib
from collections.abc import Iterator, Mapping, Sequence

from pydantic import JsonValue

from activities.artifacts.versions import ArtifactVersion
from activities.cache.keys import CacheKey, occurrence_of, steady
from activities.executors.interface import Execution, Executor
from activities.heavy_trees import key_on
from activities.workspace.manifest import Manifest
from definitions.records import RunContext
from definitions.references import project, references_of, texts
from definitions.shell_values import by_file
from definitions.steps import AgentStep, ShellStep, Step
from definitions.steps.base import CachePolicy
from definitions.stored_values import is_file_reference, is_folder_reference, is_value_reference


def is_cached(step: Step, context: RunContext) -> bool:
    """Return whether the author wants a step's result taken from the cache."""
    says_nothing = step.cache is None and step.cache_key is None and step.use_cache is None
    if says_nothing:
        return context.cache_default and isinstance(step, ShellStep | AgentStep)
    return step.is_cached


def policy_of(step: Step) -> CachePolicy:
    """Return what the author says of a step's caching."""
    return step.cache if isinstance(step.cache, CachePolicy) else CachePolicy()


async def step_key(executor: Executor, execution: Execution, manifest: Manifest | None) -> CacheKey:
    """Return the key of a rendered step on the tree of `manifest`. Raises StepFailure where a tool is missing."""
    step = execution.step
    policy = policy_of(step)
    hidden = execution.secret_versions
    environment = execution.environment
    named = {name: environment[name] for name in policy.env if name in environment and name not in hidden}
    values: dict[str, JsonValue] = {**execution.bindings, **_digested(by_file(execution.bindings))}
    for place, digest in _digests(execution.call.values):
        values[f"content of {place}"] = digest
    if read := _read_by_outputs(step, execution.call.values):
        values["outputs read"] = read
    if hidden:
        values["secret versions"] = hidden
    if execution.fetched:
        values["artifacts"] = _artifacts(step, execution.fetched)
    if execution.call.answer_fields:
        values["answer fields"] = list(execution.call.answer_fields)
    return await asyncio.to_thread(
        key_on,
        execution.store,
        manifest,
        step.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        globs=policy.inputs,
        identity=await executor.identity(execution),
        values=values,
        environment={**steady(named), **execution.context.definition_environment, **step.env},
        salt=policy.salt,
        epoch=policy.epoch,
        component=step.cache_key,
        occurrence=occurrence_of(execution.call.path) if isinstance(step, AgentStep) else (),
    )


def _read_by_outputs(step: Step, scope: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return what the templates of declared outputs read beside the step's own result: they are made after it."""
    read = references_of(text for text in texts(step) if text.path[0] == "outputs")
    return project(scope, [path for path in read if path[:2] != ("steps", step.id)])


def _digested(long: Mapping[str, str]) -> dict[str, JsonValue]:
    """Return the digests of values that travel by file: the descriptor is kept, and read by people."""
    return {name: {"sha256": hashlib.sha256(text.encode()).hexdigest()} for name, text in long.items()}


def _artifacts(step: Step, fetched: Sequence[ArtifactVersion]) -> list[JsonValue]:
    """Return what a step is given of others' runs, and where: `cache.inputs` need not pick that."""
    asked: list[JsonValue] = [fetch.model_dump(mode="json", exclude_defaults=True) for fetch in step.fetches]
    return [*asked, *({"name": version.name, "digest": version.digest} for version in fetched)]


def _digests(value: JsonValue, place: str = "") -> Iterator[tuple[str, str]]:
    """Yield the files and big values that a step refers to: where it finds them, and their digests."""
    if is_file_reference(value) or is_folder_reference(value):
        yield place, str(value.get("digest"))
    elif is_value_reference(value):
        yield place, str(value["$value"])
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _digests(inner, f"{place}.{name}" if place else name)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _digests(inner, f"{place}[{number}]")
