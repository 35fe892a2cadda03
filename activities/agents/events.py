"""What an agent says while it works, as a closed union that all adapters share.

An adapter turns each line of its CLI into these; a line that it does not know is `Raw`, never an error,
because every vendor states that its event list will grow.
"""

import json
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from definitions.errors import ErrorClass

LOGGED_CHARACTERS = 2000
"""How much of one event the step's log shows."""


@dataclass(frozen=True, slots=True)
class Started:
    """A session began."""

    session: str | None = None
    model: str | None = None
    tools: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Text:
    """Words of the agent."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The agent wants a tool."""

    id: str
    name: str
    arguments: JsonValue = None
    only_reads: bool = False
    """It changes nothing."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """A tool has answered; what the agent changed so far is worth a checkpoint."""

    id: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Denied:
    """The profile forbade a tool call. `only_reads`: nothing was left undone by it."""

    tool: str
    only_reads: bool = False
    detail: str = ""
    call: str = ""
    """The call that was denied, where it is known."""


@dataclass(frozen=True, slots=True)
class Retrying:
    """The CLI calls its model's service again."""

    status: int | None = None
    attempt: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True)
class UsageReported:
    """Tokens of one call of the model; the same `call` may be told several times, the last word counts."""

    call: str
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    model: str | None = None


@dataclass(frozen=True, slots=True)
class SessionUsage:
    """The final account of one session. None: the agent does not say."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    turns: int | None = None
    usd: float | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """The agent's last word."""

    text: str | None = None
    structured: JsonValue = None
    """The answer as the agent itself structured it; None where it did not."""
    is_error: bool = False
    status: int | None = None
    """The HTTP status of the model's service, where that is what went wrong."""
    limit: Literal["turns", "usd"] | None = None
    """The native limit that ended it."""
    error_class: ErrorClass | None = None
    """The class, where the adapter knows better than the status tells."""
    usage: SessionUsage | None = None


@dataclass(frozen=True, slots=True)
class Raw:
    """A line that the adapter does not know."""

    line: str


AgentEvent = Started | Text | ToolCall | ToolResult | Denied | Retrying | UsageReported | Finished | Raw


def describe(event: AgentEvent) -> str | None:
    """Return the line that the step's log shows for `event`; None where a reader needs none."""
    match event:
        case Started():
            return f"[agent] session {event.session or '-'} with {event.model or 'the default model'}"
        case Text():
            return _cut(event.text)
        case ToolCall():
            return _cut(f"[tool] {event.name} {json.dumps(event.arguments, ensure_ascii=False)}")
        case ToolResult():
            return "[tool] failed" if event.is_error else None
        case Denied():
            return f"[denied] {event.tool} {event.detail}".rstrip()
        case Retrying():
            return f"[retrying] {event.message or 'the model service'} (status {event.status or '-'})"
        case Finished(is_error=True):
            return _cut(f"[agent] ended with an error: {event.text or event.status or 'no reason given'}")
        case Raw():
            return _cut(event.line) or None
        case Finished() | UsageReported():
            return None


def _cut(text: str) -> str:
    text = text.rstrip()
    return text if len(text) <= LOGGED_CHARACTERS else f"{text[:LOGGED_CHARACTERS]} […{len(text)} characters]"
