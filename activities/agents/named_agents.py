"""Agents and skills by name: a step with what was frozen under its names. Pure.

What was found is text, and is taken as it stands: nothing in it is a template. A name that is not there (a provider
was given for the whole run) is the role itself.
"""

import hashlib
from collections.abc import Iterator

from pydantic import JsonValue

from definitions.steps.agent import AgentStep, FoundNames, NamedAgent


def outfitted(step: AgentStep, names: FoundNames) -> AgentStep:
    """Return the step with the role, the model and the skills that its names stand for."""
    if step.agent is None and not step.skills:
        return step
    agent = _agent(step, names)
    role = "\n\n".join(_parts(step, agent, names))
    return step.model_copy(update={"role": role or None, "model": step.model or agent.model})


def provider_of(step: AgentStep, names: FoundNames) -> str | None:
    """Return who runs the step by its own words, or by those of the agent that it names."""
    return step.provider or _agent(step, names).provider


def part_of_key(step: AgentStep, names: FoundNames) -> dict[str, JsonValue]:
    """Return what the names add to the cache key: the digest of what they stand for."""
    if step.agent is None and not step.skills:
        return {}
    known = outfitted(step, names)
    text = f"{known.model or ''}\n{known.role or ''}"
    return {"names": hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()}


def _agent(step: AgentStep, names: FoundNames) -> NamedAgent:
    return NamedAgent() if step.agent is None else names.agents.get(step.agent, NamedAgent())


def _parts(step: AgentStep, agent: NamedAgent, names: FoundNames) -> Iterator[str]:
    if step.agent is not None:
        yield agent.role or f"You are `{step.agent}`."
    if step.role:
        yield step.role
    for skill in dict.fromkeys([*agent.skills, *step.skills]):
        text = names.skills.get(skill)
        yield f"Your skill `{skill}`:\n\n{text}" if text else f"Use your skill `{skill}` where it fits."
