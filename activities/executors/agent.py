"""`agent` steps: which provider runs them, and the shared runner for all of them."""

import os
from collections.abc import Mapping
from dataclasses import replace

from pydantic import JsonValue

from activities.agents import claude_code, command, named_agents, scripted
from activities.agents.adapter import DEFAULT_PROFILE, Adapter, AgentSettings
from activities.agents.runner import run_agent
from activities.executors.interface import Execution, Outcome
from definitions.errors import ErrorClass, StepFailure
from definitions.steps.agent import PLANNED_PROVIDERS, AgentStep

ADAPTERS: Mapping[str, Adapter] = {
    "claude-code": claude_code,
    "command": command,
    "scripted": scripted,
}


class AgentExecutor:
    """Runs `agent` steps; `activities.executors.interface.Executor`."""

    def __init__(self, settings: AgentSettings | None = None, adapters: Mapping[str, Adapter] | None = None) -> None:
        environment = dict(os.environ)
        default = AgentSettings(worker_environment=environment, provider=environment.get("PERDURE_PROVIDER") or None)
        self._settings = settings or default
        self._adapters = adapters or ADAPTERS

    async def identity(self, execution: Execution) -> dict[str, JsonValue]:
        """Return provider, model, profile and what the provider adds: part of the cache key."""
        step = _agent_step(execution)
        provider, _ = self._provider(execution, step)
        known = named_agents.part_of_key(step, execution.context.names)
        own = await self._adapters[provider].identity(execution, self._settings)
        profile = step.security_profile or DEFAULT_PROFILE
        return {"provider": provider, "model": step.model, "profile": profile, **known, **own}

    async def execute(self, execution: Execution) -> Outcome:
        """Run one attempt."""
        step = _agent_step(execution)
        provider, note = self._provider(execution, step)
        step = named_agents.outfitted(step, execution.context.names)
        if note:
            execution.log.note(note)
        outcome = await run_agent(execution, step, self._adapters[provider], self._settings)
        return replace(outcome, notes=(note, *outcome.notes)) if note else outcome

    def _provider(self, execution: Execution, step: AgentStep) -> tuple[str, str | None]:
        """Return who runs the step, and the note that says so where it is not whom the step names."""
        own = named_agents.provider_of(step, execution.context.names)
        chosen = execution.context.provider or self._settings.provider or own
        if chosen is None:
            message = (
                f"no provider is named for `{execution.call.path}`; give one with `--provider` or PERDURE_PROVIDER"
            )
            raise StepFailure(ErrorClass.REFUSED, f"{message} ({self._known()})")
        if chosen in PLANNED_PROVIDERS:
            message = f"provider `{chosen}` is planned; give another with `--provider`: there are {self._known()}"
            raise StepFailure(ErrorClass.REFUSED, message)
        if chosen not in self._adapters:
            raise StepFailure(ErrorClass.REFUSED, f"there is no provider `{chosen}`; there are {self._known()}")
        if own is None or own == chosen:
            return chosen, None
        return chosen, f"provider {own} replaced by {chosen}"

    def _known(self) -> str:
        return ", ".join(f"`{name}`" for name in sorted(self._adapters))


def _agent_step(execution: Execution) -> AgentStep:
    if not isinstance(execution.step, AgentStep):
        raise StepFailure(ErrorClass.INTERNAL, f"`{execution.call.path}` is not an agent step")
    return execution.step
