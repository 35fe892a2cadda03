"""The last words about a run: how it ended, what it cost, what to do next; and the exit code."""

from __future__ import annotations

from collections.abc import Iterable

from client.exit_codes import ExitCode
from client.messages import amount_words
from client.output import plain, value_text
from definitions.statuses import Status

LOG_LINES = 10


def exit_code_of(status: Status, *, strict: bool = False) -> ExitCode:
    """Return the exit code that a run's state means."""
    match status.status:
        case "completed":
            return ExitCode.FAILED if strict and flagged_steps(status) else ExitCode.SUCCESS
        case "failed":
            return ExitCode.FAILED
        case "cancelled":
            return ExitCode.CANCELLED
        case "rejected":
            return ExitCode.REJECTED
        case _:
            return ExitCode.WAITING


def flagged_steps(status: Status) -> list[str]:
    """Return the failed steps of a run: handled or passed over where it completed all the same."""
    return [path for path, step in status.steps.items() if step.status == "failed"]


def headline(status: Status) -> str:
    """Return state, duration, steps, cost in one line."""
    facts = [duration_of(status), _steps(status), _cost(status)]
    return f"{status.status}  {status.execution_id}  ({', '.join(filter(None, facts))})"


def closing_lines(status: Status, log_lines: Iterable[str] = ()) -> list[str]:
    """Return what a person reads when a run has ended, below the headline."""
    lines = _failure(status, list(log_lines)) if status.error is not None else []
    flagged = flagged_steps(status)
    if status.status == "completed" and flagged:
        lines.append(f"  failed on the way: {', '.join(flagged)}")
    lines += [f"  output {name}: {value_text(value)}" for name, value in status.outputs.items()]
    return lines + _next(status)


def duration_of(status: Status) -> str:
    """Return how long a run took, or has taken so far."""
    started, ended = status.started_at or status.created_at, status.completed_at or status.updated_at
    return "" if started is None or ended is None else amount_words.span(ended - started)


def cost_of(status: Status) -> float | None:
    """Return what the agents cost, None where no cost is known."""
    costs = [step.usage.usd for step in status.steps.values() if step.usage is not None and step.usage.usd is not None]
    return sum(costs) if costs else None


def _steps(status: Status) -> str:
    cached = sum(1 for step in status.steps.values() if step.cached)
    total = sum(1 for step in status.steps.values() if step.status == "completed")
    text = f"{total} {'step' if total == 1 else 'steps'}"
    kept = sum(1 for step in status.steps.values() if step.status == "completed" and step.kept_from is not None)
    text += f", {kept} kept from before" if kept else ""
    return f"{text}, {cached} from the cache" if cached else text


def _cost(status: Status) -> str:
    cost = cost_of(status)
    return "" if cost is None else amount_words.money(cost)


def _failure(status: Status, log_lines: list[str]) -> list[str]:
    error = status.error
    if error is None:
        return []
    where = f"step `{error.step}`: " if error.step else ""
    text = plain(error.message).strip().splitlines() or [""]
    lines = [f"  error[{error.type}]: {where}{text[0]}", *(f"    {line}" for line in text[1:])]
    code = error.details.get("code")
    if isinstance(code, str):
        lines.append(f"  docs: perdure explain {plain(code)}")
    return lines + [f"    | {line}" for line in log_lines[-LOG_LINES:]]


def _next(status: Status) -> list[str]:
    run = status.execution_id
    if status.error is not None and status.error.step in status.steps:
        return [f"  next: perdure logs {run} {status.error.step}"]
    if status.status != "completed":
        return [f"  next: perdure show {run}"]
    if status.tree is not None and status.tree != status.tree_before:
        return [f"  next: perdure diff {run}", f"        perdure apply {run}"]
    return []
