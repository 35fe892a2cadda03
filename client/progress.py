"""The events of a run as lines for people or as NDJSON for programs.

Line mode is for everything that is no terminal: one line a transition, a sign of life each half minute.
All that comes from a run (messages, agents' words) is made safe before it is shown.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

from pydantic import JsonValue

from client.iteration_counts import IterationCounts
from client.messages import amount_words, control_words, run_words
from client.output import one_line, say, value_lines, write_json_line
from definitions.statuses import Event

SIGN_OF_LIFE_SECONDS = 30
STILL_SHOWN = 5
"""Running steps that a sign of life names."""
SHOWN_LIMIT = 30
"""Lines of what a gate shows; `perdure gates ID` has the rest."""

_COLOURS = {
    "step_failed": "red",
    "run_failed": "red",
    "run_rejected": "red",
    "step_retrying": "yellow",
    "approval_required": "yellow",
    "run_paused": "yellow",
    "run_cancelled": "yellow",
    "run_completed": "green",
}


class Progress(Protocol):
    """How a person or a program follows a run."""

    def event(self, event: Event) -> None:
        """Take the next event."""
        ...

    def notice(self, text: str) -> None:
        """Take a remark about the connection."""
        ...

    def tick(self) -> None:
        """Know that time passes."""
        ...

    def close(self) -> None:
        """Leave the screen as it shall stay."""
        ...


class LineProgress:
    """One line a transition, on stderr."""

    def __init__(self) -> None:
        self._running: dict[str, datetime] = {}
        self._undecided: dict[str, datetime] = {}
        self._counts = IterationCounts()
        self._spoke_at = time.monotonic()

    def event(self, event: Event) -> None:
        """Write the line of an event, if it has one."""
        _follow_running(self._running, event)
        _follow_undecided(self._undecided, event)
        self._counts.follow(event)
        line = line_of(event)
        if line is not None:
            self._say(f"{event.timestamp.astimezone():%H:%M:%S} {line}", _COLOURS.get(event.type))
        if event.type == "approval_required":
            for more in gate_lines(event):
                self._say(f"         {more}", None)

    def notice(self, text: str) -> None:
        """Write a remark."""
        self._say(f"note: {text}", "yellow")

    def tick(self) -> None:
        """Write a sign of life where nothing was said for long."""
        if time.monotonic() - self._spoke_at < SIGN_OF_LIFE_SECONDS:
            return
        now = datetime.now().astimezone()
        running, undecided = self._shown(self._running, now), self._shown(self._undecided, now)
        self._say(f"{now:%H:%M:%S} {run_words.sign_of_life(running, undecided)}", None)

    def close(self) -> None:
        """Nothing is to be left behind."""

    def _shown(self, steps: Mapping[str, datetime], now: datetime) -> list[str]:
        """Return steps with how long it has been, the first of many."""
        shown = [f"{self._counted(path)} ({amount_words.span(now - since)})" for path, since in steps.items()]
        return shown if len(shown) <= STILL_SHOWN else [*shown[:STILL_SHOWN], f"{len(shown) - STILL_SHOWN} more"]

    def _counted(self, path: str) -> str:
        return f"{path} {self._counts.text(path)}".rstrip()

    def _say(self, text: str, colour: str | None) -> None:
        self._spoke_at = time.monotonic()
        say(text, style=colour)


class JsonProgress:
    """Each event as a JSON line on stdout; remarks on stderr."""

    def event(self, event: Event) -> None:
        """Write an event."""
        write_json_line(event.model_dump(mode="json"))

    def notice(self, text: str) -> None:
        """Write a remark."""
        say(f"note: {text}", style="yellow")

    def tick(self) -> None:
        """Programs need no sign of life."""

    def close(self) -> None:
        """Nothing is to be left behind."""


def line_of(event: Event) -> str | None:
    """Return what an event says in one line, without its time; None for what a person does not follow."""
    match event.type:
        case "log":
            return (one_line(_text(event.data, "message")) or None) if event.step is None else None
        case "phase_started":
            return f"phase {one_line(event.phase or '')}"
        case "phase_completed":
            return None
        case _:
            said = _step_line(event)
            return _run_line(event) if said is None else f"{event.step}  {said}"


def _step_line(event: Event) -> str | None:
    """Return what an event says of its step; None for an event of the run."""
    match event.type:
        case "step_started":
            return "started"
        case "step_completed":
            return _completion(event.data)
        case "step_failed":
            return _failure(event.data)
        case "step_retrying":
            return _retry(event.data)
        case "step_skipped":
            return f"skipped{_because(event.data.get('reason'))}"
        case "approval_required":
            return f"waits for a decision: {one_line(_text(event.data, 'message'))}"
        case "approval_decided":
            return _decision(event.data)
        case "artifact_published":
            return f"artifact {one_line(_text(event.data, 'name'))}"
        case _:
            return None


def gate_lines(event: Event) -> list[str]:
    """Return what is to be decided and the commands that decide it."""
    shown = event.data.get("show")
    lines: list[str] = []
    if isinstance(shown, dict):
        lines += [f"{name}: {cut}" for name, value in shown.items() for cut in _shown(value)]
    deadline = event.data.get("deadline")
    if isinstance(deadline, str):
        lines.append(f"closes {deadline[:19].replace('T', ' ')} UTC ({_text(event.data, 'on_timeout') or 'reject'})")
    return lines + control_words.gate_commands(event.execution_id, _text(event.data, "gate") or event.step or "")


def _follow_running(running: dict[str, datetime], event: Event) -> None:
    """Keep the steps that run, with since when."""
    if event.step is None:
        return
    if event.type == "step_started":
        running[event.step] = event.timestamp.astimezone()
    elif event.type in ("step_completed", "step_failed", "step_skipped", "approval_required", "approval_decided"):
        running.pop(event.step, None)


def _follow_undecided(undecided: dict[str, datetime], event: Event) -> None:
    """Keep the steps that wait for a decision, with since when."""
    if event.step is None:
        return
    if event.type == "approval_required":
        undecided[event.step] = event.timestamp.astimezone()
    elif event.type in ("approval_decided", "step_completed", "step_failed", "step_skipped"):
        undecided.pop(event.step, None)


def _completion(facts: Mapping[str, JsonValue]) -> str:
    remarks = [_duration(facts)]
    if facts.get("cached"):
        remarks = ["from the cache"]
    if facts.get("kept_from"):
        remarks = ["kept"]
    usd = facts.get("usd")
    if isinstance(usd, int | float) and not isinstance(usd, bool):
        remarks.append(amount_words.money(usd))
    attempt = facts.get("attempt")
    if isinstance(attempt, int) and attempt > 1:
        remarks.append(f"attempt {attempt}")
    summary = one_line(_text(facts, "summary"), 80)
    remarks += [summary] if summary else []
    text = ", ".join(filter(None, remarks))
    return f"completed  ({text})" if text else "completed"


def _failure(facts: Mapping[str, JsonValue]) -> str:
    word = "cancelled" if facts.get("status") == "cancelled" else "failed"
    if facts.get("handled"):
        word += " (handled)"
    error = facts.get("error")
    if not isinstance(error, dict):
        return word
    return f"{word}  {_text(error, 'type')}: {one_line(_text(error, 'message'))}"


def _retry(facts: Mapping[str, JsonValue]) -> str:
    error = facts.get("error")
    reason = f"  {_text(error, 'type')}: {one_line(_text(error, 'message'))}" if isinstance(error, dict) else ""
    wait = facts.get("seconds")
    after = f" in {amount_words.span(timedelta(seconds=wait))}" if isinstance(wait, int | float) else ""
    return f"attempt {facts.get('attempt', '?')}/{facts.get('max_attempts', '?')}{after}{reason}"


def _decision(facts: Mapping[str, JsonValue]) -> str:
    verdict = {"approve": "approved", "reject": "rejected"}.get(_text(facts, "verdict"), "decided")
    who = one_line(_text(facts, "by"), 60)
    comment = one_line(_text(facts, "comment"))
    return f"{verdict}{f' by {who}' if who else ''}{f': {comment}' if comment else ''}"


def _run_line(event: Event) -> str:
    state = event.type.removeprefix("run_").replace("_", " ")
    error = event.data.get("error")
    if isinstance(error, dict):
        return f"run {state}  {_text(error, 'type')}: {one_line(_text(error, 'message'))}"
    return f"run {state}{_because(event.data.get('reason'))}"


def _because(reason: JsonValue) -> str:
    return f"  ({one_line(reason)})" if isinstance(reason, str) and reason else ""


def _duration(facts: Mapping[str, JsonValue]) -> str:
    seconds = facts.get("seconds")
    return amount_words.span(timedelta(seconds=seconds)) if isinstance(seconds, int | float) else ""


def _text(facts: Mapping[str, JsonValue], name: str) -> str:
    value = facts.get(name)
    return value if isinstance(value, str) else ""


def _shown(value: JsonValue) -> list[str]:
    lines = value_lines(value)
    return lines if len(lines) <= SHOWN_LIMIT else [*lines[:SHOWN_LIMIT], control_words.MORE_SHOWN]
