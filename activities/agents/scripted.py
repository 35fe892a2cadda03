"""`provider: scripted`: plays a script through the shared runner; needs no key and no network.

For tests, dry runs and the first run on a machine. Without a script for the step it answers from the output
schema (a small valid instance), or with one sentence.
"""

import hashlib
from pathlib import Path

from pydantic import JsonValue

from activities.agents.adapter import AgentRequest, AgentSettings, Launch, Outfit, Traits
from activities.agents.event_lines import parse_event_line
from activities.agents.events import AgentEvent, Raw
from activities.agents.schema_example import example_of
from activities.agents.scripts import ScriptEntry, script_entries
from activities.executors.interface import Execution

UNSCRIPTED = "The scripted agent has no script for this step."


def traits() -> Traits:
    """Return what the agent can do by itself."""
    return Traits(
        provider="scripted", is_process=False, resumes=True, has_role=True, has_schema=True, enforces_profile=False
    )


def outfit(execution: Execution, settings: AgentSettings) -> Outfit:
    """Return what this machine has for it: it needs nothing."""
    return Outfit()


async def identity(execution: Execution, settings: AgentSettings) -> dict[str, JsonValue]:
    """Return the digest of the step's script."""
    entries = script_entries(execution.context.script, execution.call.path)
    written = "\n".join(entry.model_dump_json(by_alias=True) for entry in entries)
    return {"script": hashlib.sha256(written.encode()).hexdigest() if entries else None}


def build(request: AgentRequest) -> Launch:
    """Return the entry to play."""
    return Launch(entry=request.entry or unscripted(request.schema))


def parse(line: str) -> list[AgentEvent]:
    """Return what a line means."""
    return [parse_event_line(line) or Raw(line)]


def parse_end(code: int | None) -> list[AgentEvent]:
    """Return nothing: the script has a last word of its own."""
    return []


def transcript(request: AgentRequest) -> Path | None:
    """Return None: a script needs no memory."""
    return None


def unscripted(schema: dict[str, JsonValue] | None) -> ScriptEntry:
    """Return the entry for a step that has none. Raises `StepFailure` where no instance can be made."""
    if schema is None:
        return ScriptEntry(text=UNSCRIPTED)
    return ScriptEntry(answer=example_of(schema))
