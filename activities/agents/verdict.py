"""How a session ended: our own judgement from its events, never from an exit code or a `subtype` alone.

In this order: we ended it -> no last word (a crash) -> its error flag and status -> [schema: the runner's part]
-> denials -> it went well. Why not simpler: Claude Code reports API errors as `subtype: success`, denials and
schema misses as plain success with exit code 0, and other CLIs end with 0 on SIGTERM.
"""

from dataclasses import dataclass, field
from typing import Literal, assert_never

from pydantic import JsonValue

from activities.agents.events import AgentEvent, Denied, Finished, Retrying, Started, Text, ToolCall, ToolResult
from definitions.errors import ErrorClass, StepFailure

MOST_TEXT = 8_000_000
"""Characters of an agent's words that are kept."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """We ended the session, and why."""

    reason: Literal["budget", "idle"]
    detail: str


@dataclass(slots=True)
class Session:
    """What is known of one session, folded from its events."""

    finished: Finished | None = None
    denials: list[Denied] = field(default_factory=list[Denied])
    model: str | None = None
    last_retry: Retrying | None = None
    stopped: Stopped | None = None
    code: int | None = None
    signal: int | None = None
    complaints: str = ""
    """The end of its standard error."""
    _calls: dict[str, ToolCall] = field(default_factory=dict[str, ToolCall])
    _results: list[ToolResult] = field(default_factory=list[ToolResult])
    _texts: list[str] = field(default_factory=list[str])
    _length: int = 0

    def fold(self, event: AgentEvent) -> None:
        """Take an event in."""
        match event:
            case Started():
                self.model = event.model or self.model
            case Text() if self._length < MOST_TEXT:
                self._texts.append(event.text[: MOST_TEXT - self._length])
                self._length += len(event.text)
            case ToolCall():
                self._calls[event.id] = event
            case ToolResult():
                self._results.append(event)
            case Denied():
                self.denials.append(event)
            case Retrying():
                self.last_retry = event
            case Finished():
                self.finished = event
            case _:
                pass

    @property
    def text(self) -> str:
        """Its answer as text: the last word where it has one, else all that it said."""
        if self.finished is not None and self.finished.text is not None:
            return self.finished.text
        return "\n".join(self._texts)

    @property
    def undone(self) -> list[Denied]:
        """Return the denied actions after which it acted no more: what it then says is done may not be."""
        order = {result.id: position for position, result in enumerate(self._results)}
        acted_last = max((order[result.id] for result in self._results if self._has_acted(result)), default=-1)
        actions = [denied for denied in self.denials if not denied.only_reads]
        return [denied for denied in actions if order.get(denied.call, len(order)) > acted_last]

    def _has_acted(self, result: ToolResult) -> bool:
        call = self._calls.get(result.id)
        return not result.is_error and call is not None and not call.only_reads

    @property
    def structured(self) -> JsonValue:
        """Its answer as it structured it itself; None where it did not."""
        return self.finished.structured if self.finished is not None else None


def judge(session: Session) -> StepFailure | None:
    """Return why the session failed, its answer and denials aside; None where it did not."""
    if session.stopped is not None:
        return _stopped(session.stopped)
    if session.finished is None:
        return _crashed(session)
    if session.finished.limit is not None:
        return StepFailure(ErrorClass.BUDGET, f"the agent's `{session.finished.limit}` budget is used up")
    if session.finished.is_error:
        return _error(session.finished)
    return None


def judge_denials(session: Session) -> StepFailure | None:
    """Return the failure for what the profile forbade the agent to do; None where it found another way.

    An agent whose command is refused often goes another way, which is no failure. One that is refused and then
    only talks has most likely done nothing, and calls that success.
    """
    undone = session.undone
    if not undone:
        return None
    tools = ", ".join(f"`{name}`" for name in dict.fromkeys(denied.tool for denied in undone))
    message = (
        f"the agent was denied {tools} by its security profile, and did nothing after that; "
        "allow it (`tools: {allow: […]}`), choose a wider `security_profile`, or forbid it in the prompt"
    )
    return StepFailure(ErrorClass.DENIED, message, {"denied": [f"{d.tool} {d.detail}".strip() for d in undone[:20]]})


def class_of_status(status: int) -> ErrorClass:
    """Return the class of an HTTP status of a model's service."""
    if status in (401, 403):
        return ErrorClass.AUTH
    if status in (408, 409, 425, 429) or status >= 500:
        return ErrorClass.OVERLOADED
    return ErrorClass.REFUSED


def _stopped(stopped: Stopped) -> StepFailure:
    match stopped.reason:
        case "budget":
            return StepFailure(ErrorClass.BUDGET, f"the agent was ended: {stopped.detail} are used; raise `budget`")
        case "idle":
            return StepFailure(ErrorClass.TIMEOUT, f"the agent was ended: it said nothing for {stopped.detail}")
        case _:
            assert_never(stopped.reason)


def _crashed(session: Session) -> StepFailure:
    how = f"by signal {session.signal}" if session.signal is not None else f"with exit code {session.code}"
    last = session.complaints.strip().splitlines()[-1:] or [""]
    told = f": {last[0][:500]}" if last[0] else ""
    details: dict[str, JsonValue] = {"exit_code": session.code, "signal": session.signal}
    if session.last_retry is not None and session.last_retry.status is not None:
        # it was still trying when it ended: the service's word is the better reason
        status = session.last_retry.status
        message = f"the model's service answered {status}, and the agent ended {how}{told}"
        return StepFailure(class_of_status(status), message, {**details, "status": status})
    return StepFailure(ErrorClass.CRASH, f"the agent ended {how} and without a last word{told}", details)


def _error(finished: Finished) -> StepFailure:
    said = (finished.text or "no reason given").strip()[:1000]
    error_class = finished.error_class
    if error_class is None:
        error_class = ErrorClass.CRASH if finished.status is None else class_of_status(finished.status)
    details: dict[str, JsonValue] = {} if finished.status is None else {"status": finished.status}
    return StepFailure(error_class, _ERRORS.get(error_class, "the agent failed: {said}").format(said=said), details)


_ERRORS = {
    ErrorClass.OVERLOADED: "the model's service is busy or down: {said}",
    ErrorClass.AUTH: "the model's service refused the login: {said}; log in again or check the key of the worker",
    ErrorClass.REFUSED: "the model's service refused the request: {said}",
}
