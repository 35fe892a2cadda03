"""`gates`, `approve`, `reject`: what waits for a person, and the person's word."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Literal

import click

from client.exit_codes import ExitCode
from client.messages import control_words
from client.options import json_option, profile_option, read_execution_id, run_argument
from client.output import Problem, one_line, plain, say, value_lines, write_json
from client.starting import user_name
from definitions.messages import Decide

if TYPE_CHECKING:
    from definitions.messages import Answer
    from definitions.records import Gate

_by = click.option("--by", default=user_name, show_default="the user's name", help="Who decides; it is recorded.")
_digest = click.option("--digest", help="What was shown; the decision is refused where the gate shows something else.")


@click.command(short_help="List open gates.")
@click.argument("execution_id", metavar="[ID]", required=False, callback=read_execution_id)
@json_option()
@profile_option
def gates(execution_id: str | None, as_json: bool, profile: str | None) -> ExitCode:
    """List open gates, of all runs or of the run ID, with what they show and how to decide them."""
    from client.connection import run_connected
    from client.open_gates import find_gates

    found = run_connected(lambda connection: find_gates(connection, execution_id), profile)
    if as_json:
        write_json([{"execution_id": run, **gate.model_dump(mode="json")} for run, gate in found])
        return ExitCode.SUCCESS
    for run, gate in found:
        _print_gate(run, gate)
    if not found:
        say(control_words.NO_GATES)
    return ExitCode.SUCCESS


@click.command(short_help="Approve at an open gate.")
@run_argument
@click.argument("gate", required=False)
@click.option("--comment", "--reason", "comment", help="A comment; it is recorded.")
@_by
@_digest
@json_option()
@profile_option
def approve(
    execution_id: str,
    gate: str | None,
    comment: str | None,
    by: str,
    digest: str | None,
    as_json: bool,
    profile: str | None,
) -> ExitCode:
    """Approve at GATE of the run ID; GATE may be left out when one is open."""
    return _decide("approve", execution_id, gate, comment, by, digest, profile, as_json=as_json)


@click.command(short_help="Reject at an open gate.")
@run_argument
@click.argument("gate", required=False)
@click.option("--reason", "--comment", "comment", required=True, help="Why; it is recorded.")
@_by
@_digest
@json_option()
@profile_option
def reject(
    execution_id: str,
    gate: str | None,
    comment: str,
    by: str,
    digest: str | None,
    as_json: bool,
    profile: str | None,
) -> ExitCode:
    """Reject at GATE of the run ID, with the reason; GATE may be left out when one is open."""
    return _decide("reject", execution_id, gate, comment, by, digest, profile, as_json=as_json)


def _decide(
    verdict: Literal["approve", "reject"],
    execution_id: str,
    gate: str | None,
    comment: str | None,
    by: str,
    digest: str | None,
    profile: str | None,
    *,
    as_json: bool,
) -> ExitCode:
    from client.connection import run_connected
    from client.controls import send_control

    decision_id = f"cli-{secrets.token_hex(8)}"
    message = Decide(gate=gate, verdict=verdict, by=by, comment=comment, digest=digest, decision_id=decision_id)
    answer = run_connected(lambda connection: send_control(connection, execution_id, "decide", message), profile)
    return _tell(answer, verdict, execution_id, as_json=as_json)


def _tell(answer: Answer | None, verdict: str, execution_id: str, *, as_json: bool) -> ExitCode:
    if answer is not None and not answer.accepted:
        remedy = control_words.refusal_remedy("refused", execution_id)
        raise Problem(answer.message or control_words.NOT_ALLOWED, slug="refused", remedy=remedy)
    if as_json:
        write_json(None if answer is None else answer.model_dump(mode="json"))
    elif answer is None:
        say(control_words.control_sent(verdict, execution_id))
    else:
        say(plain(answer.message or control_words.control_done(verdict, execution_id)))
    return ExitCode.SUCCESS


def _print_gate(execution_id: str, gate: Gate) -> None:
    who = ", ".join([*gate.users, *(f"@{group}" for group in gate.groups)]) or "anyone"
    closes = "" if gate.deadline is None else f", closes {gate.deadline:%Y-%m-%d %H:%M:%S} UTC ({gate.on_timeout})"
    click.echo(f"{execution_id} {gate.gate}  {one_line(gate.message)}")
    click.echo(f"  who: {one_line(who)}{closes}")
    for name, value in gate.show.items():
        lines = value_lines(value)
        click.echo("\n".join([f"  {name}: {lines[0]}", *(f"    {line}" for line in lines[1:])]))
    for command in control_words.gate_commands(execution_id, gate.gate):
        click.echo(f"  {command}")
    click.echo()
