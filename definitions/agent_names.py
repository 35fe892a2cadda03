"""Agents and skills that a definition calls by name: which, where, and what was found under the names.

    agent: NAME    the definition's `agents:`, `.perdure/agents.yaml`, `.claude/agents/NAME.md`
    skills: NAME   `.claude/skills/NAME/SKILL.md`

Who starts a run looks them up in the folder at hand (`find`), sends what is there with the start, and `prepare` freezes
it with the run. A name that is found nowhere is a warning for `validate`, and an error at start (`missing`) unless a
provider is given for the whole run, which then takes the name as its role.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from definitions.checks.context import Context
from definitions.diagnostics import Diagnostic, Severity, Span
from definitions.models import Definition
from definitions.nodes import Mapping
from definitions.steps import AgentStep, all_steps
from definitions.steps.agent import PLANNED_PROVIDERS, FoundNames, NamedAgent
from definitions.validation import validate_as
from definitions.yaml_guard import read

AGENTS_FILE = ".perdure/agents.yaml"
LONGEST_TEXT = 100_000
"""Characters of an agent's or a skill's text; what is longer is not taken."""

ReadText = Callable[[str], str | None]
"""Gives the text of a file of a project by its path from the top; None where there is none."""


@dataclass(frozen=True, slots=True)
class NamedUse:
    """A name in a definition, and where it stands."""

    kind: Literal["agent", "skill", "provider"]
    name: str
    span: Span
    step: str
    has_provider: bool = False
    """Of an agent: whether the step itself says who runs it."""


def named_in(context: Context) -> Iterator[NamedUse]:
    """Yield the names in a definition with their places."""
    for placed in context.placed:
        step = placed.step
        if not isinstance(step, AgentStep):
            continue
        if step.agent is not None:
            span = context.span((*placed.path, "agent"))
            yield NamedUse("agent", step.agent, span, step.id, step.provider is not None)
        if step.provider in PLANNED_PROVIDERS:
            yield NamedUse("provider", str(step.provider), context.span((*placed.path, "provider")), step.id)
        for index, name in enumerate(step.skills):
            yield NamedUse("skill", name, context.span((*placed.path, "skills", index)), step.id)


def find(definition: Definition, read_text: ReadText) -> FoundNames:
    """Return what the names of a definition mean in the project that `read_text` reads."""
    steps = [step for step in all_steps(definition.steps) if isinstance(step, AgentStep)]
    wanted = {step.agent for step in steps if step.agent is not None}
    agents = {name: agent for name, agent in definition.agents.items() if name in wanted}
    if wanted:
        listed = _listed(read_text(AGENTS_FILE))
        for name in sorted(wanted):
            known = agents.get(name)
            if known is None or known.role is None:
                found = listed.get(name) or _from_markdown(read_text(f".claude/agents/{name}.md"))
                merged = found if known is None else _merged(known, found)
                if merged is not None:
                    agents[name] = merged
    skills = {name for step in steps for name in step.skills} | {name for one in agents.values() for name in one.skills}
    texts = {name: _usable(read_text(f".claude/skills/{name}/SKILL.md")) for name in sorted(skills)}
    return FoundNames(agents=agents, skills={name: _body(text) for name, text in texts.items() if text})


def joined(near: FoundNames, sent: FoundNames, definition: Definition) -> FoundNames:
    """Return what a worker found, with what the caller sent: the definition's own agents come first."""
    own = {name for name, agent in definition.agents.items() if agent.role is not None}
    agents = {**near.agents, **{name: agent for name, agent in sent.agents.items() if name not in own}}
    return FoundNames(agents=agents, skills={**near.skills, **sent.skills})


def missing(
    uses: Iterable[NamedUse], found: FoundNames, file: str, *, provider: str | None = None, at_start: bool = False
) -> Iterator[Diagnostic]:
    """Yield what is said of names that are found nowhere, and of providers that nothing runs.

    Args:
        uses: The names.
        found: What they mean.
        file: The definition's.
        provider: Who runs all agent steps, where that was said.
        at_start: Whether the run is about to start; otherwise it is only a warning.
    """
    severity: Severity = "error" if at_start else "warning"
    if provider is not None and at_start:
        return
    places: set[tuple[str, Span]] = set()
    for use in uses:
        if (use.name, use.span) in places:
            continue  # providers side by side share the words of their stage
        places.add((use.name, use.span))
        if use.kind == "provider":
            message = f"the provider `{use.name}` of step `{use.step}` is planned, and nothing runs it yet"
            help_ = "give another for the run: `--provider claude-code`"
            yield Diagnostic("unavailable-provider", severity, message, file, use.span, help=help_)
        elif use.kind == "agent" and use.name not in found.agents and not use.has_provider:
            message = f"no agent is called `{use.name}`"
            help_ = (
                f"describe it under `agents:` or in `.claude/agents/{use.name}.md`, or give a default: `--provider P`"
            )
            yield Diagnostic("unknown-agent", severity, message, file, use.span, help=help_)
        elif use.kind == "skill" and use.name not in found.skills:
            message = f"no skill is called `{use.name}`"
            help_ = f"write `.claude/skills/{use.name}/SKILL.md`, or give a default: `--provider P`"
            yield Diagnostic("unknown-agent", severity, message, file, use.span, help=help_)


def _merged(known: NamedAgent, found: NamedAgent | None) -> NamedAgent:
    """Return an agent of the definition with what it leaves open."""
    return known if found is None else found.model_copy(update=known.model_dump(exclude_unset=True))


def _listed(text: str | None) -> dict[str, NamedAgent]:
    root = read(text, AGENTS_FILE).root if text is not None else None
    if not isinstance(root, Mapping):
        return {}
    inner = root.get("agents")
    found: dict[str, NamedAgent] = {}
    for name, entry in (inner if isinstance(inner, Mapping) else root).entries.items():
        if isinstance(entry.value, Mapping):
            agent, _ = validate_as(NamedAgent, entry.value, AGENTS_FILE)
            if agent is not None:
                found[name] = agent
    return found


def _from_markdown(text: str | None) -> NamedAgent | None:
    """Return the agent of a Markdown file: its text is the role, `model` and `description` stand in its head."""
    usable = _usable(text)
    if usable is None:
        return None
    head = _head(usable)
    model = head.get("model")
    return NamedAgent(
        description=head.get("description"),
        role=_body(usable) or None,
        model=None if model in (None, "", "inherit") else model,
    )


def _usable(text: str | None) -> str | None:
    return text if text is not None and text.strip() and len(text) <= LONGEST_TEXT else None


def _head(text: str) -> dict[str, str]:
    """Return the fields of a Markdown file's head. Read line by line: in the wild it is often no valid YAML."""
    lines = text.split("\n")
    if lines[0].strip() != "---":
        return {}
    fields: dict[str, str] = {}
    for line in lines[1:]:
        if line.strip() == "---":
            return fields
        key, colon, value = line.partition(":")
        if colon and key.strip() == key:
            fields[key] = value.strip().strip("'\"")
    return {}


def _body(text: str) -> str:
    """Return a Markdown file without its head."""
    lines = text.split("\n")
    if lines[0].strip() != "---":
        return text.strip()
    end = next((index for index, line in enumerate(lines[1:], 1) if line.strip() == "---"), None)
    return text.strip() if end is None else "\n".join(lines[end + 1 :]).strip()


__all__ = ["AGENTS_FILE", "FoundNames", "NamedUse", "ReadText", "find", "missing", "named_in"]
