"""`list` and `show`: what runs there are, and what is known of one."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import starmap
from typing import TYPE_CHECKING, get_args

import click

from client.exit_codes import ExitCode
from client.messages import amount_words, connection_words, control_words, run_words
from client.options import json_option, profile_option, run_argument
from client.output import one_line, say, value_text, write_json, write_table
from definitions.statuses import ENDED, RunState, Status, StepStatus

if TYPE_CHECKING:
    from client.connection import Connection
    from client.runs import RunLine


@click.command("list", short_help="List runs, the newest first.")
@click.option("--status", "states", multiple=True, type=click.Choice(get_args(RunState)), help="Only in this state.")
@click.option("--definition", metavar="ID", help="Only runs of this definition.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="At most so many.")
@json_option()
@profile_option
def list_runs(
    states: tuple[str, ...], definition: str | None, limit: int, as_json: bool, profile: str | None
) -> ExitCode:
    """List runs, the newest first."""
    from client.connection import run_connected

    async def listed(connection: Connection) -> list[RunLine]:
        from client.runs import list_runs as runs_of

        return [line async for line in runs_of(connection, states=states, definition=definition, limit=limit)]

    lines = run_connected(listed, profile)
    if as_json:
        write_json([_line_record(line) for line in lines])
    elif lines:
        write_table(("ID", "DEFINITION", "STATUS", "GATES", "STARTED", "DURATION"), map(_cells, lines))
    else:
        say(run_words.NO_RUNS)
    return ExitCode.SUCCESS


@click.command(short_help="Show the status record of a run.")
@run_argument
@json_option()
@profile_option
def show(execution_id: str, as_json: bool, profile: str | None) -> ExitCode:
    """Show the status record of the run ID, live or ended."""
    from client.connection import run_connected

    status = run_connected(lambda connection: _status(connection, execution_id), profile)
    if as_json:
        write_json(status.model_dump(mode="json"))
        return ExitCode.SUCCESS
    _show_run(status)
    return ExitCode.SUCCESS


async def _status(connection: Connection, execution_id: str) -> Status:
    from client.held_up import waiting_for
    from client.runs import NoAnswer, current_status, no_answer

    try:
        status = await current_status(connection, execution_id)
    except NoAnswer as error:
        raise no_answer(execution_id) from error
    if status.status == "running" and (waiting := await waiting_for(connection, execution_id)) is not None:
        say(connection_words.store_away(waiting))
    return status


def _show_run(status: Status) -> None:
    from client.conclusion import closing_lines, headline

    click.echo(headline(status))
    version = f" {status.definition_version}" if status.definition_version else ""
    click.echo(f"  definition {status.definition_id}{version}")
    if status.rerun_of is not None:
        click.echo(f"  rerun of {one_line(status.rerun_of)}")
    for name, value in status.inputs.items():
        click.echo(f"  input {name}: {value_text(value)}")
    if status.reason:
        click.echo(f"  {one_line(status.reason)}")
    if status.pause_reason and status.status == "paused":
        click.echo(f"  paused: {one_line(status.pause_reason)}")
    if status.steps:
        click.echo()
        write_table(("STEP", "STATUS", "ATTEMPT", "DURATION", "REMARK"), starmap(_step_cells, status.steps.items()))
        click.echo()
    for gate in status.pending_approvals:
        click.echo(f"  waits for a decision: {gate.gate}: {one_line(gate.message)}")
        for command in control_words.gate_commands(status.execution_id, gate.gate):
            click.echo(f"    {command}")
    if status.status in ENDED:
        for line in closing_lines(status):
            click.echo(line)


def _step_cells(path: str, step: StepStatus) -> tuple[str, ...]:
    spent = amount_words.span(step.completed_at - step.started_at) if step.completed_at and step.started_at else ""
    remarks = ["from the cache"] if step.cached else []
    if step.kept_from is not None:
        remarks = [f"kept from {one_line(step.kept_from, 80)}"]
    remarks += [f"pass {step.iteration}"] if step.iteration is not None else []
    remarks += [f"{step.finished} items"] if step.finished is not None else []
    remarks += [f"won by {step.winner}"] if step.winner is not None else []
    remarks += ["undone"] if step.compensated else []
    if step.usage is not None and step.usage.usd is not None:
        remarks.append(amount_words.money(step.usage.usd))
    if step.error is not None:
        remarks.append(f"{step.error.type}: {one_line(step.error.message, 80)}")
    elif step.reason:
        remarks.append(one_line(step.reason, 80))
    if step.handled:
        remarks.append("handled")
    remarks += [one_line(text, 80) for text in (step.summary, *step.notes) if text]
    return path, step.status, str(step.attempt or ""), spent, ", ".join(remarks)


def _cells(line: RunLine) -> tuple[str, ...]:
    ended = line.ended_at or datetime.now(UTC)
    started = f"{line.started_at.astimezone():%Y-%m-%d %H:%M:%S}"
    gates = str(line.open_gates) if line.open_gates else ""
    return (
        line.execution_id,
        line.definition_id,
        line.status,
        gates,
        started,
        amount_words.span(ended - line.started_at),
    )


def _line_record(line: RunLine) -> dict[str, object]:
    """Return a listed run in the words of the status record."""
    return {
        "execution_id": line.execution_id,
        "definition_id": line.definition_id,
        "status": line.status,
        "open_gates": line.open_gates,
        "started_at": line.started_at.isoformat(),
        "completed_at": None if line.ended_at is None else line.ended_at.isoformat(),
    }
