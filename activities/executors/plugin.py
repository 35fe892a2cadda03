"""Steps of types that installed packages bring: what a package's executor is, and what runs it.

A package imports from here and from `definitions` only. Its executor is made once for each worker, without arguments;
`execute` runs in the worker's event loop, so what blocks belongs into `asyncio.to_thread`.
"""

import asyncio
import json
from pkgutil import resolve_name
from typing import Any, Protocol, TypeVar, cast

from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

from activities.executors.interface import Execution, Outcome, StepLog
from definitions.errors import ErrorClass, StepFailure
from definitions.plugins import Plugin, PluginUnfit, find
from definitions.steps.plugin import PluginStep

Options = TypeVar("Options", bound=BaseModel, contravariant=True)
_OUTPUTS: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])


class StepExecutor(Protocol[Options]):
    """What a package writes. It may have `identity(options, execution)` too: facts that belong to the cache key."""

    async def execute(self, options: Options, execution: Execution) -> Outcome:
        """Run one attempt, with `options` resolved and checked.

        Raises `StepFailure` where it fails; on `CancelledError` it ends all it started, then lets it pass.
        """
        ...


class PluginExecutor:
    """Runs `plugin` steps; `activities.executors.interface.Executor`."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[Plugin, Any]] = {}

    async def identity(self, execution: Execution) -> dict[str, JsonValue]:
        """Return the package and its version, and what its executor adds: part of the cache key."""
        step = _plugin_step(execution)
        plugin, executor = await self._executor(step)
        own: dict[str, JsonValue] = {}
        if hasattr(executor, "identity"):
            own = await _guarded(plugin, executor.identity(_options(plugin, step), execution))
        return {**own, "package": plugin.package, "version": plugin.version, "step_type": plugin.name}

    async def execute(self, execution: Execution) -> Outcome:
        """Run one attempt."""
        step = _plugin_step(execution)
        plugin, executor = await self._executor(step)
        outcome = await _guarded(plugin, executor.execute(_options(plugin, step), execution))
        if not isinstance(outcome, Outcome):
            raise _failed(plugin, f"it answered with `{type(outcome).__name__}`, which is no `Outcome`")
        try:
            _OUTPUTS.validate_python(outcome.outputs, strict=True)
        except ValidationError as error:
            raise _failed(plugin, f"its outputs are no JSON: {_first(error)}") from error
        return outcome

    async def _executor(self, step: PluginStep) -> tuple[Plugin, Any]:
        if step.plugin not in self._made:
            self._made[step.plugin] = await asyncio.to_thread(_made, step.plugin)
        return self._made[step.plugin]


def _made(name: str) -> tuple[Plugin, Any]:
    """Import a package's executor and make it. Raises StepFailure."""
    try:
        plugin = find(name)
    except PluginUnfit as unfit:
        raise StepFailure(ErrorClass.PLUGIN, unfit.message, {"help": unfit.help}) from unfit
    if plugin is None:
        message = f"this worker has no package that brings the step type `{name}`; install it beside the worker"
        raise StepFailure(ErrorClass.NOT_FOUND, message)
    try:
        return plugin, resolve_name(plugin.kind.executor)()
    except Exception as error:  # it is the package's code: whatever it raises fails this step and nothing else
        raise _failed(plugin, f"`{plugin.kind.executor}`: {type(error).__name__}: {error}") from error


def _options(plugin: Plugin, step: PluginStep) -> BaseModel:
    """Return the step's own keys as the package's model. Raises StepFailure where resolved values do not fit."""
    try:
        return plugin.kind.model.model_validate_json(json.dumps(step.options), strict=True)
    except ValidationError as error:
        message = f"the keys of the {plugin.name} step do not fit: {_first(error)}"
        raise StepFailure(ErrorClass.EXPRESSION, message) from error
    except Exception as error:  # a validator of the package's
        raise _failed(plugin, f"its model: {type(error).__name__}: {error}") from error


async def _guarded(plugin: Plugin, work: Any) -> Any:
    """Return what the package's code answers; what it raises, other than a failure, is a failure of the step."""
    try:
        return await work
    except StepFailure:
        raise
    except Exception as error:  # CancelledError is none of these
        raise _failed(plugin, f"{type(error).__name__}: {error}") from error


def _failed(plugin: Plugin, why: str) -> StepFailure:
    of = f"step type `{plugin.name}` (package `{plugin.package}` {plugin.version})"
    return StepFailure(ErrorClass.PLUGIN, f"{of} failed: {why}")


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"`{where}`: {first['msg']}" if where else first["msg"]


def _plugin_step(execution: Execution) -> PluginStep:
    return cast("PluginStep", execution.step)


__all__ = ["Execution", "Outcome", "PluginExecutor", "StepExecutor", "StepLog"]
